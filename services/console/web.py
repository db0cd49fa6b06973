"""Who stands behind a request: session, token, language, and the caller that speaks for them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from services.chassis.clock import from_timestamp
from services.chassis.errors import Forbidden, Unauthenticated
from services.chassis.identity import POLICY
from services.chassis.pb.registry.v1.registry_pb2 import RefreshTokenRequest
from services.console.directory import DirectoryCache
from services.console.doors import Caller, Doors
from services.console.language import Translate, translator
from services.console.security import same_secret
from services.console.session import COOKIE, Session, SessionStore, fresh_session, now_s
from services.console.settings import ConsoleSettings

#: A token with less life than this is exchanged before it is used.
REFRESH_BELOW_S = 300


@dataclass
class House:
    """What the whole application shares; built once in `app.py`."""

    settings: ConsoleSettings
    doors: Doors
    sessions: SessionStore
    directories: DirectoryCache


@dataclass
class Visitor:
    """One request's person (or nobody yet)."""

    house: House
    session_id: str
    session: Session
    call: Caller
    t: Translate

    @property
    def doors(self) -> Doors:
        """The doors, for their stubs."""
        return self.house.doors

    @property
    def language(self) -> str:
        """Language of the pages."""
        return self.session.language

    def may(self, action: str) -> bool:
        """Whether the role is worth asking for: the doors decide, and log each refusal."""
        return self.session.role in POLICY[action]

    async def keep(self, session: Session) -> None:
        """Store a changed session; opens one for a browser that had none."""
        self.session = session
        if self.session_id:
            await self.house.sessions.save(self.session_id, session)
        else:
            self.session_id = await self.house.sessions.open(session)

    async def notice(self, text: str) -> None:
        """Say `text` once, on the next page."""
        await self.keep(replace(self.session, notices=(*self.session.notices, text)))

    async def take_notices(self) -> tuple[str, ...]:
        """Give the texts to say on this page and forget them."""
        said = self.session.notices
        if said:
            await self.keep(replace(self.session, notices=()))
        return said


def house_of(request: Request) -> House:
    """Give the application's shared parts."""
    house: House = request.app.state.house
    return house


async def visitor(request: Request) -> Visitor:
    """Find out who asks. Signed-in people get a token that still lives a while."""
    house = house_of(request)
    session_id = request.cookies.get(COOKIE, "")
    session = await house.sessions.load(session_id)
    if session is None:
        session_id, session = "", fresh_session()
    if session.signed_in:
        session = await with_live_token(house, session_id, session)
        if not session.signed_in:
            session_id = ""
    found = Visitor(
        house,
        session_id,
        session,
        house.doors.as_owner_of(session.token),
        translator(session.language),
    )
    request.state.visitor = found
    return found


async def with_live_token(house: House, session_id: str, session: Session) -> Session:
    """Exchange a token that is about to end. A token that ended already ends the session."""
    if session.token_expires_at - now_s() > REFRESH_BELOW_S:
        await house.sessions.touch(session_id)
        return session
    call = house.doors.as_owner_of(session.token)
    try:
        answer = await call(house.doors.registry.RefreshToken, RefreshTokenRequest())
    except Unauthenticated:
        await house.sessions.close(session_id)
        return fresh_session(session.language)
    fresh = replace(
        session,
        token=answer.token,
        token_expires_at=from_timestamp(answer.expires_at).timestamp(),
    )
    await house.sessions.save(session_id, fresh)
    return fresh


async def signed_in(found: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """Demand a signed-in person. Raises Unauthenticated."""
    if not found.session.signed_in:
        raise Unauthenticated("nobody is signed in")
    return found


async def checked_form(request: Request, found: Annotated[Visitor, Depends(visitor)]) -> FormData:
    """Read a posted form after its CSRF token was found right. Raises Forbidden."""
    form = await request.form()
    given = str(form.get("csrf", "")) or request.headers.get("x-csrf-token", "")
    if not found.session_id or not same_secret(given, found.session.csrf):
        raise Forbidden("the form is too old or came from elsewhere", form="csrf")
    return form


def set_cookie(request: Request, response: Response, session_id: str) -> None:
    """Hand the session's id to the browser: no script reads it, no other site sends it along."""
    response.set_cookie(
        COOKIE,
        session_id,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path="/",
    )


SomeVisitor = Annotated[Visitor, Depends(visitor)]
SignedIn = Annotated[Visitor, Depends(signed_in)]
CheckedForm = Annotated[FormData, Depends(checked_form)]
Handler = Callable[[Request, Exception], Awaitable[Response]]

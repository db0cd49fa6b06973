"""登录与退出: sign in, sign out, choose the language."""

from dataclasses import replace
from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from services.chassis.clock import from_timestamp
from services.chassis.errors import Forbidden, NotFound, Unauthenticated
from services.chassis.log import get_logger
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.console.language import LANGUAGES
from services.console.pages import render
from services.console.security import local_path
from services.console.session import COOKIE, Session, fresh_session, now_s
from services.console.web import CheckedForm, SomeVisitor, Visitor, set_cookie

router = APIRouter()
log = get_logger(__name__)

#: This many wrong passwords for one name, or from one address, inside the window: wait.
MAX_FAILURES = 10
FAILURE_WINDOW = timedelta(minutes=10)


@router.get("/sign-in")
async def show_form(request: Request, found: SomeVisitor) -> Response:
    """Show the form; somebody who is signed in goes on."""
    target = local_path(request.query_params.get("next", "/"))
    if found.session.signed_in:
        return RedirectResponse(target, 303)
    return await form_page(request, found, target)


async def form_page(
    request: Request, found: Visitor, target: str, *, problem: str = "", status: int = 200
) -> Response:
    """Show the form, with what went wrong before."""
    await found.keep(found.session)
    page = await render(found, "sign_in.html", status=status, target=target, problem=problem)
    set_cookie(request, page, found.session_id)
    return page


@router.post("/sign-in")
async def sign_in(request: Request, found: SomeVisitor, form: CheckedForm) -> Response:
    """Exchange name and password for a session with a new id."""
    target = local_path(str(form.get("next", "/")))
    user_name = str(form.get("user_name", "")).strip()[:128]
    peer = request.client.host if request.client else ""
    sessions = found.house.sessions
    counted = [await sessions.failures(who) for who in (f"name:{user_name}", f"peer:{peer}")]
    if max(counted) >= MAX_FAILURES:
        return await form_page(request, found, target, problem="too_many", status=429)
    try:
        answer = await found.call(
            found.doors.registry.SignIn,
            pb.SignInRequest(user_name=user_name, password=str(form.get("password", ""))),
        )
    except Unauthenticated:
        for who in (f"name:{user_name}", f"peer:{peer}"):
            await sessions.count_failure(who, FAILURE_WINDOW)
        log.warning("sign_in_refused", user_name=user_name, peer=peer)
        return await form_page(request, found, target, problem="wrong", status=401)
    session = await session_of(found, answer)
    session_id = await sessions.rotate(found.session_id, session)
    log.info("signed_in", user_name=user_name, role=session.role)
    response = RedirectResponse(home_of(session.role) if target == "/" else target, 303)
    set_cookie(request, response, session_id)
    return response


async def session_of(found: Visitor, answer: pb.SignInResponse) -> Session:
    """Make the session of the person who signed in."""
    account = answer.account
    return Session(
        csrf="",  # given by `rotate`
        language=found.language,
        token=answer.token,
        token_expires_at=from_timestamp(answer.expires_at).timestamp(),
        signed_in_at=now_s(),
        user_name=account.user_name,
        display_name=account.display_name or account.user_name,
        role=account.role,
        division=account.division,
        division_name=await division_name(found, answer.token, account.division),
        credit_code=account.credit_code,
        officer_id=account.officer_id,
        scripted=account.scripted,
    )


async def division_name(found: Visitor, token: str, code: str) -> str:
    """Read the name of the person's jurisdiction; a role without registry rights sees the code."""
    if not code:
        return ""
    call = found.doors.as_owner_of(token)
    try:
        answer = await call(
            found.doors.registry.GetRecord,
            pb.GetRecordRequest(kind=pb.RECORD_KIND_DIVISION, key=code),
        )
    except (Forbidden, NotFound):
        return code
    return answer.record.division.name or code


def home_of(role: str) -> str:
    """Tell where a role starts its work."""
    return "/referrals" if role in ("police", "procurator") else "/"


@router.post("/sign-out")
async def sign_out(found: SomeVisitor, _form: CheckedForm) -> Response:
    """Forget the session, here and in Redis."""
    await found.house.sessions.close(found.session_id)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, path="/")
    return response


@router.post("/language")
async def choose_language(request: Request, found: SomeVisitor, form: CheckedForm) -> Response:
    """Change the language of this session's pages."""
    language = str(form.get("language", ""))
    base = found.session if found.session_id else fresh_session()
    if language in LANGUAGES:
        await found.keep(replace(base, language=language))
    response = RedirectResponse(local_path(str(form.get("next", "/"))), 303)
    set_cookie(request, response, found.session_id)
    return response

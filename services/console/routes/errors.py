"""Error pages: what happened, where, and what to do about it."""

from urllib.parse import quote

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from services.chassis.errors import (
    Conflict,
    FarsightError,
    Forbidden,
    InputRejected,
    NotFound,
    RuleViolated,
    Unauthenticated,
    Unavailable,
)
from services.chassis.log import current_correlation, get_logger
from services.console.language import translator
from services.console.pages import render
from services.console.session import fresh_session
from services.console.web import Visitor, house_of

log = get_logger(__name__)

STATUS: dict[type[FarsightError], tuple[int, str]] = {
    Forbidden: (403, "forbidden"),
    NotFound: (404, "not_found"),
    Conflict: (409, "conflict"),
    InputRejected: (422, "rejected"),
    RuleViolated: (422, "rule"),
    Unavailable: (503, "unavailable"),
}


def add_error_pages(app: FastAPI) -> None:
    """Hang the handlers into the application."""
    app.add_exception_handler(Unauthenticated, to_sign_in)
    app.add_exception_handler(FarsightError, typed_error)
    app.add_exception_handler(HTTPException, http_error)


async def to_sign_in(request: Request, _error: Exception) -> Response:
    """Send a browser to the form; a fragment's request sends the whole page there."""
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    place = "/sign-in" if target == "/" else f"/sign-in?next={quote(target, safe='')}"
    if request.headers.get("hx-request") or "application/json" in request.headers.get("accept", ""):
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    return RedirectResponse(place, 303)


async def typed_error(request: Request, error: Exception) -> Response:
    """Show an error that the platform raised on purpose."""
    assert isinstance(error, FarsightError)
    status, key = STATUS.get(type(error), (500, "internal"))
    if status >= 500:
        log.error("page_failed", path=request.url.path, reason=error.reason, **error.facts)
    return await error_page(request, status, key, error)


async def http_error(request: Request, error: Exception) -> Response:
    """Show what the framework refused: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)
    key = {403: "forbidden", 404: "not_found", 405: "not_found"}.get(error.status_code, "rejected")
    return await error_page(request, error.status_code, key, None)


async def error_page(
    request: Request, status: int, key: str, error: FarsightError | None
) -> Response:
    """Write the page. It must work with Redis and the doors away, so it asks neither."""
    found: Visitor | None = getattr(request.state, "visitor", None)
    if found is None:
        house = house_of(request)
        session = fresh_session()
        found = Visitor(
            house, "", session, house.doors.as_owner_of(""), translator(session.language)
        )
    page = await render(
        found,
        "error.html",
        status=status,
        status_code=status,
        key=key,
        error=error,
        place=request.url.path,
        reference=current_correlation(),
    )
    if status == 503:
        page.headers["Retry-After"] = "5"
    return page

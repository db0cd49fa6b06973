"""Templates: one Jinja environment, filters that write moments, spans and numbers for people."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from services.chassis.clock import utc_now
from services.chassis.pb.cases.v1.cases_pb2 import (
    LEVEL_DISPATCH,
    LEVEL_SUPERVISION,
    LEVEL_WARNING,
    Matter,
)
from services.console.language import LANGUAGES, word
from services.console.views.factors import factor_of
from services.console.views.moments import Countdown, ago_words, countdown, in_beijing
from services.console.views.numbers import change, file_size, kilograms, number, percent, unit_text
from services.console.web import Visitor

HERE = Path(__file__).parent
STATIC = HERE / "static"
LEVEL_KEYS = {
    LEVEL_WARNING: "warning",
    LEVEL_DISPATCH: "dispatch",
    LEVEL_SUPERVISION: "supervision",
}
#: Who finds what in the menu: key, path, roles. What a page may show is decided by the doors.
MENU = (
    ("overview", "/", ("officer", "leader", "enterprise", "operator", "platform")),
    ("queue", "/matters", ("officer", "leader", "enterprise", "platform")),
    ("work", "/work", ("officer", "leader")),
    ("outlets", "/outlets", ("officer", "leader", "enterprise", "operator", "platform")),
    ("commands", "/commands", ("officer", "leader", "enterprise", "operator", "platform")),
    ("transmission", "/transmission", ("officer", "leader", "enterprise", "operator", "platform")),
    ("screening", "/screening", ("officer", "leader")),
    ("outside", "/outside", ("officer", "leader", "enterprise", "operator", "platform")),
    ("marks", "/marks", ("officer", "leader", "enterprise", "operator", "platform")),
    ("monitor", "/monitor", ("leader", "operator", "platform")),
    ("referrals", "/referrals", ("officer", "leader", "police", "procurator")),
)


@cache
def environment() -> Environment:
    """Build the environment once. Everything is escaped; a name that is missing is an error."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,  # a running console is one version, whatever is written beside it
    )
    made.filters.update(
        moment=in_beijing,
        number=number,
        percent=percent,
        change=change,
        kilograms=kilograms,
        file_size=file_size,
        unit=unit_text,
        hex=lambda digest: bytes(digest).hex(),
    )
    made.globals.update(static=static_url, languages=LANGUAGES)
    return made


@cache
def static_url(name: str) -> str:
    """Give the address of a static file with its digest: browsers may keep it for a year."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


def level_key(level: int) -> str:
    """Give the catalogue's key of a level; empty for none."""
    return LEVEL_KEYS.get(level, "")  # type: ignore[call-overload, no-any-return]


def due_action(matter: Matter) -> str:
    """Tell in Chinese what is due next; empty for nothing."""
    for clock in matter.clocks:
        if clock.key == matter.next_due_key and clock.state in ("running", "breached"):
            return clock.action
    return matter.next_due_key


def words_of(found: Visitor, now: datetime) -> dict[str, Any]:
    """Give the functions that write in the visitor's language."""

    def due(moment: Timestamp | None) -> Countdown:
        return countdown(moment, now, found.t)

    def factor_names(codes: list[str]) -> str:
        return "、".join(factor_of(code).name(found.language) for code in codes) or "—"

    def chart_flags() -> dict[str, str]:
        names = {flag: word(found.language, "flag", flag) for flag in "NFMSDCTB"}
        return {**names, "title": found.t("chart.flags")}

    named: Callable[[str, str], str] = lambda group, key: word(found.language, group, key)  # noqa: E731
    return {
        "t": found.t,
        "word": named,
        "due": due,
        "ago": lambda moment: ago_words(moment, now, found.t),
        "factor_names": factor_names,
        "level_key": level_key,
        "chart_flags": chart_flags,
        "unit_of": lambda code: factor_of(code).unit,
        "due_action": due_action,
    }


async def render(
    found: Visitor, template: str, *, status: int = 200, **context: Any
) -> HTMLResponse:
    """Write a page for the visitor."""
    now = utc_now()
    session = found.session
    notices = await found.take_notices()
    html = (
        environment()
        .get_template(template)
        .render(
            session=session,
            notices=notices,
            menu=[(key, path) for key, path, roles in MENU if session.role in roles],
            handset_url=found.house.settings.handset_url,
            html_language=LANGUAGES[session.language][1],
            now=now,
            **words_of(found, now),
            **context,
        )
    )
    return HTMLResponse(html, status_code=status)

"""Who is told what 通知: a row of the table becomes a template key, parameters and recipients.

Never free text, and about a confidential matter never a word to the enterprise.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.cases.domain.assignment import levels_of
from services.cases.domain.lifecycle import Tell
from services.cases.domain.matter import Event, Matter, Running
from services.chassis.clock import BEIJING

URGENT, NORMAL = 1, 2


@dataclass(frozen=True)
class Address:
    """通知对象: kind enterprise | division | officer, its key, and a role of the division."""

    kind: str
    key: str
    role: str = ""


@dataclass(frozen=True)
class Notice:
    """One thing to tell. `cause_id` is unique a cause: a person hears of it once."""

    cause_id: str
    template: str
    parameters: Mapping[str, str]
    addresses: tuple[Address, ...]
    level: int
    event_time: dt.datetime


def of_step(tell: Tell, matter: Matter, event: Event, names: Mapping[str, str]) -> Notice:
    """The notice that a row of the table asks for after an event."""
    clock = matter.open_clock(tell.clock) if tell.clock else matter.next_due()
    return Notice(
        cause_id=f"{matter.matter_id}/{event.seq}/{tell.template}/{tell.to}",
        template=tell.template,
        parameters=_parameters(
            matter, clock, names, action=clock.action_zh if tell.clock and clock else event.act_zh
        ),
        addresses=_addresses(matter, tell.to),
        level=URGENT if tell.urgent else NORMAL,
        event_time=max((row.end for row in matter.rows), default=event.at),
    )


def near(
    matter: Matter,
    clock: Running,
    now: dt.datetime,
    names: Mapping[str, str],
    early: str = "",
) -> Notice:
    """A clock ends soon: whoever has to act is reminded, of each early reminder by itself."""
    word = _Word("near", _doer_of(matter, clock))
    notice = _of_clock(word, matter, clock, now, names)
    return replace(notice, cause_id=f"{notice.cause_id}{early}")


def breached(
    matter: Matter, clock: Running, step: int, now: dt.datetime, names: Mapping[str, str]
) -> list[Notice]:
    """A clock ran out: step 1 tells who had to act and the leader there, later steps climb."""
    levels = leaders_told(clock)
    if step > 1:
        to = levels[min(step, len(levels)) - 1]
        return [_of_clock(_Word("breached", to, step), matter, clock, now, names)]
    told = dict.fromkeys((_doer_of(matter, clock), levels[0]))
    return [_of_clock(_Word("breached", to), matter, clock, now, names) for to in told]


def leaders_told(clock: Running) -> tuple[str, ...]:
    """逐级升级: whose leaders hear of a breach, by step; the city's own work starts at the city."""
    if clock.bound == "city":
        return ("city_leaders", "province_leaders")
    return ("county_leaders", "city_leaders", "province_leaders")


@dataclass(frozen=True)
class _Word:
    """What is said of a clock, to whom, at which step of the escalation."""

    what: str
    to: str
    step: int = 1


def _of_clock(
    word: _Word, matter: Matter, clock: Running, now: dt.datetime, names: Mapping[str, str]
) -> Notice:
    suffix = "_enterprise" if word.to == "enterprise" else ""
    return Notice(
        cause_id=f"{clock.clock_id}/{clock.schedule}/{word.what}/{word.step}/{word.to}",
        template=f"clock_{word.what}{suffix}",
        parameters=_parameters(matter, clock, names, action=clock.action_zh),
        addresses=_addresses(matter, word.to),
        level=URGENT if clock.statutory and word.what == "breached" else NORMAL,
        event_time=now,
    )


def _doer_of(matter: Matter, clock: Running) -> str:
    if clock.bound == "enterprise" and not matter.confidential:
        return "enterprise"
    if clock.bound == "leader":
        return "county_leaders"
    if clock.bound == "city":
        return "city_officers"
    return "assignee" if matter.assignee_id else "county_officers"


def _addresses(matter: Matter, to: str) -> tuple[Address, ...]:
    """Recipients by role. Raises `ValueError` for a confidential matter and its enterprise."""
    if to == "enterprise":
        if matter.confidential:
            raise ValueError(f"{matter.matter_id} is confidential")
        return (Address("enterprise", matter.credit_code),)
    if to == "assignee" and matter.assignee_id:
        return (Address("officer", matter.assignee_id),)
    level, _, role = to.replace("assignee", "county_officers").partition("_")
    _, city, province = levels_of(matter.division)
    division = {"county": matter.in_charge, "city": city, "province": province}[level]
    return (Address("division", division, role.removesuffix("s")),)


def _parameters(
    matter: Matter, clock: Running | None, names: Mapping[str, str], *, action: str
) -> dict[str, str]:
    row = matter.rows[-1] if matter.rows else None
    return {
        "plant": matter.enterprise_short or matter.enterprise_name,
        "outlet": matter.outlet_name,
        "factor": factor_names(matter.factors, names),
        "item": matter.title,
        "time": _hour(row.end) if row else "",
        "value": f"{row.statistic:.4g}{row.unit}" if row else "",
        "limit": f"{row.threshold:.4g}{row.unit}" if row else "",
        "due": due_text(clock.due_at) if clock else "",
        "number": matter.number,
        "action": action,
    }


def factor_names(factors: Sequence[str], names: Mapping[str, str]) -> str:
    """Chinese names of factor codes; a code without one stands for itself."""
    return "、".join(names.get(code, code) for code in factors)


def due_text(moment: dt.datetime | None) -> str:
    """A deadline for people: the end of a day is its 24:00, not the next day's 00:00."""
    if moment is None:
        return "另行通知"
    local = moment.astimezone(BEIJING)
    if local.time() == dt.time():
        return f"{local - dt.timedelta(days=1):%m-%d} 24:00"
    return f"{local:%m-%d %H:%M}"


def _hour(end: dt.datetime) -> str:
    """The hour that ended then, named by its start (HJ 212)."""
    return f"{end.astimezone(BEIJING) - dt.timedelta(hours=1):%m-%d %H}时"

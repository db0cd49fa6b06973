"""Fields of an act as a person might fill them in: mostly sensible, sometimes not."""

from __future__ import annotations

import datetime as dt
from random import Random

from services.cases.domain.inspection import team
from services.cases.domain.lifecycle import Act, Field
from services.cases.domain.matter import Kind, Matter
from services.chassis.clock import BEIJING
from tests.walks.people import OFFICERS

_DAYS = (0, 0, 0, 0, -1, -3, -10, 12, 20, 40)
_MONEY = ("220000", "220000", "100000", "300000", "50000")
_OFFICERS = [one.user_id for one in OFFICERS]


def draft(
    act: Act,
    matter: Matter | None,
    files: list[str],
    now: dt.datetime,
    chance: Random,
    who: str,
) -> dict[str, str]:
    """A value for each field, fit for its kind; optional ones are left out now and then."""
    fields: dict[str, str] = {}
    for field in act.fields:
        if not field.when.holds(fields) or (not field.required and chance.random() < 0.3):
            continue
        value = _of_visit(field.name, matter, now, chance)
        value = value or _said_before(field, matter, chance)
        value = value if value is not None else _value(field, files, now, chance, who)
        if value:
            fields[field.name] = value
    if matter is not None and act.key == "correct":
        fields |= _correction(matter, chance)
    return fields


def _said_before(field: Field, matter: Matter | None, chance: Random) -> str | None:
    """What an earlier line said under the same name: sums and answers are mostly repeated."""
    if matter is None or field.kind not in {"money", "choice"} or chance.random() < 0.3:
        return None
    lines = (event.fields.get(field.name) for event in reversed(matter.events))
    said = next((value for value in lines if value), None)
    return said if said and (field.kind == "money" or said in field.values) else None


def _value(field: Field, files: list[str], now: dt.datetime, chance: Random, who: str) -> str:
    if field.kind == "choice":
        values = [choice.partition("|")[0] for choice in field.choices]
        sure = 0.9 if values[0] == "yes" else 0.5
        return values[0] if chance.random() < sure else chance.choice(values)
    if field.kind == "officer":
        return chance.choice([one for one in _OFFICERS if one != who])
    if field.kind == "date":
        day = now.astimezone(BEIJING).date() + dt.timedelta(days=chance.choice(_DAYS))
        return day.isoformat()
    if field.kind == "moment":
        return (now - dt.timedelta(minutes=chance.choice((0, 0, 30, 600)))).isoformat()
    if field.kind == "files":
        return " ".join(files)
    if field.name == "participants":
        return "、".join(chance.sample(_OFFICERS, 3))
    return {"money": chance.choice(_MONEY), "number": str(chance.randrange(1, 9))}.get(
        field.kind, "文"
    )


def _of_visit(name: str, matter: Matter | None, now: dt.datetime, chance: Random) -> str | None:
    """What the forms of an inspection want by name; None for every other field."""
    if name in {"planned_from", "planned_until"}:
        hours = chance.choice((1, 1, 1, 30)) if name == "planned_from" else chance.choice((48, 90))
        return (now + dt.timedelta(hours=hours - 2)).isoformat()
    if name in {"certificate_1", "certificate_2"} and matter is not None:
        who = team(matter)[int(name[-1]) - 1 :][:1]
        return f"冀环{who[0]}" if who else "无"
    fixed = {"topics": "", "longitude": "114.5", "latitude": "36.6", "clock_offset_s": "1"}
    return fixed.get(name)


def _correction(matter: Matter, chance: Random) -> dict[str, str]:
    """A line with fields, one of them, another value of the same kind."""
    lines = [event for event in matter.events if event.fields and event.doer.role != "system"]
    if not lines:
        return {}
    line = chance.choice(lines)
    name = chance.choice(sorted(line.fields))
    old = line.fields[name]
    try:
        value = (dt.date.fromisoformat(old) - dt.timedelta(days=chance.randrange(3))).isoformat()
    except ValueError:
        value = old
    return {"seq": str(line.seq), "field": name, "value": value}


#: Kinds that people open by hand, beside what grows below them.
OPENED = (Kind.CASE, Kind.INSPECTION, Kind.LISTED)

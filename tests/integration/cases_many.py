"""Many matters at once, by COPY: heads, clocks and timelines that look like real ones."""

from __future__ import annotations

import datetime as dt
import json
import random
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from services.cases import rules
from services.cases.domain import history, risk
from services.cases.domain.matter import ClockState, Doer, Event, Kind, Level, Matter, Running
from services.cases.domain.timing import iso
from services.cases.store import _head_values

COUNTIES = tuple(f"13{city:02d}{county:02d}" for city in range(1, 12) for county in range(1, 16))
_NAMES = ("热电", "水泥", "造纸", "钢铁", "化工", "制药", "污水处理", "垃圾焚烧", "玻璃", "焦化")
_PLACES = ("永年", "武安", "磁县", "涉县", "鸡泽", "广平", "馆陶", "魏县", "曲周", "临漳")
_STATES = {Kind.CASE: ("clue", "verified", "investigating"), Kind.ORDER: ("issued", "answered")}
_KEYS = {
    Kind.CASE: ("filing", "decision", "prior_registration", "publish"),
    Kind.ORDER: ("order_check", "order_report", "order_answer", "order_confirm"),
}


@dataclass(frozen=True)
class Mass:
    """How many, how spread, by which seed."""

    matters: int
    clocks_each: int = 4
    seed: int = 1
    overdue_share: float = 0.05


def fill(session: Session, mass: Mass, now: dt.datetime) -> None:
    """Write open matters with running clocks, due rows and two lines each."""
    chance = random.Random(mass.seed)
    made = [_matter(chance, number, mass, now) for number in range(mass.matters)]
    heads = [_head_values(one) for one in made]
    _copy(session, "matter", heads)
    _copy(session, "matter_clock", [_clock_values(one, c) for one in made for c in one.clocks])
    _copy(session, "matter_event", [_event_values(one, e) for one in made for e in one.events])
    _copy(session, "due", [row for one in made for row in _due_values(one)])


def _matter(chance: random.Random, number: int, mass: Mass, now: dt.datetime) -> Matter:
    kind = Kind.CASE if chance.random() < 0.6 else Kind.ORDER
    division = COUNTIES[number % len(COUNTIES)]
    plant = number % (mass.matters // 3 + 1)
    matter_id = f"m-{number:07d}"
    who = f"o-{division}-{number // len(COUNTIES) % 8}"
    name = f"{chance.choice(_PLACES)}{chance.choice(_NAMES)}{plant}有限公司"
    opened = now - dt.timedelta(hours=chance.uniform(1, 24 * 80))
    matter = Matter(
        matter_id=matter_id, root_id=matter_id, kind=kind, level=Level(chance.randrange(1, 4)),
        number=f"{'案' if kind is Kind.CASE else '督'}〔2026〕{division}-{number:06d}",
        state=chance.choice(_STATES[kind]), title="二氧化硫小时均值超标", item="hourly_exceedance",
        factors=(f"f{number}",), outlet_id=f"x{plant}-DA001",
        credit_code=f"91{division}MA{plant:08d}", division=division, in_charge=division,
        enterprise_name=name, enterprise_short=name[:4], outlet_name="1号炉", confidential=True,
        assignee_id=who, assignee_name=who, team_id=f"t-{division}", opened_at=opened, version=2,
        correlation_id="",
    )  # fmt: skip
    clocks = tuple(_clock(chance, matter, place, mass, now) for place in range(mass.clocks_each))
    matter = replace(matter, clocks=clocks, events=_events(matter, who, opened))
    points, reasons = risk.risk_of(matter, risk.Facts(now), rules.risk_weights())
    return replace(
        matter, risk=points, risk_reasons=tuple((r.key, r.zh, r.points) for r in reasons)
    )


def _clock(
    chance: random.Random, matter: Matter, place: int, mass: Mass, now: dt.datetime
) -> Running:
    key = _KEYS[matter.kind][place % 4]
    late = chance.random() < mass.overdue_share
    due = now + dt.timedelta(hours=chance.uniform(-72, 0) if late else chance.uniform(1, 24 * 60))
    row = rules.clock_table().find(key, now.date())
    return Running(
        clock_id=f"{matter.matter_id}:{key}:{place // 4 + 1}", key=key, statutory=row.statutory,
        action_zh=row.action_zh, source_zh=row.article_zh, started_at=matter.opened_at, due_at=due,
        provisional=False, derivation=(), bound=row.bound, lapses=row.lapses, started_by=1,
        state=ClockState.BREACHED if late else ClockState.RUNNING,
    )  # fmt: skip


def _events(matter: Matter, who: str, opened: dt.datetime) -> tuple[Event, ...]:
    lines: list[Event] = []
    previous = history.START
    for seq, (doer, act, to) in enumerate(
        (
            (Doer("system", "系统", "system"), "open", "clue"),
            (Doer(who, who, "officer"), "note", ""),
        ),
        start=1,
    ):
        at = opened + dt.timedelta(minutes=seq)
        line = Event(seq, at, doer, act, act, "" if to else "clue", "clue", "", {})
        previous = history.digest(previous, matter.matter_id, line)
        lines.append(replace(line, digest=previous))
    return tuple(lines)


def _clock_values(matter: Matter, clock: Running) -> dict[str, Any]:
    names = (
        "clock_id", "key", "statutory", "action_zh", "source_zh", "started_at", "due_at",
        "provisional", "ended_at", "schedule", "lapses", "bound", "started_by", "start_field",
    )  # fmt: skip
    return {
        **{name: getattr(clock, name) for name in names},
        "matter_id": matter.matter_id,
        "state": clock.state.value,
        "derivation": [],
        "pauses": [],
        "grants": [],
    }


def _event_values(matter: Matter, event: Event) -> dict[str, Any]:
    same = ("seq", "at", "act", "act_zh", "from_state", "to_state", "reason", "digest")
    return {
        **{name: getattr(event, name) for name in same},
        "matter_id": matter.matter_id,
        "actor_id": event.doer.person_id,
        "actor_name": event.doer.name,
        "actor_role": event.doer.role,
        "scripted": False,
        "fields": {},
    }


def _due_values(matter: Matter) -> list[dict[str, Any]]:
    return [
        {
            "kind": "clock_breach",
            "key": f"{clock.clock_id}/1",
            "at": clock.due_at,
            "payload": {
                "matter_id": matter.matter_id, "clock_id": clock.clock_id, "schedule": 1,
                "due": iso(clock.due_at),
            },
            "attempts": 0,
        }
        for clock in matter.clocks
        if clock.state is ClockState.RUNNING
    ]  # fmt: skip


def _copy(session: Session, table: str, rows: list[dict[str, Any]]) -> None:
    """COPY rows as the schema's owner or the service may."""
    columns = list(rows[0])
    cursor = session.connection().connection.cursor()
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([_value(row[name]) for name in columns])


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list) and (not value or isinstance(value[0], list)):
        return json.dumps(value, ensure_ascii=False)
    return value

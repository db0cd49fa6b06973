"""Matters in PostgreSQL: load one, add one, add a step. Reading lists is in `queries`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.cases import rules, wire
from services.cases.domain.deadline import Pause
from services.cases.domain.derivation import Grant, Line
from services.cases.domain.matter import (
    ClockState,
    Doer,
    Event,
    Kind,
    Level,
    Matter,
    Row,
    Running,
)
from services.cases.domain.risk import rank_of
from services.cases.domain.steps import Step
from services.cases.tables import (
    ClockRow,
    ClueRow,
    EventRow,
    FindingRow,
    MatterFindingRow,
    MatterRow,
    NumberRow,
)
from services.chassis.errors import NotFound

#: Head columns whose name and type are the same in the row and in the domain value.
_SAME = (
    "matter_id", "number", "state", "title", "item", "outlet_id", "credit_code", "division",
    "in_charge", "enterprise_name", "enterprise_short", "outlet_name", "confidential",
    "assignee_id", "assignee_name", "team_id", "opened_at", "closed_at", "version",
    "correlation_id", "parent_matter_id", "referral_id", "root_id", "industry", "risk",
)  # fmt: skip
_EVENT_SAME = ("seq", "at", "act", "act_zh", "from_state", "to_state", "reason", "digest")
_CLOCK_SAME = (
    "clock_id", "key", "statutory", "action_zh", "source_zh", "started_at", "due_at",
    "provisional", "ended_at", "schedule", "lapses", "bound", "started_by", "start_field",
)  # fmt: skip


#: First character of a number, by kind.
_MARKS = {
    Kind.ORDER: "督",
    Kind.CASE: "案",
    Kind.LISTED: "挂",
    Kind.INSPECTION: "检",
    Kind.PRESERVATION: "存",
    Kind.RECTIFICATION: "改",
    Kind.SEIZURE: "封",
    Kind.RESTRICTION: "限",
    Kind.DETENTION: "拘",
    Kind.SERVICE: "送",
}


def lock_outlet(session: Session, outlet_id: str) -> None:
    """Let one transaction at a time decide about an outlet: findings of one come in a burst."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": outlet_id}
    )


def lock_family(session: Session, matter_id: str) -> None:
    """Let one transaction at a time change a matter and its kin: a step below may move one above.

    Taken before any row of the family is locked, so that two of them never wait for each other.
    """
    root = session.scalar(select(MatterRow.root_id).where(MatterRow.matter_id == matter_id))
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 1))"),
        {"key": root or matter_id},
    )


def family(session: Session, matter: Matter) -> tuple[Matter, ...]:
    """Every other matter of the same root with clocks and timeline, oldest first."""
    query = (
        select(MatterRow)
        .where(MatterRow.root_id == matter.root_id, MatterRow.matter_id != matter.matter_id)
        .order_by(MatterRow.opened_at, MatterRow.matter_id)
    )
    return tuple(
        head_of(row, _clocks(session, row.matter_id), events(session, row.matter_id))
        for row in session.scalars(query)
    )


def next_of_kin(session: Session, matter: Matter) -> list[str]:
    """Ids of the matter above, of those below, and of the rest of the family."""
    query = select(MatterRow.matter_id).where(
        or_(
            MatterRow.root_id == matter.root_id,
            MatterRow.parent_matter_id == matter.matter_id,
            MatterRow.matter_id == matter.parent_matter_id,
        )
    )
    return sorted(session.scalars(query))


def load(session: Session, matter_id: str, *, lock: bool = False) -> Matter:
    """A matter with clocks, timeline and rows. `NotFound` when there is none."""
    query = select(MatterRow).where(MatterRow.matter_id == matter_id)
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound("no such matter", matter_id=matter_id)
    return head_of(
        row, _clocks(session, matter_id), events(session, matter_id), rows(session, matter_id)
    )


def head_of(
    row: MatterRow,
    clocks: tuple[Running, ...] = (),
    timeline: tuple[Event, ...] = (),
    finding_rows: tuple[Row, ...] = (),
) -> Matter:
    """The domain value of a head row."""
    same: dict[str, Any] = {name: getattr(row, name) for name in _SAME}
    return Matter(
        **same,
        kind=Kind(row.kind),
        level=Level(row.level),
        factors=tuple(row.factors),
        risk_reasons=tuple((key, zh, points) for key, zh, points in row.risk_reasons),
        clocks=clocks,
        events=timeline,
        rows=finding_rows,
    )


def events(session: Session, matter_id: str) -> tuple[Event, ...]:
    """The timeline, oldest first."""
    query = select(EventRow).where(EventRow.matter_id == matter_id).order_by(EventRow.seq)
    return tuple(map(event_of, session.scalars(query)))


def event_of(row: EventRow) -> Event:
    """The domain value of a timeline row."""
    same: dict[str, Any] = {name: getattr(row, name) for name in _EVENT_SAME}
    doer = Doer(row.actor_id, row.actor_name, row.actor_role, scripted=row.scripted)
    return Event(**same, doer=doer, fields=row.fields)


def rows(session: Session, matter_id: str) -> tuple[Row, ...]:
    """What the matter's findings said last, in the order they came."""
    return tuple(map(wire.row_of_body, finding_bodies(session, matter_id)))


def finding_bodies(session: Session, matter_id: str) -> list[bytes]:
    """The findings themselves, as detect told them."""
    query = (
        select(FindingRow.body)
        .join(MatterFindingRow, MatterFindingRow.finding_id == FindingRow.finding_id)
        .where(MatterFindingRow.matter_id == matter_id)
        .order_by(MatterFindingRow.position)
    )
    return list(session.scalars(query))


def finding_body(session: Session, finding_id: str) -> bytes | None:
    """A finding as detect last told it, None when it never did."""
    return session.scalar(select(FindingRow.body).where(FindingRow.finding_id == finding_id))


def add(session: Session, matter: Matter) -> None:
    """Insert the head of a new matter; its first step follows in the same transaction."""
    session.add(MatterRow(**_head_values(matter)))
    session.flush()


def save(session: Session, step: Step) -> None:
    """Write what a step did: head, clocks, one line of the timeline."""
    matter, event = step.matter, step.event
    values = _head_values(matter)
    session.execute(
        update(MatterRow).where(MatterRow.matter_id == matter.matter_id).values(**values)
    )
    save_clocks(session, matter.matter_id, matter.clocks)
    session.add(
        EventRow(
            matter_id=matter.matter_id,
            actor_id=event.doer.person_id,
            actor_name=event.doer.name,
            actor_role=event.doer.role,
            scripted=event.doer.scripted,
            fields=dict(event.fields),
            **{name: getattr(event, name) for name in _EVENT_SAME},
        )
    )
    session.flush()


def save_clocks(session: Session, matter_id: str, clocks: Sequence[Running]) -> None:
    """Write clocks as they stand, in one go: a sweep of due clocks is made of round trips."""
    if not clocks:
        return
    rows = [_clock_values(matter_id, clock) for clock in clocks]
    new = insert(ClockRow)
    fresh = {name: new.excluded[name] for name in rows[0]}
    session.execute(new.on_conflict_do_update(index_elements=["clock_id"], set_=fresh), rows)


def _clock_values(matter_id: str, clock: Running) -> dict[str, Any]:
    return {
        **{name: getattr(clock, name) for name in _CLOCK_SAME},
        "matter_id": matter_id,
        "state": clock.state.value,
        "derivation": [[line.zh, line.en] for line in clock.derivation],
        "pauses": [[_iso(p.start), _iso(p.end), p.cause] for p in clock.pauses],
        "grants": [
            [g.key, _day_iso(g.until), g.approved_by, _day_iso(g.approved_on)] for g in clock.grants
        ],
    }


def _head_values(matter: Matter) -> dict[str, Any]:
    due = matter.next_due()
    return {
        **{name: getattr(matter, name) for name in _SAME},
        "kind": matter.kind.value,
        "level": int(matter.level),
        "factors": list(matter.factors),
        "next_due_at": due.due_at if due else None,
        "next_due_key": due.key if due else "",
        "risk_reasons": [list(one) for one in matter.risk_reasons],
        "rank": rank_of(matter, matter.risk, rules.risk_weights(), rules.terms().calendar),
    }


def _clocks(session: Session, matter_id: str) -> tuple[Running, ...]:
    query = select(ClockRow).where(ClockRow.matter_id == matter_id)
    found = session.scalars(query.order_by(ClockRow.started_at, ClockRow.clock_id))
    return tuple(map(clock_of, found))


def clock_of(row: ClockRow) -> Running:
    """The domain value of a clock row."""
    same: dict[str, Any] = {name: getattr(row, name) for name in _CLOCK_SAME}
    return Running(
        **same,
        state=ClockState(row.state),
        derivation=tuple(Line(zh, en) for zh, en in row.derivation),
        pauses=tuple(
            Pause(dt.datetime.fromisoformat(start), _moment(end), cause)
            for start, end, cause in row.pauses
        ),
        grants=tuple(
            Grant(key, _day(until), who[0] if who else "", _day(who[1]) if who else None)
            for key, until, *who in row.grants  # rows of before name nobody
        ),
    )


def next_number(session: Session, kind: Kind, division: str, year: int) -> str:
    """文号 as 督〔2026〕130402-0001: without gaps in a division and year, as a register asks."""
    new = insert(NumberRow).values(kind=kind.value, division=division, year=year, last=1)
    given = session.scalar(
        new.on_conflict_do_update(
            index_elements=["kind", "division", "year"], set_={"last": NumberRow.last + 1}
        ).returning(NumberRow.last)
    )
    return f"{_MARKS[kind]}〔{year}〕{division}-{given:04d}"


def keep_finding(
    session: Session, finding_id: str, revision: int, outlet_id: str, body: bytes
) -> bool:
    """Keep a finding when it is newer than ours; False for an older or repeated revision."""
    new = insert(FindingRow).values(
        finding_id=finding_id, revision=revision, outlet_id=outlet_id, body=body
    )
    done = session.execute(
        new.on_conflict_do_update(
            index_elements=["finding_id"],
            set_={"revision": new.excluded.revision, "body": new.excluded.body},
            where=FindingRow.revision < new.excluded.revision,
        ).returning(FindingRow.finding_id)
    )
    return done.first() is not None


def link_finding(session: Session, matter_id: str, finding_id: str) -> bool:
    """Put a finding on a matter; False when it is there already."""
    new = insert(MatterFindingRow).values(matter_id=matter_id, finding_id=finding_id)
    done = session.execute(new.on_conflict_do_nothing().returning(MatterFindingRow.finding_id))
    return done.first() is not None


def opened_by(session: Session, request: str) -> str | None:
    """The matter that a person's request opened; the lock makes a repeat wait for the first."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 2))"), {"key": request}
    )
    return session.scalar(
        select(MatterRow.matter_id).where(
            MatterRow.correlation_id == request, MatterRow.parent_matter_id == ""
        )
    )


def open_order(session: Session, outlet_id: str, item: str, factors: Sequence[str]) -> str | None:
    """The open order for an outlet, item and set of factors; there is at most one."""
    return session.scalar(
        select(MatterRow.matter_id).where(
            MatterRow.outlet_id == outlet_id,
            MatterRow.item == item,
            MatterRow.factors == list(factors),
            MatterRow.kind == Kind.ORDER.value,
            MatterRow.closed_at.is_(None),
        )
    )


def case_of(session: Session, credit_code: str, number: str) -> str | None:
    """The case of a plant by its number."""
    return session.scalar(
        select(MatterRow.matter_id).where(
            MatterRow.number == number,
            MatterRow.credit_code == credit_code,
            MatterRow.kind == Kind.CASE.value,
        )
    )


def matters_of_finding(
    session: Session, finding_id: str, kind: Kind = Kind.ORDER
) -> list[tuple[str, int, bool]]:
    """Orders (or cases) that a finding is on: id, level, and whether it is still open."""
    query = (
        select(MatterRow.matter_id, MatterRow.level, MatterRow.closed_at)
        .join(MatterFindingRow, MatterFindingRow.matter_id == MatterRow.matter_id)
        .where(MatterFindingRow.finding_id == finding_id, MatterRow.kind == kind.value)
    )
    return [
        (matter_id, level, closed is None) for matter_id, level, closed in session.execute(query)
    ]


def open_case(session: Session, outlet_id: str, item: str, states: Sequence[str]) -> str | None:
    """The newest case of an outlet and item that can still take a clue."""
    return session.scalar(
        select(MatterRow.matter_id)
        .where(
            MatterRow.outlet_id == outlet_id,
            MatterRow.item == item,
            MatterRow.kind == Kind.CASE.value,
            MatterRow.state.in_(states),
        )
        .order_by(MatterRow.opened_at.desc())
        .limit(1)
    )


def earlier_cases(session: Session, matter: Matter, since: dt.datetime) -> int:
    """Cases of the same plant outside this family that were opened since then."""
    return (
        session.scalar(
            select(func.count()).where(
                MatterRow.credit_code == matter.credit_code,
                MatterRow.kind == Kind.CASE.value,
                MatterRow.opened_at >= since,
                MatterRow.opened_at <= matter.opened_at,
                MatterRow.root_id != matter.root_id,
            )
        )
        or 0
    )


def clue_of(session: Session, clue_id: str) -> ClueRow | None:
    """The case that a clue of detect opened or joined, with the revision it told."""
    return session.get(ClueRow, clue_id)


def keep_clue(session: Session, clue_id: str, revision: int, matter_id: str) -> None:
    """Remember which case a clue belongs to."""
    new = insert(ClueRow).values(clue_id=clue_id, revision=revision, matter_id=matter_id)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["clue_id"],
            set_={"revision": func.greatest(ClueRow.revision, new.excluded.revision)},
        )
    )


def _day_iso(day: dt.date | None) -> str:
    return day.isoformat() if day else ""


def _day(iso: str) -> dt.date | None:
    return dt.date.fromisoformat(iso) if iso else None


def _iso(moment: dt.datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _moment(iso: str) -> dt.datetime | None:
    return dt.datetime.fromisoformat(iso) if iso else None

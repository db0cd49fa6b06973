"""Write one step of a referral: state, history line, clocks, outcome, events. The only writer."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from services.chassis.calendar import Calendar
from services.chassis.due import cancel_due, record_due
from services.chassis.outbox import record_event
from services.referral import rules, store, wire
from services.referral.app.tell_sides import tell_breach, tell_sides
from services.referral.domain import chain
from services.referral.domain.clocks import due
from services.referral.domain.lifecycle import SAME, Act
from services.referral.store import ClockRow, EventRow, ReferralRow

CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Doer:
    """Who takes a step; the system and scripted demo accounts are named as what they are."""

    person_id: str
    name: str
    role: str
    scripted: bool = False


SYSTEM = Doer("system", "系统", "system")


@dataclass(frozen=True, slots=True)
class Step:
    """An act that has been checked, ready to be written."""

    act: Act
    doer: Doer
    now: datetime
    fields: dict[str, str] = field(default_factory=dict)
    reason: str = ""


def record_step(session: Session, row: ReferralRow, step: Step) -> None:
    """Apply a checked step to a locked row and say so on the bus."""
    act, before = step.act, row.state
    if act.to != SAME:
        row.state = act.to
    if act.outcome:
        row.outcome, row.outcome_reason = act.outcome, step.reason
    row.version += 1
    _append(session, row, step, before)
    for key in act.stop:
        _stop(session, row, key, step.now)
    if act.extend_clock:
        _extend(session, row, act.extend_clock, step.fields[act.extend_field])
    for key in act.start:
        start_clock(session, row, key, step.now)
    session.flush()
    tell_sides(session, row, act, step.now)
    publish(session, row)


def publish(session: Session, row: ReferralRow) -> None:
    """Record `ReferralChanged` with clocks and history as they stand."""
    changed = wire.changed_event(
        row, store.clocks(session, row.referral_id), store.history(session, row.referral_id)
    )
    record_event(session, changed, correlation_id=row.correlation_id)


def start_clock(session: Session, row: ReferralRow, key: str, start: datetime) -> None:
    """Start a clock and set the row that notices its end."""
    end = due(rules.terms()[key], start, Calendar.published())
    clock = ClockRow(
        clock_id=str(uuid.uuid4()),
        referral_id=row.referral_id,
        key=key,
        started_at=start,
        due_at=end.at,
        provisional=end.provisional,
        state="running",
        derivation=list(end.derivation),
    )
    session.add(clock)
    record_due(session, CLOCK, clock.clock_id, end.at)


def breach_clock(session: Session, clock_id: str, now: datetime) -> None:
    """A clock ran out: note it once, tell the side that owes, take the step the table names."""
    clock = session.get_one(ClockRow, clock_id)
    row = store.load(session, clock.referral_id, lock=True)
    session.refresh(clock)
    if clock.state != "running":
        return
    clock.state = "breached"
    act = rules.lifecycle().on_breach(clock.key, row.state)
    if act.outcome:
        clock.ended_at = now  # the right is gone; nobody owes it any more
    tell_breach(session, row, clock, now)
    record_step(session, row, Step(act, SYSTEM, now, {"clock": clock.key}))


def _append(session: Session, row: ReferralRow, step: Step, before: str) -> None:
    lines = store.history(session, row.referral_id)
    previous = lines[-1].digest if lines else bytes(32)
    at = step.now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    line = {
        "seq": len(lines) + 1,
        "at": at,
        "actor_id": step.doer.person_id,
        "actor_name": step.doer.name,
        "actor_role": step.doer.role,
        "scripted": step.doer.scripted,
        "act": step.act.key,
        "act_name": step.act.zh,
        "from_state": before,
        "to_state": row.state,
        "reason": step.reason,
        "fields": step.fields,
    }
    digest = chain.line_digest(previous, line)
    session.add(EventRow(referral_id=row.referral_id, seq=len(lines) + 1, line=line, digest=digest))


def _stop(session: Session, row: ReferralRow, key: str, now: datetime) -> None:
    for clock in store.running(session, row.referral_id):
        if clock.key == key:
            clock.ended_at = now
            if clock.state == "running":
                clock.state = "satisfied"
                cancel_due(session, CLOCK, clock.clock_id, now=now)


def _extend(session: Session, row: ReferralRow, key: str, extension: str) -> None:
    """Count the clock anew from its own start with the longer term."""
    for clock in store.running(session, row.referral_id):
        if clock.key == key and clock.state == "running":
            term = rules.terms()[key]
            end = due(term, clock.started_at, Calendar.published(), extension)
            clock.due_at, clock.provisional = end.at, end.provisional
            clock.derivation = list(end.derivation)
            record_due(session, CLOCK, clock.clock_id, end.at)

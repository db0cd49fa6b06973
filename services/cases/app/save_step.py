"""Save a step with everything that follows from it, in the transaction of its cause."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import rules, store, wire
from services.cases.domain import notices
from services.cases.domain.matter import Running
from services.cases.domain.steps import Step
from services.chassis.due import record_due
from services.chassis.outbox import record_event

WARN, BREACH, ESCALATE = "clock_warn", "clock_breach", "clock_escalate"


def save_step(session: Session, step: Step) -> None:
    """Head, clocks and timeline; due rows of moved clocks; the events that others listen to."""
    store.save(session, step)
    for clock in step.moved:
        set_due(session, step.matter.matter_id, clock, step.event.at)
    matter, names = step.matter, rules.factor_names()
    changed = wire.changed_message(matter, rules.life_cycle(matter.kind), step.event)
    record_event(session, changed, correlation_id=matter.correlation_id)
    for tell in step.told:
        notice = notices.of_step(tell, matter, step.event, names)
        message = wire.notice_message(notice, matter)
        record_event(session, message, correlation_id=matter.correlation_id)


def set_due(session: Session, matter_id: str, clock: Running, now: dt.datetime) -> None:
    """Arm warnings and breach. The schedule is in the key: an older row finds itself outdated."""
    if clock.due_at is None:
        return
    key = f"{clock.clock_id}/{clock.schedule}"
    payload: dict[str, object] = {
        "matter_id": matter_id,
        "clock_id": clock.clock_id,
        "schedule": clock.schedule,
    }
    for name, warn_at in rules.reminders().warn_at(clock.started_at, clock.due_at, now):
        record_due(session, WARN, f"{key}{name}", warn_at, {**payload, "early": name})
    record_due(session, BREACH, key, clock.due_at, payload)

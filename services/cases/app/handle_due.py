"""The time of a clock has come: remind, note the breach once, climb while it stays undone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from sqlalchemy.orm import Session

from services.cases import rules, store, wire
from services.cases.app.attempts import clock_attempt
from services.cases.app.perform import finish
from services.cases.app.save_step import ESCALATE
from services.cases.domain import notices, steps
from services.cases.domain.clocks import Kind
from services.cases.domain.matter import ClockState, Matter, Running
from services.cases.domain.notices import Notice
from services.chassis.clock import BEIJING
from services.chassis.due import record_due
from services.chassis.outbox import record_event


def warn(session: Session, payload: Mapping[str, object], now: dt.datetime) -> None:
    """Remind whoever has to act; of an end that bars the authority it is reminded too."""
    matter, clock = _find(session, payload)
    if clock is None or clock.state is not ClockState.RUNNING:
        return
    if not clock.lapses or _bars(clock):
        early = str(payload.get("early", ""))
        _tell(session, matter, notices.near(matter, clock, now, rules.factor_names(), early))


def breach(session: Session, payload: Mapping[str, object], now: dt.datetime) -> None:
    """Note the breach in the timeline, tell, and arm the next step of the escalation.

    A clock that was met, moved or breached meanwhile is left alone: the row is outdated.
    """
    matter, clock = _find(session, payload)
    if clock is None or clock.state is not ClockState.RUNNING:
        return
    attempt = clock_attempt(matter, now)
    step = steps.end_clock(rules.life_cycle(matter.kind), attempt, clock, rules.terms_for(matter))
    if step is None:
        return
    step = finish(session, step, attempt)
    if not clock.lapses:
        _climb(session, step.matter, clock, 1, now)
    elif _bars(clock):
        for notice in notices.breached(step.matter, clock, 1, now, rules.factor_names()):
            _tell(session, step.matter, notice)


def escalate(session: Session, payload: Mapping[str, object], now: dt.datetime) -> None:
    """The next level up hears of a breach that is still undone."""
    matter, clock = _find(session, payload)
    if clock is not None and clock.state is ClockState.BREACHED:
        _climb(session, matter, clock, int(str(payload["step"])), now)


def _bars(clock: Running) -> bool:
    """Whether the authority may not act any more after its end (limitation 时效)."""
    day = clock.started_at.astimezone(BEIJING).date()
    return rules.clock_table().find(clock.key, day).kind is Kind.BAR


def _climb(session: Session, matter: Matter, clock: Running, step: int, now: dt.datetime) -> None:
    for notice in notices.breached(matter, clock, step, now, rules.factor_names()):
        _tell(session, matter, notice)
    reminders = rules.reminders()
    if step < reminders.steps:
        payload: dict[str, object] = {
            "matter_id": matter.matter_id,
            "clock_id": clock.clock_id,
            "schedule": clock.schedule,
            "step": step + 1,
        }
        key = f"{clock.clock_id}/{clock.schedule}/{step + 1}"
        record_due(session, ESCALATE, key, now + reminders.step, payload)


def _find(session: Session, payload: Mapping[str, object]) -> tuple[Matter, Running | None]:
    """The matter, locked, and the clock while it is open and on the schedule of the row."""
    matter_id = str(payload["matter_id"])
    store.lock_family(session, matter_id)
    matter = store.load(session, matter_id, lock=True)
    for clock in matter.clocks:
        if clock.clock_id == payload["clock_id"]:
            current = clock.open and clock.schedule == payload["schedule"]
            return matter, clock if current else None
    return matter, None


def _tell(session: Session, matter: Matter, notice: Notice) -> None:
    message = wire.notice_message(notice, matter)
    record_event(session, message, correlation_id=matter.correlation_id)

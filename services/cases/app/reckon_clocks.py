"""Compute provisional ends again: firm once the release at hand knows the holidays."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from services.cases import rules, store
from services.cases.app.attempts import system_attempt
from services.cases.app.perform import finish
from services.cases.domain import steps, timing
from services.cases.domain.matter import ClockState


def reckon_clocks(session: Session, now: dt.datetime) -> int:
    """Move every open provisional end that the present calendar moves; gives their number."""
    moved = 0
    for matter_id in store.provisional_matters(session):
        matter = store.load(session, matter_id, lock=True)
        for clock in matter.clocks:
            if not (clock.provisional and clock.open and clock.state is ClockState.RUNNING):
                continue
            fresh = timing.reckoned_again(clock, rules.terms(), now)
            if fresh == clock:
                continue
            attempt = system_attempt(session, matter, now)
            step = steps.reckon(rules.life_cycle(matter.kind), attempt, fresh, rules.terms())
            finish(session, step, attempt)
            matter, moved = step.matter, moved + 1
    return moved

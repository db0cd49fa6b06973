"""Clocks of a matter 期限的起止: started, stopped, extended, paused and resumed by an act."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.cases.domain.clocks import ClockTable
from services.cases.domain.deadline import Pause, due
from services.cases.domain.derivation import Grant
from services.cases.domain.lifecycle import Act
from services.cases.domain.matter import ClockState, Matter, Running
from services.chassis.calendar import Calendar
from services.chassis.clock import BEIJING
from services.chassis.errors import RuleViolated


@dataclass(frozen=True)
class Terms:
    """What computes an end: the table of terms and the calendar."""

    clocks: ClockTable
    calendar: Calendar


def after(
    row: Act, matter: Matter, terms: Terms, now: dt.datetime, *, final: bool
) -> tuple[tuple[Running, ...], tuple[Running, ...]]:
    """The matter's clocks after an act, and those whose end is new.

    A matter that ends cancels what still runs, except what the same act starts.
    """
    clocks = list(matter.clocks)
    for key in _to_stop(row, matter):
        clocks = [_ended(c, now) if c.key == key and c.open else c for c in clocks]
    clocks = [_changed(c, row, terms, now) for c in clocks]
    if row.extend and not any(c.key == row.extend["clock"] and c.open for c in clocks):
        raise RuleViolated(
            f"{row.zh}：没有可延长的期限", article=row.hint, missing=row.extend["clock"]
        )
    if final:
        clocks = [_cancelled(c, now) for c in clocks]
    for one in row.start:
        runs = any(c.key == one.clock and c.open for c in clocks)
        if not runs and (not one.levels or matter.level in one.levels):
            clocks.append(_started(one.clock, matter.matter_id, clocks, terms, now))
    before = {clock.clock_id: clock.schedule for clock in matter.clocks}
    moved = tuple(c for c in clocks if c.open and before.get(c.clock_id) != c.schedule)
    return tuple(clocks), moved


def _to_stop(row: Act, matter: Matter) -> tuple[str, ...]:
    first = next((key for key in row.stop_first if matter.open_clock(key)), None)
    return (*row.stop, first) if first else row.stop


def _ended(clock: Running, now: dt.datetime) -> Running:
    """Met. A clock that had run out, noticed or not, stays breached."""
    late = clock.state is ClockState.BREACHED or (clock.due_at is not None and clock.due_at <= now)
    state = ClockState.BREACHED if late else ClockState.SATISFIED
    return replace(clock, state=state, ended_at=now)


def _cancelled(clock: Running, now: dt.datetime) -> Running:
    if not clock.open:
        return clock
    state = clock.state if clock.state is ClockState.BREACHED else ClockState.CANCELLED
    return replace(clock, state=state, ended_at=now)


def _changed(clock: Running, row: Act, terms: Terms, now: dt.datetime) -> Running:
    """Extended, paused or resumed, where the row says so about this clock."""
    if not clock.open or clock.state is ClockState.BREACHED:
        if row.extend and clock.open and clock.key == row.extend["clock"]:
            raise RuleViolated(f"{row.zh}：期限已过", article=row.hint, missing="届满前批准")
        return clock
    if row.extend.get("clock") == clock.key:
        return _reckoned(replace(clock, grants=(*clock.grants, Grant(row.extend["grant"]))), terms)
    if row.pause.get("clock") == clock.key:
        pauses = (*clock.pauses, Pause(now, None, row.pause["cause"]))
        return _reckoned(replace(clock, pauses=pauses), terms)
    if row.resume.get("clock") == clock.key and clock.pauses and clock.pauses[-1].end is None:
        pauses = (*clock.pauses[:-1], replace(clock.pauses[-1], end=now))
        return _reckoned(replace(clock, pauses=pauses), terms)
    return clock


def _started(
    key: str, matter_id: str, clocks: Sequence[Running], terms: Terms, now: dt.datetime
) -> Running:
    number = 1 + sum(clock.key == key for clock in clocks)
    row = terms.clocks.find(key, now.astimezone(BEIJING).date())
    answer = due(row, now, terms.calendar)
    return Running(
        clock_id=f"{matter_id}:{key}:{number}",
        key=key,
        statutory=row.statutory,
        action_zh=row.action_zh,
        source_zh=row.article_zh,
        started_at=now,
        due_at=answer.at,
        provisional=answer.provisional,
        derivation=answer.derivation,
    )


def _reckoned(clock: Running, terms: Terms) -> Running:
    row = terms.clocks.find(clock.key, clock.started_at.astimezone(BEIJING).date())
    answer = due(row, clock.started_at, terms.calendar, clock.pauses, clock.grants)
    return replace(
        clock,
        due_at=answer.at,
        provisional=answer.provisional,
        derivation=answer.derivation,
        schedule=clock.schedule + 1,
    )


def reckoned_again(clock: Running, terms: Terms) -> Running:
    """The clock by today's calendar: a provisional end becomes firm once the holidays are out."""
    fresh = _reckoned(clock, terms)
    same = (fresh.due_at, fresh.provisional) == (clock.due_at, clock.provisional)
    return clock if same else fresh


def replaced(clocks: Sequence[Running], one: Running) -> tuple[Running, ...]:
    """The clocks with one of them changed."""
    return tuple(one if clock.clock_id == one.clock_id else clock for clock in clocks)


def iso(moment: dt.datetime | None) -> str:
    """A moment as the timeline writes it; `paused` where a clock has no end now."""
    return "paused" if moment is None else moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

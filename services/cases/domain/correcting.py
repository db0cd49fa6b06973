"""A corrected line of the record 更正记录: clocks that built on the wrong day are judged again.

Nothing is erased: the wrong line stays, the correction is a line of its own with the old and the
new value, and each clock that moved is named with its old and its new end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.cases.domain import timing
from services.cases.domain.deadline import Pause
from services.cases.domain.derivation import Grant
from services.cases.domain.lifecycle import Act, Field, LifeCycle
from services.cases.domain.matter import ClockState, Event, Matter, Running
from services.cases.domain.timing import Terms
from services.chassis.clock import BEIJING
from services.chassis.errors import RuleViolated


@dataclass(frozen=True)
class Correction:
    """What is corrected: a field of a line, from the value that held until now to another."""

    line: Event
    row: Act | None  # the line's own row of the table, None where the table lost it
    field: str
    old: str
    new: str

    @property
    def form(self) -> Field | None:
        """The field as the row asks for it."""
        fields = self.row.fields if self.row else ()
        return next((one for one in fields if one.name == self.field), None)


def read_correction(life: LifeCycle, matter: Matter, seq: int, name: str, new: str) -> Correction:
    """The correction of a line that is there; an earlier correction of it holds until now."""
    line = next(event for event in matter.events if event.seq == seq)
    rows = [act for act in life.acts if act.key == line.act]
    row = next((act for act in rows if _left(act, line.from_state)), None)
    earlier = [
        event.fields["value"]
        for event in matter.events
        if event.act == "correct"
        and event.fields.get("seq") == str(seq)
        and event.fields.get("field") == name
    ]
    old = earlier[-1] if earlier else line.fields.get(name, "")
    return Correction(line, row, name, old, new.strip())


def _left(row: Act, state: str) -> bool:
    return state in row.from_states if state else not row.from_states


def corrected(
    matter: Matter, wrong: Correction, terms: Terms, now: dt.datetime
) -> tuple[Running, ...]:
    """The matter's clocks with the corrected day instead of the wrong one.

    Raises `RuleViolated` for a day that cannot be: one in the future where the row asks for the
    past, a pause that ends before it begins.
    """
    judge = _Judge(matter, terms, now)
    clocks = tuple(judge.started(clock, wrong) for clock in matter.clocks)
    if wrong.row is not None:
        _check_past(wrong.row, wrong, now)
        for change in (_stopped, _paused, _granted):
            clocks = change(clocks, wrong.row, wrong, judge)
    return timing.followed(clocks, terms, now)


def _check_past(row: Act, wrong: Correction, now: dt.datetime) -> None:
    """A day that the act had to lie behind still does."""
    for gate in row.gates:
        if gate.name == "not_future" and gate.asks.get("field") == wrong.field:
            timing.first_moment(row, wrong.new, now)


@dataclass(frozen=True)
class _Judge:
    """Judges a clock again after something of it was corrected."""

    matter: Matter
    terms: Terms
    now: dt.datetime

    def started(self, clock: Running, wrong: Correction) -> Running:
        """The clock from the corrected day, where that line and field started it."""
        if (clock.started_by, clock.start_field) != (wrong.line.seq, wrong.field):
            return clock
        start = timing.moment_of(wrong.new)
        if start is None or start == clock.started_at:
            return clock
        return self.again(clock, replace(clock, started_at=start))

    def again(self, old: Running, changed: Running) -> Running:
        """How the changed clock stands: it may run again, or the other way round."""
        fresh = timing.reckoned(changed, self.terms, self.now)
        if old.open or old.ended_at is None or old.state is ClockState.CANCELLED:
            return fresh
        if old.state is not ClockState.LAPSED or old.ended_at != old.due_at:
            state = timing.state_at_end(fresh, old.ended_at)
            return replace(fresh, state=state, schedule=old.schedule)
        if fresh.due_at is not None and fresh.due_at <= self.now:
            return replace(fresh, ended_at=fresh.due_at, schedule=old.schedule)
        closed = self.matter.closed_at
        if closed is not None:
            return replace(fresh, state=ClockState.CANCELLED, ended_at=closed)
        return replace(fresh, state=ClockState.RUNNING, ended_at=None)


def _stopped(
    clocks: Sequence[Running], row: Act, wrong: Correction, judge: _Judge
) -> tuple[Running, ...]:
    """Clocks that the line met on the wrong day, or would have met on the right one."""
    if not row.stop_at or row.stop_at != wrong.field:
        return tuple(clocks)
    when = timing.last_moment(row, wrong.new, judge.now)
    keys = (*row.stop, *row.stop_first)
    met = {_met_by(wrong.line, key, clocks) for key in keys}
    met |= {
        clock.clock_id
        for clock in clocks
        if clock.key in keys and not clock.open and timing.waits(clock, when)
    }
    return tuple(
        replace(clock, state=timing.state_at_end(clock, when), ended_at=max(when, clock.started_at))
        if clock.clock_id in met
        else clock
        for clock in clocks
    )


def _met_by(line: Event, key: str, clocks: Sequence[Running]) -> str:
    """The clock of that key that a line ended: its notes say so; empty when it ended none."""
    notes = f"; {line.fields.get('clocks_ended', '')}; {line.fields.get('clocks_restored', '')}"
    ended = [c for c in clocks if c.key == key and not c.open and c.started_by < line.seq]
    return ended[-1].clock_id if ended and f"; {key} " in notes else ""


def _paused(
    clocks: Sequence[Running], row: Act, wrong: Correction, judge: _Judge
) -> tuple[Running, ...]:
    """Clocks that the line stopped or let go on from the wrong day."""
    for part, end in ((row.pause, False), (row.resume, True)):
        if part and part.get("at") == wrong.field:
            moment = timing.first_moment(row, wrong.new, judge.now)
            clocks = _each(clocks, part["clock"], judge, _shift(row, part, wrong, moment, end=end))
    return tuple(clocks)


def _shift(
    row: Act, part: Mapping[str, str], wrong: Correction, moment: dt.datetime, *, end: bool
) -> Callable[[Running], Running]:
    """Moves the beginning or the end of the pause that lay on the wrong day."""
    old = timing.moment_of(wrong.old)

    def moved(one: Pause) -> Pause:
        if one.cause != part["cause"] or old != (one.end if end else one.start):
            return one
        fresh = replace(one, end=moment) if end else replace(one, start=moment)
        if fresh.end is not None and fresh.end < fresh.start:
            missing = "不早于中止日期的恢复日期"
            raise RuleViolated("恢复早于中止", article=row.hint or row.zh, missing=missing)
        return fresh

    def shift(clock: Running) -> Running:
        return replace(clock, pauses=tuple(map(moved, clock.pauses)))

    return shift


def _granted(
    clocks: Sequence[Running], row: Act, wrong: Correction, judge: _Judge
) -> tuple[Running, ...]:
    """Clocks that the line extended to the wrong day, or on it, or whose end it decided."""
    for one in row.start:
        if one.until and one.until == wrong.field:
            clocks = _each(clocks, one.clock, judge, _decided(wrong))
    names = {part: row.extend[part] for part in ("until", "at", "by") if row.extend.get(part)}
    if wrong.field not in names.values():
        return tuple(clocks)

    def righted(one: Grant) -> Grant:
        if one.key != row.extend["grant"]:
            return one
        if names.get("until") == wrong.field and _day(wrong.old) == one.until:
            return replace(one, until=_day(wrong.new))
        if names.get("at") == wrong.field and _day(wrong.old) == one.approved_on:
            approved = timing.first_moment(row, wrong.new, judge.now)
            return replace(one, approved_on=approved.astimezone(BEIJING).date())
        if names.get("by") == wrong.field and wrong.old == one.approved_by:
            return replace(one, approved_by=wrong.new)
        return one

    def grant(clock: Running) -> Running:
        return replace(clock, grants=tuple(map(righted, clock.grants)))

    return _each(clocks, row.extend["clock"], judge, grant)


def _decided(wrong: Correction) -> Callable[[Running], Running]:
    """Changes the last day that the line itself decided when it started the clock."""

    def decide(clock: Running) -> Running:
        if clock.started_by != wrong.line.seq or not clock.grants:
            return clock
        first, *others = clock.grants
        return replace(clock, grants=(replace(first, until=_day(wrong.new)), *others))

    return decide


def _each(
    clocks: Sequence[Running], key: str, judge: _Judge, change: Callable[[Running], Running]
) -> tuple[Running, ...]:
    """Change the clocks of a key, judging again those that changed."""
    after = []
    for clock in clocks:
        fresh = change(clock) if clock.key == key else clock
        after.append(clock if fresh == clock else judge.again(clock, fresh))
    return tuple(after)


def _day(text: str) -> dt.date | None:
    moment = timing.moment_of(text)
    return None if moment is None else moment.astimezone(BEIJING).date()

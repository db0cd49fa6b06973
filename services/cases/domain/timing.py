"""Clocks of a matter 期限的起止: started, stopped, extended, paused and resumed by an act."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.cases.domain.attempt import Attempt
from services.cases.domain.clocks import ClockTable
from services.cases.domain.deadline import Pause, due
from services.cases.domain.derivation import Grant
from services.cases.domain.lifecycle import Act, Start
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
    row: Act, attempt: Attempt, terms: Terms, *, final: bool
) -> tuple[tuple[Running, ...], tuple[Running, ...]]:
    """The matter's clocks after an act, and those whose end is new.

    A matter that ends cancels what still runs, except what the same act starts.
    """
    matter, now = attempt.matter, attempt.now
    clocks = list(matter.clocks)
    for key in _to_stop(row, matter):
        clocks = [_ended(c, now) if c.key == key and c.open else c for c in clocks]
    clocks = [_changed(c, row, attempt, terms) for c in clocks]
    if row.extend and not any(c.key == row.extend["clock"] and c.open for c in clocks):
        raise RuleViolated(
            f"{row.zh}：没有可延长的期限", article=row.hint, missing=row.extend["clock"]
        )
    if final:
        clocks = [_cancelled(c, now) for c in clocks]
    for one in row.start:
        runs = any(c.key == one.clock and c.open for c in clocks)
        wanted = not one.levels or matter.level in one.levels
        if not runs and wanted and one.when.holds(attempt.fields):
            clocks.append(_started(one, attempt, clocks, terms))
    before = {clock.clock_id: clock.schedule for clock in matter.clocks}
    moved = tuple(c for c in clocks if c.open and before.get(c.clock_id) != c.schedule)
    return tuple(clocks), moved


def _to_stop(row: Act, matter: Matter) -> tuple[str, ...]:
    first = next((key for key in row.stop_first if matter.open_clock(key)), None)
    return (*row.stop, first) if first else row.stop


def _ended(clock: Running, now: dt.datetime) -> Running:
    """Met. A clock that had run out, noticed or not, stays breached."""
    over = clock.due_at is not None and clock.due_at <= now
    if clock.lapses:
        state = ClockState.LAPSED if over else ClockState.SATISFIED
    else:
        late = over or clock.state is ClockState.BREACHED
        state = ClockState.BREACHED if late else ClockState.SATISFIED
    return replace(clock, state=state, ended_at=now)


def _cancelled(clock: Running, now: dt.datetime) -> Running:
    if not clock.open:
        return clock
    state = clock.state if clock.state is ClockState.BREACHED else ClockState.CANCELLED
    return replace(clock, state=state, ended_at=now)


def _changed(clock: Running, row: Act, attempt: Attempt, terms: Terms) -> Running:
    """Extended, paused or resumed, where the row says so about this clock."""
    now = attempt.now
    if not clock.open or clock.state is ClockState.BREACHED:
        if row.extend and clock.open and clock.key == row.extend["clock"]:
            raise RuleViolated(f"{row.zh}：期限已过", article=row.hint, missing="届满前批准")
        return clock
    if row.extend.get("clock") == clock.key:
        until = attempt.fields.get(row.extend.get("until", ""), "")
        grant = Grant(row.extend["grant"], dt.date.fromisoformat(until) if until else None)
        return _reckoned(replace(clock, grants=(*clock.grants, grant)), terms)
    if row.pause.get("clock") == clock.key:
        pauses = (*clock.pauses, Pause(now, None, row.pause["cause"]))
        return _reckoned(replace(clock, pauses=pauses), terms)
    if row.resume.get("clock") == clock.key:
        return _resumed(clock, row.resume["cause"], now, terms)
    return clock


def _resumed(clock: Running, cause: str, now: dt.datetime, terms: Terms) -> Running:
    """End the pause of that cause; another one may go on."""
    pauses = tuple(
        replace(one, end=now) if one.end is None and one.cause == cause else one
        for one in clock.pauses
    )
    return clock if pauses == clock.pauses else _reckoned(replace(clock, pauses=pauses), terms)


def _started(one: Start, attempt: Attempt, clocks: Sequence[Running], terms: Terms) -> Running:
    matter = attempt.matter
    number = 1 + sum(clock.key == one.clock for clock in clocks)
    started_at = _start_of(one, attempt, clocks)
    row = terms.clocks.find(one.clock, started_at.astimezone(BEIJING).date())
    answer = due(row, started_at, terms.calendar)
    return Running(
        clock_id=f"{matter.matter_id}:{one.clock}:{number}",
        key=one.clock,
        statutory=row.statutory,
        action_zh=row.action_zh,
        source_zh=row.article_zh,
        started_at=started_at,
        due_at=answer.at,
        provisional=answer.provisional,
        derivation=answer.derivation,
        lapses=row.lapses,
        bound=row.bound,
        started_by=matter.version + 1,
        start_field=one.at,
    )


def _start_of(one: Start, attempt: Attempt, clocks: Sequence[Running]) -> dt.datetime:
    """The starting moment: the act's own, a day that the act names, or the end of another clock."""
    if one.after:
        ended = [c.due_at for c in clocks if c.key == one.after and c.due_at is not None]
        if ended:  # `due_at` is exclusive: a moment before it lies on the last day itself
            return ended[-1] - dt.timedelta(seconds=1)
    return moment_of(attempt.fields.get(one.at, "")) or attempt.now


def moment_of(text: str) -> dt.datetime | None:
    """A date as its Beijing midnight, a moment as it is; None for nothing."""
    if not text:
        return None
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


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

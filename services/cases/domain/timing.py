"""Clocks of a matter 期限的起止: started, stopped, extended, paused and resumed by an act.

An act is recorded later than it happened. Where its row names the field with the true day, the
clock is met, paused or extended on that day: a breach that was noted only because the record came
late is taken back, and the timeline keeps both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.cases.domain.attempt import Attempt
from services.cases.domain.clocks import ClockTable
from services.cases.domain.deadline import Due, Pause, due
from services.cases.domain.derivation import GRANTS, Grant
from services.cases.domain.lifecycle import Act, Start
from services.cases.domain.matter import ClockState, Running
from services.chassis.calendar import Calendar
from services.chassis.clock import BEIJING
from services.chassis.errors import RuleViolated

_SECOND = dt.timedelta(seconds=1)
_DAY = dt.timedelta(days=1)
#: How `Running.start_field` names the clock after whose end this one runs.
AFTER = "after:"


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
    if row.stop or row.stop_first:
        when = last_moment(row, attempt.fields.get(row.stop_at, ""), now)
        for key in _to_stop(row, clocks, when):
            clocks = [_ended(c, when) if c.key == key and waits(c, when) else c for c in clocks]
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
    clocks = list(followed(clocks, terms, now))
    return tuple(clocks), moved(matter.clocks, clocks)


def moved(before: Sequence[Running], clocks: Sequence[Running]) -> tuple[Running, ...]:
    """Open clocks that are new or whose end is: they need new due rows."""
    old = {clock.clock_id: clock.schedule for clock in before}
    return tuple(c for c in clocks if c.open and old.get(c.clock_id) != c.schedule)


def _to_stop(row: Act, clocks: Sequence[Running], when: dt.datetime) -> tuple[str, ...]:
    waiting = {clock.key for clock in clocks if waits(clock, when)}
    first = next((key for key in row.stop_first if key in waiting), None)
    return (*row.stop, first) if first else row.stop


def waits(clock: Running, when: dt.datetime) -> bool:
    """Whether an act of that moment meets it: it is open, or lapsed only after that moment."""
    if clock.open or clock.state is not ClockState.LAPSED or clock.ended_at != clock.due_at:
        return clock.open
    return clock.due_at is not None and clock.started_at <= when < clock.due_at


def _ended(clock: Running, when: dt.datetime) -> Running:
    """Met at that moment: in time, or too late. One that counts backwards ends before it starts."""
    if clock.due_at is None or clock.due_at >= clock.started_at:
        when = max(when, clock.started_at)
    return replace(clock, state=state_at_end(clock, when), ended_at=when)


def state_at_end(clock: Running, when: dt.datetime) -> ClockState:
    """How a clock stands that ends by an act of that moment."""
    if clock.due_at is None or when < clock.due_at:
        return ClockState.SATISFIED
    return ClockState.LAPSED if clock.lapses else ClockState.BREACHED


def _cancelled(clock: Running, now: dt.datetime) -> Running:
    if not clock.open:
        return clock
    state = clock.state if clock.state is ClockState.BREACHED else ClockState.CANCELLED
    return replace(clock, state=state, ended_at=now)


def _changed(clock: Running, row: Act, attempt: Attempt, terms: Terms) -> Running:
    """Extended, paused or resumed, where the row says so about this clock."""
    if not clock.open:
        return clock
    for change, one in ((_extended, row.extend), (_paused, row.pause), (_resumed, row.resume)):
        if one.get("clock") == clock.key:
            fresh = change(clock, row, attempt)
            if change is _extended:
                _check_grant(fresh, row, terms)
            return clock if fresh == clock else reckoned(fresh, terms, attempt.now)
    return clock


def _extended(clock: Running, row: Act, attempt: Attempt) -> Running:
    """延长: approved before the end, by whom and when is kept."""
    fields = attempt.fields
    approved = first_moment(row, fields.get(row.extend.get("at", ""), ""), attempt.now)
    if clock.due_at is not None and approved >= clock.due_at:
        raise RuleViolated(f"{row.zh}：期限已过", article=row.hint, missing="届满前批准")
    until = fields.get(row.extend.get("until", ""), "")
    grant = Grant(
        row.extend["grant"],
        dt.date.fromisoformat(until) if until else None,
        fields.get(row.extend.get("by", ""), "") or attempt.doer.name,
        approved.astimezone(BEIJING).date(),
    )
    return replace(clock, grants=(*clock.grants, grant))


def _check_grant(clock: Running, row: Act, terms: Terms) -> None:
    """Say in the officer's words what `due` would refuse: twice, out of order, a day too early."""
    *given, grant = clock.grants
    keys = [one.key for one in given]
    term = terms.clocks.find(clock.key, clock.started_at.astimezone(BEIJING).date())
    steps = [one.key for one in term.extensions if one.add is not None]
    earlier = steps[: steps.index(grant.key)] if grant.key in steps else []
    missing = next((key for key in earlier if key not in keys), "")
    later = any(one.key == grant.key and one.day == "until" for one in term.extensions)
    if grant.key in keys:
        what = "未曾批准过的延长"
    elif missing:
        what = f"先经{GRANTS.get(missing, missing)}"
    elif later and grant.until and clock.due_at and _midnight(grant.until) < clock.due_at:
        what = f"不早于 {clock.due_at.astimezone(BEIJING).date()} 的日期"
    else:
        return
    message = f"{row.zh}：不能作“{GRANTS.get(grant.key, grant.key)}”的延长，须{what}"
    raise RuleViolated(message, article=clock.source_zh, missing=what)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), BEIJING)


def _paused(clock: Running, row: Act, attempt: Attempt) -> Running:
    """中止: from that moment on; a clock that ran out before, or stands still for it, stays."""
    cause = row.pause["cause"]
    start = first_moment(row, attempt.fields.get(row.pause.get("at", ""), ""), attempt.now)
    over = clock.due_at is not None and start >= clock.due_at
    if over or any(one.end is None and one.cause == cause for one in clock.pauses):
        return clock
    return replace(clock, pauses=(*clock.pauses, Pause(start, None, cause)))


def _resumed(clock: Running, row: Act, attempt: Attempt) -> Running:
    """End the pause of that cause; another one may go on."""
    end = first_moment(row, attempt.fields.get(row.resume.get("at", ""), ""), attempt.now)
    pauses = []
    for one in clock.pauses:
        ends = one.end is None and one.cause == row.resume["cause"]
        day = one.start.astimezone(BEIJING).date()
        if ends and end < one.start and end.astimezone(BEIJING).date() == day:
            end = one.start  # a day names its first moment; the pause began later that day
        if ends and end < one.start:
            raise RuleViolated(
                f"{row.zh}：恢复早于中止", article=row.hint, missing=f"不早于 {day} 的日期"
            )
        pauses.append(replace(one, end=end) if ends else one)
    return replace(clock, pauses=tuple(pauses))


def _started(one: Start, attempt: Attempt, clocks: Sequence[Running], terms: Terms) -> Running:
    matter = attempt.matter
    number = 1 + sum(clock.key == one.clock for clock in clocks)
    base = _base(one.after, clocks) if one.after else None
    moment = moment_of(attempt.fields.get(one.at, "")) or attempt.now
    started_at = moment if base is None else last_second(base)
    row = terms.clocks.find(one.clock, started_at.astimezone(BEIJING).date())
    until = attempt.fields.get(one.until, "")
    grants = (Grant("decided", dt.date.fromisoformat(until)),) if until else ()
    answer = due(row, started_at, terms.calendar, (), grants)
    return Running(
        clock_id=f"{matter.matter_id}:{one.clock}:{number}",
        key=one.clock,
        statutory=row.statutory,
        action_zh=row.action_zh,
        source_zh=row.article_zh,
        started_at=started_at,
        due_at=answer.at,
        provisional=answer.provisional or (base is not None and base.provisional),
        derivation=answer.derivation,
        grants=grants,
        lapses=row.lapses,
        bound=row.bound,
        started_by=matter.version + 1,
        start_field=one.at if base is None else f"{AFTER}{base.clock_id}",
    )


def _base(key: str, clocks: Sequence[Running]) -> Running | None:
    """The clock after whose end another one runs: the latest of that key with an end."""
    return next((c for c in reversed(clocks) if c.key == key and c.due_at is not None), None)


def last_second(base: Running) -> dt.datetime:
    """A moment on the last day of a clock; `due_at` is exclusive."""
    assert base.due_at is not None
    return base.due_at - _SECOND


def followed(clocks: Sequence[Running], terms: Terms, now: dt.datetime) -> tuple[Running, ...]:
    """Clocks that run after the end of another one, moved where that end moved.

    Rows are in the order in which they were started, so a chain is followed in one pass.
    """
    known: dict[str, Running] = {}
    for clock in clocks:
        base = base_of(clock, known.values())
        follows = clock.open and base is not None
        known[clock.clock_id] = reckoned_again(clock, terms, now, base) if follows else clock
    return tuple(known.values())


def base_of(clock: Running, clocks: Iterable[Running]) -> Running | None:
    """The clock after whose end this one runs, if it is such a one."""
    if not clock.start_field.startswith(AFTER):
        return None
    clock_id = clock.start_field.removeprefix(AFTER)
    return next((one for one in clocks if one.clock_id == clock_id), None)


def moment_of(text: str) -> dt.datetime | None:
    """A date as its Beijing midnight, a moment as it is; None for nothing."""
    if not text:
        return None
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def first_moment(row: Act, text: str, now: dt.datetime) -> dt.datetime:
    """When something began: the first moment of the day named, `now` where none is."""
    moment = moment_of(text) or now
    if moment > now:
        raise RuleViolated(
            f"“{row.zh}”：{text} 晚于办理时间",
            article=row.hint or row.zh,
            missing=f"不晚于 {now.astimezone(BEIJING).date()} 的日期",
        )
    return moment


def last_moment(row: Act, text: str, now: dt.datetime) -> dt.datetime:
    """When something was done: the last moment of the day named, never later than `now`.

    A day without an hour says no more than that: a term of hours counts it as the day's end.
    """
    moment = first_moment(row, text, now)
    bare = len(text) == len("2026-01-01")
    return min(moment + _DAY - _SECOND, now) if bare else moment


def _due_of(clock: Running, terms: Terms) -> tuple[Due, str]:
    """The end of a clock as it stands, by the version of the law for its starting day."""
    row = terms.clocks.find(clock.key, clock.started_at.astimezone(BEIJING).date())
    return due(row, clock.started_at, terms.calendar, clock.pauses, clock.grants), row.article_zh


def reckoned(clock: Running, terms: Terms, now: dt.datetime) -> Running:
    """The clock with its end computed again, as a new schedule.

    A breach whose end now lies ahead is taken back; one that stays keeps its schedule, by which
    its escalation goes on.
    """
    answer, source = _due_of(clock, terms)
    fresh = replace(
        clock,
        due_at=answer.at,
        provisional=answer.provisional,
        derivation=answer.derivation,
        source_zh=source,
        schedule=clock.schedule + 1,
    )
    if clock.state is not ClockState.BREACHED:
        return fresh
    if fresh.due_at is None or fresh.due_at > now:
        return replace(fresh, state=ClockState.RUNNING)
    return replace(fresh, schedule=clock.schedule)


def reckoned_again(
    clock: Running, terms: Terms, now: dt.datetime, base: Running | None = None
) -> Running:
    """The clock by today's calendar and by the end of the clock that it runs after.

    The same clock where nothing moved: a provisional end becomes firm once the holidays are out.
    """
    fresh = clock
    if base is not None and base.due_at is not None:
        fresh = replace(clock, started_at=last_second(base))
    fresh = reckoned(fresh, terms, now)
    if base is not None and base.provisional:
        fresh = replace(fresh, provisional=True)
    same = (fresh.due_at, fresh.provisional) == (clock.due_at, clock.provisional)
    return clock if same else fresh


def replaced(clocks: Sequence[Running], one: Running) -> tuple[Running, ...]:
    """The clocks with one of them changed."""
    return tuple(one if clock.clock_id == one.clock_id else clock for clock in clocks)


def iso(moment: dt.datetime | None) -> str:
    """A moment as the timeline writes it; `paused` where a clock has no end now."""
    return "paused" if moment is None else moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""When a term ends 期限计算, and why: one pure function over a row of the clock table.

The starting day is not counted; hours run through nights and holidays; working days skip rest
days; a natural term whose last day is a rest day rolls to the next working day; time inside a
pause is not counted. The answer carries its own derivation, line by line, because an officer has
to defend it: the article, each skipped or paused day, the roll.

A day term ends with its last day, so `Due.at` is the following midnight in Beijing, exclusive.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from services.cases.domain.clocks import Clock, Extension, Kind, Unit
from services.cases.domain.derivation import (
    Grant,
    Line,
    basis,
    begin,
    granted,
    left_out,
    minute,
    passed_over,
)
from services.chassis.calendar import Calendar
from services.chassis.clock import BEIJING
from services.chassis.errors import RuleViolated

_DAY = dt.timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True)
class Pause:
    """中止、扣除: a span `[start, end)` that is not counted; `end` None = still running."""

    start: dt.datetime
    end: dt.datetime | None = None
    cause: str = ""

    def covers(self, day: dt.date) -> bool:
        """Whether that Beijing day is not counted; the day on which the pause ends counts again."""
        first = self.start.astimezone(BEIJING).date()
        return first <= day and (self.end is None or day < self.end.astimezone(BEIJING).date())


@dataclass(frozen=True)
class Due:
    """期限届满: `at` is exclusive and None while a pause is open; `last_day` is None for hours."""

    at: dt.datetime | None
    last_day: dt.date | None
    provisional: bool
    derivation: tuple[Line, ...]


@dataclass(frozen=True)
class _Term:
    """A row with its extensions.

    Days that the authority named: the last one `on` which it ends from the start, the later one
    `until` which it was extended, the one from which it runs `anew`.
    """

    clock: Clock
    length: int
    on: dt.date | None = None
    until: dt.date | None = None
    anew: dt.date | None = None


@dataclass(frozen=True)
class _Count:
    """Where counting ended and what was passed over on the way."""

    last: dt.date
    rest: tuple[dt.date, ...] = ()
    paused: tuple[dt.date, ...] = ()
    made_up: tuple[dt.date, ...] = ()  # weekend days that were worked, and so counted


def due(
    clock: Clock,
    start: dt.datetime,
    calendar: Calendar,
    pauses: Sequence[Pause] = (),
    extensions: Sequence[Grant] = (),
) -> Due:
    """The end of `clock` started at `start` (aware), with its derivation.

    Raises `RuleViolated` for a clock that has no term, a pause the law does not give this clock,
    and an extension that is unknown, given twice, given before the one it builds on, or that would
    end the term earlier.
    """
    if clock.length is None or clock.unit is None:
        raise RuleViolated(f"{clock.key} has no term", article=clock.source, missing="length")
    _check_pauses(clock, pauses)
    term = _extended(clock, extensions)
    lines = [basis(clock, term.length), begin(clock, start), *granted(clock, extensions)]
    if any(pause.end is None for pause in pauses):
        lines.append(Line("期限已中止，恢复后重新计算。", "Paused; known when the pause ends."))
        return Due(None, None, provisional=False, derivation=tuple(lines))
    if clock.unit is Unit.HOUR:
        return _due_by_hours(start, term.length, pauses, lines)
    if clock.unit is Unit.CLOCK_TIME:
        return _due_by_clock_time(start, term.length, lines)
    return _due_by_days(start, calendar, pauses, term, lines)


def _check_pauses(clock: Clock, pauses: Sequence[Pause]) -> None:
    for pause in pauses:
        if not clock.pauses or (pause.cause and pause.cause not in clock.pauses):
            raise RuleViolated(
                f"{clock.key} is not stopped by {pause.cause or 'a pause'}",
                article=clock.source,
                missing=f"one of: {', '.join(sorted(clock.pauses))}"
                if clock.pauses
                else "no pause: the article gives none",
            )
        if pause.end is not None and pause.end < pause.start:
            raise RuleViolated("a pause ends before it starts", article=clock.source, missing="end")


def _extended(clock: Clock, grants: Sequence[Grant]) -> _Term:
    """The term with its extensions applied."""
    assert clock.length is not None
    term = _Term(clock, clock.length)
    for number, grant in enumerate(grants):
        extension = _allowed_extension(clock, grant, [g.key for g in grants[:number]])
        if extension.add is not None:
            term = replace(term, length=term.length + extension.add)
        elif extension.instead is not None:
            if extension.instead <= term.length:
                raise _refused(clock, grant, f"more than the {term.length} that are given already")
            term = replace(term, length=extension.instead)
        elif extension.day == "from":
            term = replace(term, anew=grant.until)
        elif extension.day == "on":
            term = replace(term, on=grant.until)
        else:
            term = replace(term, until=grant.until)
    return term


def _allowed_extension(clock: Clock, grant: Grant, given: list[str]) -> Extension:
    """The row's extension of that name, when the earlier ones it builds on were given."""
    order = [one for one in clock.extensions if one.add is not None]
    for extension in clock.extensions:
        if extension.key != grant.key or grant.key in given:
            continue
        earlier = order[: order.index(extension)] if extension in order else []
        missing = next((one.key for one in earlier if one.key not in given), None)
        if missing is not None:
            raise _refused(clock, grant, f"{missing} first")
        if extension.decided and grant.until is None:
            raise _refused(clock, grant, f"the day that was decided ({grant.key}=DATE)")
        if grant.until is not None and not extension.decided:
            raise _refused(clock, grant, "no day: the article says how long")
        return extension
    keys = ", ".join(one.key for one in clock.extensions if one.key not in given)
    raise _refused(clock, grant, f"one of: {keys or 'no extension is left'}")


def _refused(clock: Clock, grant: Grant, missing: str) -> RuleViolated:
    message = f"{clock.key} can't be extended by {grant.key}"
    return RuleViolated(message, article=clock.source, missing=missing)


def _due_by_hours(
    start: dt.datetime, length: int, pauses: Sequence[Pause], lines: list[Line]
) -> Due:
    at = start + dt.timedelta(hours=length)
    for opens, end in _merged(pauses):
        if opens < at and end > start:
            lost = end - max(opens, start)
            at += lost
            lines.append(Line(f"扣除中止 {lost}。", f"Paused for {lost}, not counted."))
    lines.append(Line(f"到期：{minute(at)}。", f"Due {minute(at)} Beijing time."))
    return Due(at.astimezone(dt.UTC), None, provisional=False, derivation=tuple(lines))


def _merged(pauses: Sequence[Pause]) -> list[tuple[dt.datetime, dt.datetime]]:
    """Closed pauses as spans that don't overlap, oldest first."""
    spans: list[tuple[dt.datetime, dt.datetime]] = []
    for opens, end in sorted((p.start, p.end) for p in pauses if p.end is not None):
        if spans and opens <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((opens, end))
    return spans


def _due_by_clock_time(start: dt.datetime, minutes: int, lines: list[Line]) -> Due:
    midnight = _midnight(start.astimezone(BEIJING).date() + _DAY)
    at = midnight + dt.timedelta(minutes=minutes)
    lines.append(
        Line(f"到期：次日 {minute(at)}。", f"Due {minute(at)} Beijing time, the next day.")
    )
    return Due(at.astimezone(dt.UTC), None, provisional=False, derivation=tuple(lines))


def _due_by_days(
    start: dt.datetime,
    calendar: Calendar,
    pauses: Sequence[Pause],
    term: _Term,
    lines: list[Line],
) -> Due:
    clock, first = term.clock, start.astimezone(BEIJING).date()
    if term.anew:
        first = max(first, term.anew)
    count = _named_or_counted(term, first, calendar, pauses)
    last = calendar.next_working(count.last) if clock.rolls else count.last
    provisional = _is_provisional(clock, calendar, first, count.last, last)
    lines += passed_over(count.rest, count.made_up, calendar)
    lines += left_out(count.paused, _cause_of(pauses))
    if last != count.last:
        why = calendar.reason(count.last)
        lines.append(
            Line(
                f"末日 {count.last} 为休息日，顺延至 {last}。",
                f"The last day {count.last} is a rest day ({why}) and rolls to {last}.",
            )
        )
    lines.append(Line(f"到期：{last} 24时。", f"Due at the end of {last}, Beijing time."))
    if provisional:
        lines.append(
            Line(
                "该年度节假日安排尚未公布，日期为暂定。",
                "Provisional: the holidays of that year are not published yet.",
            )
        )
    return Due(_midnight(last + _DAY).astimezone(dt.UTC), last, provisional, tuple(lines))


def _named_or_counted(
    term: _Term, first: dt.date, calendar: Calendar, pauses: Sequence[Pause]
) -> _Count:
    """Where counting ends, or the day that the authority named instead: never an earlier one."""
    count = _Count(term.on) if term.on else _count(term, first, calendar, pauses)
    if term.on and term.on < first:
        raise _too_early(term, term.on, first)
    if term.until is None:
        return count
    if term.until <= count.last:
        raise _too_early(term, term.until, count.last + _DAY)
    return _Count(term.until)


def _too_early(term: _Term, named: dt.date, earliest: dt.date) -> RuleViolated:
    message = f"{term.clock.key} can't end on {named}"
    return RuleViolated(message, article=term.clock.source, missing=f"{earliest} or later")


def _count(term: _Term, first: dt.date, calendar: Calendar, pauses: Sequence[Pause]) -> _Count:
    clock, length = term.clock, term.length
    if clock.unit in {Unit.MONTH, Unit.YEAR}:
        months = length * (12 if clock.unit is Unit.YEAR else 1)
        return _count_months(first, months, pauses)
    step = -_DAY if clock.kind is Kind.BEFORE else _DAY
    counts: Callable[[dt.date], bool] = calendar.is_working if clock.working else _any_day
    return _count_days(first, length, step, counts, pauses)


def _any_day(_: dt.date) -> bool:
    return True


def _count_days(
    first: dt.date,
    length: int,
    step: dt.timedelta,
    counts: Callable[[dt.date], bool],
    pauses: Sequence[Pause],
) -> _Count:
    """Walk day by day: the longest term of law in days is 150, so a walk is the clearest."""
    day, rest, paused, made_up = first, [], [], []
    while length > 0:
        day += step
        if any(pause.covers(day) for pause in pauses):
            paused.append(day)
        elif counts(day):
            length -= 1
            if counts is not _any_day and day.weekday() >= _SATURDAY:
                made_up.append(day)
        else:
            rest.append(day)
    return _Count(day, tuple(rest), tuple(paused), tuple(made_up))


def _cause_of(pauses: Sequence[Pause]) -> Callable[[dt.date], tuple[str, ...]]:
    """Names the causes for which a day is not counted."""
    return lambda day: tuple(p.cause for p in pauses if p.cause and p.covers(day))


def _count_months(first: dt.date, months: int, pauses: Sequence[Pause]) -> _Count:
    """To the same day of the month (else its last day), then one day on for each paused day."""
    day, paused = first, list[dt.date]()
    end = _same_day(first, months)
    while pauses and day < end:
        day += _DAY
        if any(pause.covers(day) for pause in pauses):
            paused.append(day)
            end += _DAY
    return _Count(end, paused=tuple(paused))


def _same_day(first: dt.date, months: int) -> dt.date:
    year, month = divmod(first.month - 1 + months, 12)
    year, month = first.year + year, month + 1
    last_of_month = monthrange(year, month)[1]
    return dt.date(year, month, min(first.day, last_of_month))


def _is_provisional(
    clock: Clock, calendar: Calendar, first: dt.date, last: dt.date, rolled: dt.date
) -> bool:
    """Whether a day that nobody has published decided the result.

    Years are published as a whole, so the ends of what was looked at are enough.
    """
    looked_at = {rolled, last} if clock.rolls else set()
    if clock.working:
        looked_at |= {first, last}
    return any(map(calendar.is_provisional, looked_at))


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), BEIJING)

"""行刑衔接期限 The clocks of a referral and when they end (huanhuanjian 2017-17 art 38).

The starting day is not counted; a term in natural days whose last day is a rest day rolls to the
next working day; hours run through nights and holidays. A term in days ends with its last day, so
`at` is the next midnight in Beijing, exclusive.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.chassis.calendar import Calendar

_BEIJING = dt.timezone(dt.timedelta(hours=8))
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Term:
    """期限 One row of the clock table. `extensions`: name to the length in place of the base."""

    key: str
    who: str
    action: str
    length: int
    unit: str
    source: str
    days: str = ""
    extensions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Due:
    """到期 When a term ends and why; provisional where a rest day's year is not published."""

    at: dt.datetime
    provisional: bool
    derivation: tuple[str, ...]


def read_terms(document: Mapping[str, Any]) -> dict[str, Term]:
    """The clock table by key. Raises ValueError for a unit or a kind of day that has no meaning."""
    terms = {row["key"]: Term(**row) for row in document["clocks"]}
    for term in terms.values():
        if (term.unit, term.days) not in {("hour", ""), ("day", "natural"), ("day", "working")}:
            raise ValueError(f"clock {term.key}: {term.unit} {term.days}")
    return terms


def due(term: Term, start: dt.datetime, calendar: Calendar, extension: str = "") -> Due:
    """The end of `term` that began at `start` (aware), with its derivation in Chinese.

    Raises KeyError for an extension that the row does not have.
    """
    length = term.extensions[extension] if extension else term.length
    began = start.astimezone(_BEIJING)
    if term.unit == "hour":
        end = start + dt.timedelta(hours=length)
        return Due(end.astimezone(dt.UTC), False, _lines(term, began, f"{length}小时连续计算"))
    last, how = _last_day(term, began.date(), length, calendar)
    midnight = dt.datetime.combine(last + _DAY, dt.time(), _BEIJING)
    provisional = calendar.is_provisional(last) or calendar.is_provisional(began.date())
    return Due(midnight.astimezone(dt.UTC), provisional, _lines(term, began, how))


def _last_day(term: Term, first: dt.date, length: int, calendar: Calendar) -> tuple[dt.date, str]:
    if term.days == "working":
        day = first
        for _ in range(length):
            day = calendar.next_working(day + _DAY)
        return day, f"{length}个工作日，起始日不计，至{day}"
    day = first + length * _DAY
    rolled = calendar.next_working(day)
    how = f"{length}日（自然日），起始日不计，至{day}"
    return rolled, how if rolled == day else f"{how}；末日为休息日，顺延至{rolled}"


def _lines(term: Term, began: dt.datetime, how: str) -> tuple[str, ...]:
    return (f"依据：{term.source}", f"起算：{began:%Y-%m-%d %H:%M}", how)

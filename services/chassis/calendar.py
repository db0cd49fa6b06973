"""Rest days and make-up workdays 节假日与调休: which Beijing dates count as working days.

Three sources, the first that knows a date wins: our own table `data/holidays.csv` (one row per
date that breaks the weekend rule, with its source), the package `chinesecalendar`, and the plain
weekend rule. The last one is a guess about a year whose State Council notice is not out yet, so
such a date is *provisional*: whoever promises a deadline on it has to say so and to compute it
again when the notice is published. The notice comes for a year as a whole, so a year counts as
published as soon as the table holds one row of it: enter all its rows in one go.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources
from importlib.metadata import version

import chinese_calendar

_SATURDAY = 5


class DayKind(Enum):
    """How a row of the override table breaks the weekend rule."""

    WEEKDAY_OFF = "weekday_off"
    WEEKEND_WORKDAY = "weekend_workday"
    WEEKDAY_WORKDAY = "weekday_workday"
    WEEKEND_OFF = "weekend_off"

    @property
    def works(self) -> bool:
        """Whether people work on such a day."""
        return self in {DayKind.WEEKEND_WORKDAY, DayKind.WEEKDAY_WORKDAY}


@dataclass(frozen=True)
class Override:
    """One date of the table; `festival` is empty for a make-up workday 调休上班."""

    kind: DayKind
    festival: str
    source: str


class Calendar:
    """Working days 工作日 of the mainland's government offices.

    >>> beijing = Calendar.published()
    >>> beijing.is_working(dt.date(2026, 10, 10))  # a Saturday worked for National Day
    True
    >>> beijing.is_provisional(dt.date(2027, 2, 8))
    True
    """

    def __init__(self, overrides: Mapping[dt.date, Override]) -> None:
        self._overrides = dict(overrides)
        self._own_years = frozenset(day.year for day in overrides)

    @property
    def release(self) -> str:
        """Tells one calendar from another: a digest of the table, with the package's version.

        Whoever computed an end with another release has to compute it again.
        """
        rows = sorted((day.isoformat(), row.kind.value) for day, row in self._overrides.items())
        text = "\n".join([version("chinesecalendar"), *map(",".join, rows)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def first_provisional(self, year: int) -> int:
        """The first year from `year` on whose holidays nobody published yet."""
        while not self.is_provisional(dt.date(year, 1, 1)):
            year += 1
        return year

    @classmethod
    def published(cls) -> Calendar:
        """The calendar with the table that ships with the product."""
        return _published()

    def with_rows(self, rows: Mapping[dt.date, Override]) -> Calendar:
        """The same calendar with more rows, which win: what if the notice said this."""
        return Calendar({**self._overrides, **rows})

    def is_working(self, day: dt.date) -> bool:
        """Whether `day` is a working day; beyond the published years, whether it is no weekend."""
        row = self._overrides.get(day)
        if row is not None:
            return row.kind.works
        if _package_knows(day.year):
            return _package_works(day)
        return day.weekday() < _SATURDAY

    def is_provisional(self, day: dt.date) -> bool:
        """Whether nobody has published the holidays of that year yet."""
        return day.year not in self._own_years and not _package_knows(day.year)

    def reason(self, day: dt.date) -> str:
        """Why `day` is a rest day: the festival's name or `weekend`; empty on a working day."""
        if self.is_working(day):
            return ""
        row = self._overrides.get(day)
        if row is not None and row.festival:
            return row.festival
        if row is None and _package_knows(day.year):
            return _package_festival(day)
        return "weekend"

    def next_working(self, day: dt.date) -> dt.date:
        """The first working day on or after `day`."""
        while not self.is_working(day):
            day += dt.timedelta(days=1)
        return day


def read_overrides(lines: Iterable[str]) -> dict[dt.date, Override]:
    """Rows of an override table (columns date, kind, festival, source).

    Raises `ValueError` that names the row for a bad date, an unknown kind, a kind that
    contradicts the weekday, or a date written twice: a wrong row would move deadlines in silence.
    """
    found: dict[dt.date, Override] = {}
    for number, row in enumerate(csv.DictReader(lines), start=2):
        day = _parse_day(row["date"], number)
        kind = _parse_kind(row["kind"], number)
        if day in found:
            raise ValueError(f"row {number}: {day} is written twice")
        if kind.value.startswith("weekend") != (day.weekday() >= _SATURDAY):
            raise ValueError(f"row {number}: {day} is no {kind.value.partition('_')[0]}")
        found[day] = Override(kind, row["festival"], row["source"])
    return found


def _parse_day(text: str, number: int) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as fault:
        raise ValueError(f"row {number}: {fault}") from fault


def _parse_kind(text: str, number: int) -> DayKind:
    try:
        return DayKind(text)
    except ValueError as fault:
        raise ValueError(f"row {number}: {fault}") from fault


@cache
def _published() -> Calendar:
    table = resources.files("services.chassis") / "data" / "holidays.csv"
    return Calendar(read_overrides(table.read_text(encoding="utf-8").splitlines()))


@cache
def _package_works(day: dt.date) -> bool:
    """The package's answer, kept: it searches its whole table each time it is asked."""
    return bool(chinese_calendar.is_workday(day))


@cache
def _package_festival(day: dt.date) -> str:
    """The package's name of a rest day, kept for the same reason."""
    _, festival = chinese_calendar.get_holiday_detail(day)
    return str(festival or "weekend")


@cache
def _package_knows(year: int) -> bool:
    """Whether chinesecalendar has that year; it raises for any other."""
    try:
        chinese_calendar.is_workday(dt.date(year, 1, 1))
    except NotImplementedError:
        return False
    return True

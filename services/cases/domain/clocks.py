"""The clock table 期限表: every term of law, and our own operational terms, as rows of one shape.

A row says when a clock starts, what has to be done, how long it runs and in which kind of days,
how it may be extended and what stops it. `services/cases/data/clocks.csv` holds the law,
`terms.yaml` what an installation agreed with itself; `due` computes both. A term whose law changed
has one row per version, told apart by the day the clock started.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from services.chassis.errors import NotFound


class Kind(Enum):
    """What the end of a term means."""

    DEADLINE = "deadline"  # somebody must have acted
    BEFORE = "before"  # somebody must have acted this long before the starting event
    WAIT = "wait"  # the next step is allowed only afterwards
    EFFECT = "effect"  # something becomes so by itself
    MAXIMUM = "maximum"  # a measure ends at the latest
    BAR = "bar"  # the authority may not act any more
    RIGHT = "right"  # a party may act until then; unused, the right is gone
    RETENTION = "retention"  # something must be kept until then
    SUSPENSION = "suspension"  # no term: it stops another clock
    COUNT = "count"  # no term: days are counted until an event


#: Kinds whose end is a fact, not somebody's failure.
LAPSING = frozenset({Kind.WAIT, Kind.EFFECT, Kind.BAR, Kind.RIGHT, Kind.RETENTION})


class Unit(Enum):
    """In what a term is measured."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    CLOCK_TIME = "clock_time"  # an hour of the next natural day


@dataclass(frozen=True)
class Extension:
    """延长: `add` lengthens the term, `instead` replaces it, else the authority names a `day`.

    `until` that day, later than the end without it; counted again `from` it; or the last day is
    `on` it from the start, where the law leaves the length to the authority.
    """

    key: str
    add: int | None = None
    instead: int | None = None
    day: str = ""  # until | from | on

    @property
    def decided(self) -> bool:
        """Whether the authority names a day."""
        return bool(self.day)


@dataclass(frozen=True)
class Clock:
    """期限: one row. `length` counts `unit`s; for CLOCK_TIME it is minutes after midnight.

    `working` chooses 工作日 over 自然日; `rolls` moves a last day that is a rest day to the next
    working day. `valid_from`/`valid_to` bound the starting days for which this version is law.
    """

    key: str
    phase: str
    kind: Kind
    start_en: str
    start_zh: str
    action_en: str
    action_zh: str
    length: int | None
    unit: Unit | None
    working: bool
    rolls: bool
    extensions: tuple[Extension, ...]
    pauses: frozenset[str]
    on_miss: str
    article_zh: str
    source: str
    confidence: str
    statutory: bool = True
    verified: str = ""
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    bound: str = "authority"  # authority | leader | enterprise | police | procuratorate

    @property
    def lapses(self) -> bool:
        """Whether its end is no breach: a right, a waiting time, an effect."""
        return self.kind in LAPSING

    def in_force(self, day: dt.date) -> bool:
        """Whether this version governs a clock that starts on `day` (Beijing)."""
        after = self.valid_from is None or day >= self.valid_from
        return after and (self.valid_to is None or day < self.valid_to)


class ClockTable:
    """All rows; `find` picks the version in force."""

    def __init__(self, clocks: Iterable[Clock]) -> None:
        self._versions: dict[str, list[Clock]] = {}
        for clock in clocks:
            self._versions.setdefault(clock.key, []).append(clock)

    def __iter__(self) -> Iterator[Clock]:
        """Rows in the order of the table."""
        return (clock for versions in self._versions.values() for clock in versions)

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of the clocks, in the order of the table."""
        return tuple(self._versions)

    def find(self, key: str, day: dt.date) -> Clock:
        """The row for a clock that starts on `day`; `NotFound` for a key or a day without one."""
        for clock in self._versions.get(key, ()):
            if clock.in_force(day):
                return clock
        raise NotFound(f"no clock {key} for a start on {day}", clock=key)


_EXTENSION = re.compile(r"^(\w+) (?:\+(\d+)|=(\d+)|(until|from|on))$")


def read_extension(text: str) -> Extension:
    """`leader +15`, `complex =30`, `x until|from|on`; `ValueError` for anything else."""
    found = _EXTENSION.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no extension")
    key, add, instead, day = found.groups()
    return Extension(key, int(add) if add else None, int(instead) if instead else None, day or "")


def read_length(text: str) -> int | None:
    """A count, or `HH:MM` as minutes after midnight, or nothing."""
    if ":" in text:
        hours, minutes = text.split(":")
        return int(hours) * 60 + int(minutes)
    return int(text) if text else None


def read_clock(row: Mapping[str, str], *, statutory: bool = True) -> Clock:
    """One row of text to a `Clock`; `ValueError` names the row's key."""
    try:
        return Clock(
            key=row["key"],
            phase=row["phase"],
            kind=Kind(row["kind"]),
            start_en=row["start_en"],
            start_zh=row["start_zh"],
            action_en=row["action_en"],
            action_zh=row["action_zh"],
            length=read_length(row["length"]),
            unit=Unit(row["unit"]) if row["unit"] else None,
            working=row["days"] == "working",
            rolls=row["rolls"] == "yes",
            extensions=tuple(map(read_extension, _split(row["extensions"]))),
            pauses=frozenset(_split(row["pauses"])),
            on_miss=row["on_miss"],
            article_zh=row["article_zh"],
            source=row["source"],
            confidence=row["confidence"],
            statutory=statutory,
            verified=row.get("verified", ""),
            valid_from=_read_day(row.get("valid_from", "")),
            valid_to=_read_day(row.get("valid_to", "")),
            bound=row.get("bound") or "authority",
        )
    except ValueError as fault:
        raise ValueError(f"clock {row['key']}: {fault}") from fault


def read_clocks(lines: Iterable[str]) -> list[Clock]:
    """The rows of `clocks.csv`."""
    return [read_clock(row) for row in csv.DictReader(lines)]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _read_day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None

"""地方工作时限: operational terms that differ by region, industry, item or level of supervision.

The law's clocks are the same everywhere; what an installation agreed with itself is not. A row
names where it holds and what it changes; `narrowed` gives the clock table as it is there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.cases.domain.clocks import Clock, ClockTable, Unit
from services.cases.domain.matter import Level

_KNOWN = frozenset(
    {"id", "key", "divisions", "industries", "items", "levels", "length", "unit", "days", "source"}
)


@dataclass(frozen=True)
class Circumstance:
    """Where and what a term is asked for; empty = nothing in particular."""

    division: str = ""
    industry: str = ""
    item: str = ""
    level: Level | None = None


@dataclass(frozen=True)
class Override:
    """One row; empty collections hold everywhere, `unit` and `working` None leave the term's."""

    key: str
    clock: str
    divisions: tuple[str, ...]
    industries: tuple[str, ...]
    items: frozenset[str]
    levels: frozenset[Level]
    length: int
    unit: Unit | None
    working: bool | None
    source: str

    def weight(self, there: Circumstance) -> tuple[int, ...] | None:
        """How specific the row is there; None where it does not hold."""
        place = _longest(self.divisions, there.division)
        trade = _longest(self.industries, there.industry)
        item = not self.items or there.item in self.items
        level = not self.levels or there.level in self.levels
        if place is None or trade is None or not (item and level):
            return None
        return place, trade, int(bool(self.items)), int(bool(self.levels))

    def applied(self, clock: Clock) -> Clock:
        """The term as this row makes it."""
        return replace(
            clock,
            length=self.length,
            unit=self.unit or clock.unit,
            working=clock.working if self.working is None else self.working,
            article_zh=f"{clock.article_zh}（{self.source}）",
            source=self.source,
        )


def _longest(prefixes: Collection[str], code: str) -> int | None:
    """Length of the longest prefix that fits, 0 where none is named, None where none fits."""
    if not prefixes:
        return 0
    return max((len(one) for one in prefixes if code.startswith(one)), default=None)


def deciding(rows: Iterable[Override], there: Circumstance) -> dict[str, Override]:
    """The row that decides each term there, by the term's key."""
    best: dict[str, tuple[tuple[int, ...], Override]] = {}
    for row in rows:
        weight = row.weight(there)
        if weight is not None and (row.clock not in best or weight >= best[row.clock][0]):
            best[row.clock] = weight, row
    return {key: row for key, (_, row) in best.items()}


class _Narrowed(ClockTable):
    """The clock table of one circumstance: the general rows, some of them changed."""

    def __init__(self, general: ClockTable, rows: Mapping[str, Override]) -> None:
        super().__init__(general)
        self._rows = rows

    def __iter__(self) -> Iterator[Clock]:
        return map(self._as_here, super().__iter__())

    def find(self, key: str, day: dt.date) -> Clock:
        return self._as_here(super().find(key, day))

    def _as_here(self, clock: Clock) -> Clock:
        row = self._rows.get(clock.key)
        return clock if row is None or clock.statutory else row.applied(clock)


def narrowed(table: ClockTable, rows: Iterable[Override], there: Circumstance) -> ClockTable:
    """The clock table as it is there; the table itself where no row changes anything."""
    chosen = deciding(rows, there)
    return _Narrowed(table, chosen) if chosen else table


def read_overrides(document: Mapping[str, Any], table: ClockTable) -> tuple[Override, ...]:
    """Rows of the document. Raises `ValueError` that names the row, for a term that is law too."""
    operational = {clock.key for clock in table if not clock.statutory}
    rows = tuple(_read(row, operational) for row in document["overrides"])
    if len({row.key for row in rows}) != len(rows):
        raise ValueError("two overrides have one id")
    return rows


def _read(row: Mapping[str, Any], operational: Collection[str]) -> Override:
    name = row.get("id", "?")
    if unknown := set(row) - _KNOWN:
        raise ValueError(f"override {name}: unknown {sorted(unknown)}")
    if row["key"] not in operational:
        raise ValueError(f"override {name}: {row['key']} is no operational term")
    if row["length"] < 1:
        raise ValueError(f"override {name}: a length of at least 1")
    return Override(
        key=name,
        clock=row["key"],
        divisions=tuple(row.get("divisions", ())),
        industries=tuple(row.get("industries", ())),
        items=frozenset(row.get("items", ())),
        levels=frozenset(Level[one.upper()] for one in row.get("levels", ())),
        length=row["length"],
        unit=Unit(row["unit"]) if "unit" in row else None,
        working={"working": True, "natural": False}[row["days"]] if "days" in row else None,
        source=row["source"],
    )

"""Triggers 触发规则: which finding becomes an order and of which level. The rows are data.

A rule of detect says what it saw; a trigger says whether somebody has to act on it. A confidential
finding never becomes an order: one vote is a question of quality, two make a clue.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.cases.domain.deadline import due
from services.cases.domain.matter import Level, Row
from services.cases.domain.timing import Terms
from services.chassis.clock import BEIJING

_MEASURES = frozenset({"count", "count_today", "count_7_days", "hours", "clock"})


@dataclass(frozen=True)
class Scope:
    """适用范围: prefixes of division and industry codes, and factor codes; empty = everywhere."""

    divisions: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    factors: frozenset[str] = frozenset()

    def has(self, division: str, industry: str, factors: Iterable[str]) -> bool:
        """Whether an outlet of that division and industry, with those factors, is meant."""
        return (
            (not self.divisions or division.startswith(self.divisions))
            and (not self.industries or industry.startswith(self.industries))
            and (not self.factors or not self.factors.isdisjoint(factors))
        )


@dataclass(frozen=True)
class Trigger:
    """One row: `rule` of detect reached `at_least` by `measure`, or ran beyond the term `clock`."""

    key: str
    item: str
    item_zh: str
    rule: str
    measure: str
    at_least: float
    clock: str
    level: Level
    scope: Scope
    source: str
    confidence: str


@dataclass(frozen=True)
class Seen:
    """A finding as triggers look at it, with the outlet's division and industry."""

    row: Row
    count_today: int
    count_7_days: int
    confidential: bool
    division: str
    industry: str


@dataclass(frozen=True)
class Table:
    """触发规则表 in force."""

    version: str
    history: dt.timedelta
    orders: tuple[Trigger, ...]
    clue_item: str
    clue_item_zh: str
    clue_votes: int


def read_triggers(document: Mapping[str, Any]) -> Table:
    """The table from its document; `ValueError` names a row with an unknown measure."""
    clue = document["clues"][0]
    return Table(
        version=document["version"],
        history=dt.timedelta(days=document["history_days"]),
        orders=tuple(map(_read_trigger, document["orders"])),
        clue_item=clue["item"],
        clue_item_zh=clue["item_zh"],
        clue_votes=clue["votes"],
    )


def _read_trigger(row: Mapping[str, Any]) -> Trigger:
    if row["measure"] not in _MEASURES or (row["measure"] == "clock") != ("clock" in row):
        raise ValueError(f"trigger {row['id']}: unknown measure {row['measure']}")
    scope = row.get("scope", {})
    return Trigger(
        key=row["id"],
        item=row["item"],
        item_zh=row["item_zh"],
        rule=row["rule"],
        measure=row["measure"],
        at_least=row.get("at_least", 0),
        clock=row.get("clock", ""),
        level=Level[row["level"].upper()],
        scope=Scope(
            tuple(scope.get("divisions", ())),
            tuple(scope.get("industries", ())),
            frozenset(scope.get("factors", ())),
        ),
        source=row["source"],
        confidence=row["confidence"],
    )


def choose(table: Table, seen: Seen, terms: Terms) -> Trigger | None:
    """The trigger of the highest level that the finding reaches, or None."""
    if seen.confidential or seen.row.withdrawn:
        return None
    reached = [one for one in table.orders if _applies(one, seen) and _reaches(one, seen, terms)]
    return max(reached, key=lambda one: one.level, default=None)


def is_history(table: Table, row: Row, now: dt.datetime) -> bool:
    """Whether a closed finding is so old that an order would only be noise."""
    return row.closed and now - row.end > table.history


def _applies(trigger: Trigger, seen: Seen) -> bool:
    fits = trigger.scope.has(seen.division, seen.industry, seen.row.factors)
    return trigger.rule == seen.row.rule_id and fits


def _reaches(trigger: Trigger, seen: Seen, terms: Terms) -> bool:
    row = seen.row
    if trigger.measure == "clock":
        term = terms.clocks.find(trigger.clock, row.start.astimezone(BEIJING).date())
        end = due(term, row.start, terms.calendar).at
        return end is not None and row.end >= end
    measured = {
        "count": row.count,
        "count_today": seen.count_today,
        "count_7_days": seen.count_7_days,
        "hours": (row.end - row.start) / dt.timedelta(hours=1),
    }[trigger.measure]
    return measured >= trigger.at_least

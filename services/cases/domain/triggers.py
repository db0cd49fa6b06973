"""Triggers 触发规则: which finding becomes an order or a case, of which level. Rows are data.

A rule of detect says what it saw; a trigger says whether somebody has to act on it. A confidential
finding never becomes an order: one vote is a question of quality, two make a clue. A row in monitor
mode is only counted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.cases.domain.deadline import due
from services.cases.domain.matter import Kind, Level, Row
from services.cases.domain.timing import Terms
from services.chassis.clock import BEIJING

#: A measure of this form is a number among the finding's facts.
FACT = "fact:"


@dataclass(frozen=True)
class Seen:
    """A finding as triggers look at it, with what the registry knows of its outlet."""

    row: Row
    count_today: int
    count_7_days: int
    confidential: bool
    division: str
    industry: str
    process: str = ""
    outlet_id: str = ""
    facts: Mapping[str, float] = field(default_factory=dict)  # those that are numbers


@dataclass(frozen=True)
class Scope:
    """适用范围: prefixes of division, industry and process, codes of factors and outlets."""

    divisions: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()
    outlets: tuple[str, ...] = ()

    def has(self, seen: Seen) -> bool:
        """Whether the finding's outlet and factors are meant; empty = everywhere."""
        return (
            (not self.divisions or seen.division.startswith(self.divisions))
            and (not self.industries or seen.industry.startswith(self.industries))
            and (not self.processes or seen.process.startswith(self.processes))
            and (not self.factors or not set(self.factors).isdisjoint(seen.row.factors))
            and (not self.outlets or seen.outlet_id in self.outlets)
        )


@dataclass(frozen=True)
class Trigger:
    """One row: `rule` of detect reached a bound by `measure`, or ran beyond the term `clock`.

    Either `at_least` or `below` is given, in the unit of the measure; neither with a clock.
    """

    key: str
    item: str
    item_zh: str
    rule: str
    measure: str
    at_least: float | None
    below: float | None
    clock: str
    opens: Kind
    level: Level
    live: bool  # False = 试运行: counted, and nobody is told
    scope: Scope
    source: str
    confidence: str

    @property
    def level_key(self) -> str:
        """The level as the table spells it."""
        return CLUE if self.opens is Kind.CASE else self.level.name.lower()


#: Level of a row that opens a case, from a finding that the plant may know of.
CLUE = "clue"


@dataclass(frozen=True)
class Table:
    """触发规则表 in force."""

    version: str
    history: dt.timedelta
    triggers: tuple[Trigger, ...]
    officer_hours: Mapping[str, float]  # that one item of a level costs
    clue_item: str
    clue_item_zh: str
    clue_votes: int


@dataclass(frozen=True)
class Decision:
    """What a finding sets off: an order, cases, and what monitor rows would have."""

    order: Trigger | None = None
    cases: tuple[Trigger, ...] = ()
    monitored: tuple[Trigger, ...] = ()

    @property
    def live(self) -> tuple[Trigger, ...]:
        """Rows that somebody is told of."""
        return (*((self.order,) if self.order else ()), *self.cases)


def decide(table: Table, seen: Seen, terms: Terms) -> Decision:
    """触发判定: of each item the row of the highest level that the finding reaches."""
    if seen.confidential or seen.row.withdrawn:
        return Decision()
    reached = [one for one in table.triggers if _applies(one, seen) and _reaches(one, seen, terms)]
    live = [one for one in reached if one.live]
    return Decision(
        order=next(iter(_highest(one for one in live if one.opens is Kind.ORDER)), None),
        cases=_highest(one for one in live if one.opens is Kind.CASE),
        monitored=_highest(one for one in reached if not one.live),
    )


def _highest(reached: Iterable[Trigger]) -> tuple[Trigger, ...]:
    """One row an item and kind of matter, the highest level first; the earlier of two equals."""
    best: dict[tuple[str, Kind], Trigger] = {}
    for one in sorted(reached, key=lambda row: -row.level):
        best.setdefault((one.item, one.opens), one)
    return tuple(best.values())


def is_history(table: Table, row: Row, now: dt.datetime) -> bool:
    """Whether a closed finding is so old that an order would only be noise."""
    return row.closed and now - row.end > table.history


def _applies(trigger: Trigger, seen: Seen) -> bool:
    return trigger.rule == seen.row.rule_id and trigger.scope.has(seen)


def _reaches(trigger: Trigger, seen: Seen, terms: Terms) -> bool:
    if trigger.clock:
        return _ran_out(trigger.clock, seen.row, terms)
    measured = measure_of(trigger.measure, seen)
    if measured is None:
        return False
    if trigger.below is not None:
        return measured < trigger.below
    return trigger.at_least is not None and measured >= trigger.at_least


def measure_of(measure: str, seen: Seen) -> float | None:
    """The finding by one measure; None for a fact that it does not state."""
    if measure.startswith(FACT):
        return seen.facts.get(measure.removeprefix(FACT))
    row = seen.row
    return {
        "count": float(row.count),
        "count_today": float(seen.count_today),
        "count_7_days": float(seen.count_7_days),
        "hours": (row.end - row.start) / dt.timedelta(hours=1),
        "statistic": row.statistic,
    }[measure]


def _ran_out(clock: str, row: Row, terms: Terms) -> bool:
    """Whether the term that began with the span was over at its end."""
    term = terms.clocks.find(clock, row.start.astimezone(BEIJING).date())
    end = due(term, row.start, terms.calendar).at
    return end is not None and row.end >= end

"""风险与排序: a risk number with its reasons, and one number that orders the queue.

`risk_of` adds weights that are data (`data/risk.yaml`). `rank_of` mixes deadline and risk: the end
of the nearest clock of ours is moved earlier by working time in proportion to the risk, so that
what is left of the working time is what counts. Rank is one integer of seconds: fixed between two
steps of a matter, whatever the time of day, so that an index holds the queue and a page goes on
exactly behind the page before.

Bands, first to last: a statutory deadline of the authority that ran out and is still open; what
has a nearest end; what has none (oldest first); what is closed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from services.cases.domain.matter import ClockState, Kind, Level, Matter
from services.chassis.calendar import Calendar
from services.chassis.clock import BEIJING

HIGHEST = 100
#: Seconds between bands: more than any moment of our calendar, and 64 bits hold several.
BAND = 10**12


class Band(IntEnum):
    """顺位 of a matter before its deadline is looked at."""

    STATUTORY_OVERDUE = 0
    DUE = 1
    WITHOUT_END = 2
    CLOSED = 3


@dataclass(frozen=True)
class Weight:
    """分值 of one circumstance."""

    zh: str
    points: int


@dataclass(frozen=True)
class Stepped:
    """分档分值: the points of the highest step that is reached."""

    zh: str
    steps: tuple[tuple[float, int], ...]

    def points(self, amount: float) -> int:
        """Points for an amount; 0 below the first step."""
        return max((points for start, points in self.steps if amount >= start), default=0)


@dataclass(frozen=True)
class Weights:
    """风险分值表 of a version."""

    version: str
    lead_hours: float
    kinds: Mapping[Kind, Weight]
    levels: Mapping[Level, Weight]
    falsification: Weight
    falsification_items: frozenset[str]
    exceedance: Stepped
    exceedance_items: frozenset[str]
    breached_statutory: Weight
    breached_operational: Weight
    statutory_next: Weight
    key_discharger: Weight
    repeat: Stepped
    repeat_years: int
    age: Stepped


@dataclass(frozen=True)
class Facts:
    """What the matter itself does not say: of its plant, and the moment of the step."""

    at: dt.datetime
    key_discharger: bool = False
    earlier_cases: int = 0  # other cases of the plant in the years that count


@dataclass(frozen=True)
class Reason:
    """One part of the number."""

    key: str
    zh: str
    points: int


def read_weights(document: Mapping[str, Any]) -> Weights:
    """`risk.yaml` as weights. `ValueError` for a kind or level without points, or negative ones."""
    weights = Weights(
        version=str(document["version"]),
        lead_hours=float(document["lead_hours"]),
        kinds={kind: _weight(document["kinds"], kind.value) for kind in Kind},
        levels={level: _weight(document["levels"], level.name.lower()) for level in Level},
        falsification=_weight(document, "falsification"),
        falsification_items=frozenset(document["falsification"]["items"]),
        exceedance=_stepped(document["exceedance"]),
        exceedance_items=frozenset(document["exceedance"]["items"]),
        breached_statutory=_weight(document, "breached_statutory"),
        breached_operational=_weight(document, "breached_operational"),
        statutory_next=_weight(document, "statutory_next"),
        key_discharger=_weight(document, "key_discharger"),
        repeat=_stepped(document["repeat"]),
        repeat_years=int(document["repeat"]["years"]),
        age=_stepped(document["age"]),
    )
    if weights.lead_hours < 0:
        raise ValueError("lead_hours is negative")
    return weights


def _weight(document: Mapping[str, Any], key: str) -> Weight:
    if key not in document or document[key]["points"] < 0:
        raise ValueError(f"{key} has no points, or negative ones")
    return Weight(document[key]["zh"], int(document[key]["points"]))


def _stepped(row: Mapping[str, Any]) -> Stepped:
    steps = tuple((float(one["from"]), int(one["points"])) for one in row["steps"])
    if list(steps) != sorted(steps) or any(points < 0 for _, points in steps):
        raise ValueError(f"{row['zh']}: steps have to climb")
    return Stepped(row["zh"], steps)


def risk_of(matter: Matter, facts: Facts, weights: Weights) -> tuple[int, tuple[Reason, ...]]:
    """风险分 0..100 with its reasons, heaviest first; the reasons may add up to more than 100."""
    found = [
        Reason(key, weight.zh, weight.points)
        for key, weight in _circumstances(matter, facts, weights)
        if weight.points
    ]
    reasons = tuple(sorted(found, key=lambda one: (-one.points, one.key)))
    return min(HIGHEST, sum(one.points for one in reasons)), reasons


def _circumstances(matter: Matter, facts: Facts, weights: Weights) -> Iterable[tuple[str, Weight]]:
    yield f"kind_{matter.kind.value}", weights.kinds[matter.kind]
    if matter.kind in {Kind.ORDER, Kind.LISTED}:
        yield f"level_{matter.level.name.lower()}", weights.levels[matter.level]
    if matter.item in weights.falsification_items:
        yield "falsification", weights.falsification
    if matter.item in weights.exceedance_items:
        multiple = exceed_multiple(matter)
        yield "exceedance", Weight(weights.exceedance.zh, weights.exceedance.points(multiple))
    late = [c for c in matter.clocks if c.open and c.state is ClockState.BREACHED]
    if any(clock.statutory for clock in late):
        yield "breached_statutory", weights.breached_statutory
    elif late:
        yield "breached_operational", weights.breached_operational
    due = matter.next_due()
    if due is not None and due.statutory:
        yield "statutory_next", weights.statutory_next
    if facts.key_discharger:
        yield "key_discharger", weights.key_discharger
    yield "repeat", Weight(weights.repeat.zh, weights.repeat.points(facts.earlier_cases))
    days = (facts.at - matter.opened_at).days
    yield "age", Weight(weights.age.zh, weights.age.points(days))


def exceed_multiple(matter: Matter) -> float:
    """超标倍数 (c - L) / L of the worst row; 0 without a row or a limit above zero."""
    rows = [row for row in matter.rows if row.threshold > 0 and not row.withdrawn]
    return max((row.statistic / row.threshold - 1 for row in rows), default=0.0)


def rank_of(matter: Matter, risk: int, weights: Weights, calendar: Calendar) -> int:
    """排序值, lower first; see the module's words for bands. Ties go by the matter's id."""
    if matter.closed_at is not None:
        return Band.CLOSED * BAND - _seconds(matter.closed_at)
    due = matter.next_due()
    share = risk / HIGHEST * weights.lead_hours
    if due is None or due.due_at is None:
        return Band.WITHOUT_END * BAND + _seconds(matter.opened_at) - round(share * 3600)
    moment = earlier_by_working_time(due.due_at, dt.timedelta(hours=share), calendar)
    band = Band.STATUTORY_OVERDUE if statutory_overdue(matter) else Band.DUE
    return band * BAND + _seconds(moment)


def statutory_overdue(matter: Matter) -> bool:
    """Whether the authority owes an act whose statutory time is over."""
    return any(
        clock.open
        and clock.state is ClockState.BREACHED
        and clock.statutory
        and clock.bound in {"authority", "leader"}
        for clock in matter.clocks
    )


def earlier_by_working_time(
    moment: dt.datetime, span: dt.timedelta, calendar: Calendar
) -> dt.datetime:
    """The moment with `span` of working time before `moment`; rest days do not count.

    A working day has 24 hours here: what is wanted is an order, not office hours.
    """
    at, left = moment.astimezone(BEIJING), span
    while left > dt.timedelta(0):
        last = (at - dt.timedelta(microseconds=1)).date()  # `at` may be the end of a day
        midnight = dt.datetime.combine(last, dt.time(), BEIJING)
        if calendar.is_working(last):
            step = min(left, at - midnight)
            left -= step
            at -= step
        else:
            at = midnight
    return at


def _seconds(moment: dt.datetime) -> int:
    return int(moment.timestamp())


def heaviest(reasons: Sequence[Reason], most: int = 3) -> str:
    """风险说明 in one line: the heaviest reasons with their points."""
    return "；".join(f"{one.zh}（{one.points}）" for one in reasons[:most])

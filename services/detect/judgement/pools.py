"""豁免时段: hours that marked conditions may use up, charged in time order to a cap."""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from services.detect.judgement.model import Codes
from services.detect.judgement.parameters import OutletFacts, PoolRule
from services.detect.judgement.periods import day_of, first_hour, period_of
from services.detect.kernels.series import Bools, Floats, Ints
from services.detect.packs.select import select_all


class Outcome(IntEnum):
    """扣减结果 of one hour of one pool."""

    NONE = 0  # not marked
    CHARGED = 1  # took an hour of the pool: the mark has its effect
    CAP = 2  # the cap is used up: judged as a normal hour
    EVENT = 3  # the single event is too long: judged as a normal hour
    PM = 4  # particulate mean above the bound: judged, and takes nothing from the pool
    LOST = 5  # a device mark of the whole outlet took the hour before


@dataclass(frozen=True)
class PoolHours:
    """Hours of one pool and facility as marked; all arrays are (H,) from hour slot `first`."""

    first: int
    covered: Bools
    """Hours that marks of the pool's conditions cover."""
    in_event: Bools
    """Those of conditions to which the bound of a single event applies."""
    lost: Bools
    """Hours that are invalid for all factors anyway."""
    particulate: Floats
    """Hourly particulate mean, mg/m3; NaN = not known."""


@dataclass(frozen=True)
class PoolCharge:
    """One marked hour of a pool: charged (exempt or invalid) or refused, and why."""

    pool: str  # key of the PoolRule
    facility: str  # furnace or unit, empty = the whole outlet
    period: str  # 2026 | 2026Q4 | mark id
    hour: int  # hour slot
    mark_id: str  # first of the marks that cover the hour
    charged: bool
    why: str  # "" charged | cap | event | pm


@dataclass(frozen=True)
class PoolUse:
    """豁免时段余量 of one pool, facility and period (the message of the same name)."""

    pool: str
    name_zh: str
    facility: str
    period: str
    cap_hours: float  # 0 = no confirmed cap
    used_hours: float
    refused_hours: float  # marked but judged: over the cap, too long, or PM too high
    remaining_hours: float  # NaN = no cap
    warn: bool


def charge_pools(rule: PoolRule, marked: PoolHours) -> Codes:
    """豁免时段扣减: the `Outcome` of each hour of one pool and facility, in time order.

    A marked hour costs one whole hour, however many marks cover it. The bound of a single event
    counts hours from the event's first one, in one run: two marks that follow each other without a
    gap are one event. An hour with a particulate mean above the bound is judged and not charged:
    order 10 puts only hours within the bound into the pool. `cap_hours` 0: charged, never refused.
    Source: MEE order 10, GB 18485-2014, domain.md B.4 (4); vectors mswi_pool.
    """
    with np.errstate(invalid="ignore"):
        dirty = marked.covered & (marked.particulate > (rule.pm_bound or math.inf))
    long = _beyond(_position(marked.in_event), rule.event_cap_hours)
    eligible = marked.covered & ~marked.lost & ~dirty & ~long
    outcome = np.zeros(marked.covered.shape, dtype=np.uint8)
    outcome[eligible] = Outcome.CHARGED
    outcome[eligible & _beyond(_count(rule, marked, eligible), rule.cap_hours)] = Outcome.CAP
    outcome[marked.covered & long] = Outcome.EVENT
    outcome[dirty] = Outcome.PM
    outcome[marked.covered & marked.lost] = Outcome.LOST
    return outcome


def _beyond(hours: Ints, cap: float) -> Bools:
    """Where a count of whole hours is beyond a cap; a cap of 0 is none."""
    return hours > (math.floor(cap) if cap else math.inf)


def _position(run: Bools) -> Ints:
    """1 for the first hour of each run of True, 2 for the second ...; 0 outside."""
    at = np.arange(1, run.size + 1, dtype=np.int64)
    return at - np.maximum.accumulate(np.where(run, 0, at))


def _count(rule: PoolRule, marked: PoolHours, eligible: Bools) -> Ints:
    """How many hours of its period are charged up to each hour."""
    if rule.period == "event":
        return _position(marked.covered)
    count = np.cumsum(eligible, dtype=np.int64)
    for _, begin, end in periods(rule, marked.first, marked.covered.size):
        if begin:
            count[begin:end] -= count[begin - 1]
    return count


def periods(rule: PoolRule, first: int, hours: int) -> Iterator[tuple[str, int, int]]:
    """Name, first and end index of each natural year or quarter in hours from slot `first`."""
    begin = 0
    while begin < hours:
        name, _, after = period_of(day_of(first + begin), rule.period)
        end = min(first_hour(after) - first, hours)
        yield name, begin, end
        begin = end


def pool_uses(
    charges: Sequence[PoolCharge], rules: Sequence[PoolRule], facts: OutletFacts, day: dt.date
) -> tuple[PoolUse, ...]:
    """豁免时段余量 at the end of a day: each pool of the outlet, used or not, of the day's year.

    Year and quarter pools are those of `day`; pools of single events are listed as far as they
    have hours in its natural year. `remaining_hours` is NaN where the cap is not confirmed.
    """
    found: list[PoolUse] = []
    for rule in pools_of(rules, facts, day):
        name, first, _ = period_of(day, rule.period)
        span = range(first_hour(first), first_hour(day) + 24)
        own = [one for one in charges if one.pool == rule.key and one.hour in span]
        if rule.period == "event":
            names = sorted({(one.facility, one.period) for one in own})
        else:
            names = [(facility, name) for facility in facilities(facts)]
        found.extend(_use(rule, own, facility, period) for facility, period in names)
    return tuple(found)


def pools_of(rules: Sequence[PoolRule], facts: OutletFacts, day: dt.date) -> tuple[PoolRule, ...]:
    """Pools of an outlet on a day: of those with one key the narrowest, then the latest."""
    best_last = reversed(select_all(rules, facts, "", day))
    fitting = {rule.key: rule for rule in best_last}
    return tuple(fitting[key] for key in sorted(fitting))


def facilities(facts: OutletFacts) -> tuple[str, ...]:
    """Furnaces or units behind an outlet by the registry's trait `facilities` (a;b); else one, "".

    A name that only the plant uses opens no pool of its own: a cap is not doubled by a spelling.
    """
    names = tuple(sorted(filter(None, facts.traits.get("facilities", "").split(";"))))
    return names if len(names) > 1 else ("",)


def _use(rule: PoolRule, charges: Sequence[PoolCharge], facility: str, period: str) -> PoolUse:
    own = [one for one in charges if (one.facility, one.period) == (facility, period)]
    used = float(sum(one.charged for one in own))
    cap = rule.cap_hours
    return PoolUse(
        rule.key, rule.name_zh, facility, period, cap, used, float(len(own)) - used,
        max(cap - used, 0.0) if cap else math.nan, bool(cap) and used >= rule.warn_share * cap,
    )  # fmt: skip

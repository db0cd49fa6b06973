"""告警预算: which outlets of a day are raised, which wait on the list: e-BH and county capacity."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.detect.kernels.series import Bools, Floats

#: Digits of a division code that name the county.
_COUNTY = 6
#: Why a candidate waits; the words people read are in the console's locales.
WEAK, FULL = "false_share", "county_budget"


@dataclass(frozen=True)
class Dial:
    """告警尺度 of a pack: how often honest outlets may be raised, and how many a county can see."""

    per_station_year: float
    false_share: float
    county_a_day: int
    source: str


@dataclass(frozen=True)
class Candidate:
    """An outlet with alarms of a day that are not raised yet."""

    outlet_id: str
    division: str
    log_e: float
    """Natural log of its strongest joint evidence."""


def e_bh(log_e: Floats, outlets: int, false_share: float) -> Bools:
    """e-BH: the candidates that may be said of `outlets` judged ones.

    Formula: the k strongest, k the largest with e_(k) >= outlets / (k q). The expected share of
    false ones among them is at most q under any dependence: one storm hits all plants of a river.
    Paper: Wang & Ramdas, False discovery rate control with e-values (2022).

    >>> e_bh(np.log([300.0, 4.0, 90.0]), 100, 0.5).tolist()
    [True, False, False]
    >>> e_bh(np.log([300.0, 4.0, 110.0]), 100, 0.5).tolist()
    [True, False, True]
    """
    order = np.argsort(-log_e, kind="stable")
    ranks = np.arange(1, len(order) + 1)
    needed = np.log(max(outlets, 1)) - np.log(ranks * false_share)
    passed = np.flatnonzero(log_e[order] >= needed)
    said: Bools = np.zeros(len(order), dtype=np.bool_)
    said[order[: passed[-1] + 1 if passed.size else 0]] = True
    return said


def held_back(candidates: Sequence[Candidate], outlets: int, dial: Dial) -> dict[str, str]:
    """暂缓 outlets of a day with the reason: e-BH first, then the budget of their county."""
    ranked = sorted(candidates, key=lambda one: (-one.log_e, one.outlet_id))
    said = e_bh(np.array([one.log_e for one in ranked]), outlets, dial.false_share)
    used: Counter[str] = Counter()
    held: dict[str, str] = {}
    for one, passed in zip(ranked, said.tolist(), strict=True):
        county = one.division[:_COUNTY]
        if not passed:
            held[one.outlet_id] = WEAK
        elif used[county] >= dial.county_a_day:
            held[one.outlet_id] = FULL
        else:
            used[county] += 1
    return held

"""焚烧炉: five-minute means of a day below the bound, and what excuses them."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.detect.judgement.mark_cover import MarkRules
from services.detect.judgement.mark_kinds import PROCESS_FAMILY, kind_of
from services.detect.judgement.marks import MarkRevision
from services.detect.judgement.model import Codes
from services.detect.judgement.parameters import FurnaceRule, MarkKind, OutletFacts
from services.detect.judgement.periods import DAY_S, first_hour
from services.detect.judgement.pools import PoolCharge
from services.detect.kernels.series import Bools, Floats, Ints

_STEP_S = 300
#: Letters of HJ 212 whose value stands; over range (T) is above the bound anyway.
_STANDING = np.frombuffer(b"NT\0", dtype=np.uint8)
_POLLUTANT_FAMILY = 2  # 监测设备维护 of pollutants says nothing about a thermocouple


@dataclass(frozen=True)
class FurnaceMeans:
    """炉膛温度五分钟均值 of one furnace, in any order; all arrays have one length."""

    start_s: Ints
    """Unix seconds UTC at which the five minutes start."""
    degc: Floats
    """NaN = none."""
    flag: Codes
    """ASCII letter of HJ 212-2017, 0 = none sent."""


@dataclass(frozen=True)
class FurnaceDay:
    """炉温日结果 of one furnace and natural day (the message of the same name)."""

    five_minute_means: int  # received, one for each five minutes
    low: int  # below the bound and not excused
    excused: int  # below the bound, but marked, stopped, in a pool, or flagged by the instrument
    violation: bool  # more than `more_than` low
    low_at_s: tuple[int, ...]  # start of each low one that is not excused, unix seconds UTC
    lowest_degc: float  # of those that are not excused; NaN = none


def furnace_excuses(
    marks: Sequence[MarkRevision],
    facts: OutletFacts,
    pack: MarkRules,
    charges: Sequence[PoolCharge],
    factor: str = "a01901",
) -> tuple[tuple[int, int], ...]:
    """炉温免计时段: spans [start, end) in unix seconds in which low means do not count.

    `marks` as `counting` gave, `charges` as `MarkEffects.uses`. 炉温异常, thermocouple faults and
    停运 excuse as marked; a condition excuses what lies inside the mark and in an hour that its
    pool took: beyond the cap nothing is excused. Source: MEE order 10, domain.md B.4.
    """
    taken = {(one.pool, one.hour) for one in charges if one.charged}
    spans: list[tuple[int, int]] = []
    for mark in marks:
        kind = kind_of(mark, pack.marks, facts)
        if kind is None or not _speaks_of(mark, kind, factor):
            continue
        if kind.effect == "exempt" and kind.pool:
            spans += _taken(mark, {hour for pool, hour in taken if pool == kind.pool})
        else:
            spans.append((mark.start_s, mark.end_s))
    return tuple(sorted(set(spans)))


def _speaks_of(mark: MarkRevision, kind: MarkKind, factor: str) -> bool:
    """Whether a mark takes five-minute means of the furnace out."""
    if kind.effect in {"stopped", "exempt"}:
        return True  # the furnace itself, whatever pollutants are named
    if kind.effect not in {"invalid", "excused"}:
        return False
    named = factor in mark.factors or factor in kind.factors
    unnamed = not mark.factors and not kind.factors and mark.family == PROCESS_FAMILY
    return (named or unnamed) and mark.family != _POLLUTANT_FAMILY


def _taken(mark: MarkRevision, hours: set[int]) -> Iterable[tuple[int, int]]:
    for hour in range(mark.start_s // 3600, -(-mark.end_s // 3600)):
        if hour in hours:
            yield max(mark.start_s, hour * 3600), min(mark.end_s, hour * 3600 + 3600)


def judge_furnace(
    means: FurnaceMeans,
    day: dt.date,
    excuses: Sequence[tuple[int, int]],
    rule: FurnaceRule,
) -> FurnaceDay:
    """炉温日研判: more than five five-minute means below 850 degC in a natural day is a violation.

    Means of other days are left out; of several for the same five minutes the first in the arrays
    counts (the store keeps the first received). A low mean that the instrument itself calls
    invalid is excused, and stays countable. A mean is excused whose start lies in a span. Source:
    MEE order 10, domain.md B.4; vectors mswi_temperature.
    """
    begin = first_hour(day) * 3600
    today = (means.start_s >= begin) & (means.start_s < begin + DAY_S) & np.isfinite(means.degc)
    _, kept = np.unique(means.start_s[today] // _STEP_S, return_index=True)
    start_s, degc = means.start_s[today][kept], means.degc[today][kept]
    excused = _inside(start_s, excuses) | ~np.isin(means.flag[today][kept], _STANDING)
    below = degc < rule.bound_degc
    low = below & ~excused
    standing = degc[~excused]
    return FurnaceDay(
        five_minute_means=int(degc.size),
        low=int(low.sum()),
        excused=int((below & excused).sum()),
        violation=int(low.sum()) > rule.more_than,
        low_at_s=tuple(start_s[low].tolist()),
        lowest_degc=float(standing.min()) if standing.size else math.nan,
    )


def _inside(start_s: Ints, spans: Sequence[tuple[int, int]]) -> Bools:
    inside = np.zeros(start_s.shape, dtype=np.bool_)
    for begin, end in spans:
        inside |= (start_s >= begin) & (start_s < end)
    return inside

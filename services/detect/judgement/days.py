"""日研判: daily means by the rule of medium and industry, and what exceeds."""

from typing import NamedTuple

import numpy as np

from services.detect.judgement.hours import NOISE_DIGITS
from services.detect.judgement.model import (
    Codes,
    DayResult,
    HourResult,
    Hours,
    HourState,
    LimitGrid,
)
from services.detect.judgement.row_rules import RowRules
from services.detect.kernels.exceedance import exceedance
from services.detect.kernels.rounding import round_half_even
from services.detect.kernels.series import Bools, Floats, Ints, Series


@np.errstate(invalid="ignore", divide="ignore", over="ignore")
def judge_days(hours: Hours, result: HourResult, rules: RowRules, limits: LimitGrid) -> DayResult:
    """日均值 of S series over D Beijing days.

    Gas: mean of the valid hours. Water (`weight = flow`): sum(C*Q)/sum(Q) over pairs of valid
    concentration and valid flow (HJ 356-2019); with no discharge in the pairs there is no mean.
    pH is never averaged: `judge_hours` compared its hours with the daily limit. A day with fewer
    hours than its rule asks has no mean and is not judged. Units: the factor's.
    Source: domain.md B.4-B.7; rounding GB/T 8170 where the rule says so.
    """
    pairs = weighted(hours, result, rules)
    each = (len(pairs.counts), hours.days, 24)
    counts = pairs.counts.reshape(each).sum(axis=2, dtype=np.int64)
    running = (result.state != HourState.STOPPED).reshape(each).sum(axis=2, dtype=np.int64)
    weight = pairs.weight.reshape(each).sum(axis=2)
    mean = pairs.product.reshape(each).sum(axis=2) / weight
    enough = _enough(counts, running, rules)
    averaged = rules.are("averaged", value=True)[:, None]
    # Sums of floats carry noise; hours that all lie at the limit must not exceed it by 1e-14.
    known = enough & averaged & (weight > 0)
    mean = np.where(known, np.round(mean, NOISE_DIGITS), np.nan)
    found = exceedance(
        Series.of(_rounded(mean, rules, limits)), limits.daily_upper, limits.daily_lower
    )
    low, high = _range(result.judged.reshape(each))
    return DayResult(
        mean=mean,
        enough=enough & (~averaged | (weight > 0)),
        valid_hours=counts,
        running_hours=running,
        over=found.over,
        multiple=found.multiple,
        low=low,
        high=high,
    )


class Pairs(NamedTuple):
    """What goes into a daily mean; all (S, T), zero where an hour does not count."""

    counts: Bools
    product: Floats
    """Value times weight."""
    weight: Floats
    """Flow in the outlet's unit, or 1."""


def weighted(hours: Hours, result: HourResult, rules: RowRules) -> Pairs:
    """有效数据对: the hours that a mean is made of, with their weights."""
    counts = np.isfinite(result.judged)
    weight = counts.astype(np.float64)
    by_flow = rules.are("weight", "flow")
    without = by_flow & (hours.flow < 0) & rules.are("without_flow", "none")
    counts[without] = False
    weight[without] = 0.0
    rows = np.flatnonzero(by_flow & (hours.flow >= 0))
    if len(rows):
        flow = usable_flow(hours, result.state, rows)
        counts[rows] &= np.isfinite(flow)
        weight[rows] = np.where(counts[rows], flow, 0.0)
    return Pairs(counts, np.where(counts, result.judged, 0.0) * weight, weight)


def usable_flow(hours: Hours, state: Codes, rows: Ints) -> Floats:
    """流量 of each row's outlet where it is valid and not negative, else NaN. (n, T)."""
    sister = hours.flow[rows]
    flow = hours.value[sister]
    valid = np.isin(state[sister], (HourState.VALID, HourState.EXEMPT)) & (sister >= 0)[:, None]
    usable: Floats = np.where(valid & (flow >= 0), flow, np.nan)
    return usable


def _enough(counts: Ints, running: Ints, rules: RowRules) -> Bools:
    """Whether each day has the hours its rule asks for; a day without any never has."""
    least = rules.numbers("day_min_valid_hours")[:, None]
    share = rules.numbers("day_min_valid_share")[:, None]
    # 1e-9: a share such as 0.9 is not exact, and eighteen of twenty hours are enough for it.
    enough: Bools = (counts > 0) & (counts >= least) & (counts >= share * running - 1e-9)
    return enough


def _rounded(mean: Floats, rules: RowRules, limits: LimitGrid) -> Floats:
    """Means as compared: rounded to the digits of the limit where the rule says so."""
    rounds = rules.are("comparison", "rounded_value")[:, None]
    return np.where(rounds, round_half_even(mean, limits.decimals), mean)


def _range(judged: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest valid hour of each day, NaN where there is none."""
    # fmin and fmax skip NaN and, unlike nanmin, say nothing about a day without numbers.
    return np.fmin.reduce(judged, axis=2), np.fmax.reduce(judged, axis=2)

"""预警: near the limit, a daily mean on its way beyond it, a month short of ultra-low.

A warning is never a penalty. Each is a function of what was known at the end of its hour, so that
replaying a day says what was said while it went on.
"""

from dataclasses import dataclass

import numpy as np

from services.detect.judgement.days import weighted
from services.detect.judgement.model import HourResult, Hours, LimitGrid
from services.detect.judgement.parameters import WarningRule
from services.detect.judgement.row_rules import RowRules
from services.detect.kernels.exceedance import exceedance
from services.detect.kernels.series import Bools, Floats, Ints, Series

#: 1970-01-01 00:00 in Beijing, as an hour slot.
_EPOCH_BEIJING = -8


@np.errstate(invalid="ignore")
def near_limit(result: HourResult, limits: LimitGrid, rule: WarningRule) -> Bools:
    """接近限值: (S, T) hours that end a run of `near_hours` valid hours above the near share.

    Hours beyond the limit are above the share as well; an hour that is not valid ends the run.
    Full values are compared, also where the limit itself meets rounded ones. Source: domain.md D.2.
    """
    share = rule.near_share * limits.hourly_upper.reshape(-1, 1)
    near = (result.judged.reshape(-1, 24) > share).reshape(result.judged.shape)
    place = np.arange(24 * limits.hourly_upper.shape[1])
    broken = np.maximum.accumulate(np.where(near, -1, place), axis=1)
    return np.asarray(near & (place - broken >= rule.near_hours))


@dataclass(frozen=True)
class Projection:
    """预计日均值 as seen at the end of each hour; both (S, T)."""

    mean: Floats
    """In the limit's unit; NaN: no daily limit, or too few valid hours of the day yet."""
    over: Bools
    """Beyond the daily limit."""


@np.errstate(invalid="ignore", divide="ignore", over="ignore")
def projected_mean(
    hours: Hours, result: HourResult, rules: RowRules, limits: LimitGrid, rule: WarningRule
) -> Projection:
    """预计日均值: valid hours so far, and for the rest of the day the recent level.

    (sum(C*Q) + n * c) / (sum(Q) + n * q), with n hours still to come and c, q the means of C*Q and
    of Q over the valid hours among the last `projected_min_hours` of the day; Q is 1 where the
    daily mean is not weighted by flow. Nothing is said with fewer than `projected_min_hours` valid
    hours, of what is never averaged (pH), or without a daily limit. Source: domain.md D.2.
    """
    pairs = weighted(hours, result, rules)
    day = (-1, 24)
    counts = np.cumsum(pairs.counts.reshape(day), axis=1, dtype=np.int64)
    product = np.cumsum(pairs.product.reshape(day), axis=1)
    weight = np.cumsum(pairs.weight.reshape(day), axis=1)
    recent = rule.projected_min_hours
    level = _recent(product, recent) / _recent(counts, recent)
    flow = _recent(weight, recent) / _recent(counts, recent)
    rest = 23 - np.arange(24)
    mean = (product + rest * level) / (weight + rest * flow)
    averaged = np.repeat(rules.are("averaged", value=True), hours.days)[:, None]
    limited = ~(np.isnan(limits.daily_upper) & np.isnan(limits.daily_lower)).reshape(-1, 1)
    known = (counts >= rule.projected_min_hours) & averaged & limited & np.isfinite(mean)
    mean = np.where(known, mean, np.nan)
    found = exceedance(
        Series.of(mean), limits.daily_upper.reshape(-1, 1), limits.daily_lower.reshape(-1, 1)
    )
    return Projection(mean.reshape(result.state.shape), found.over.reshape(result.state.shape))


def _recent(total: Floats | Ints, hours: int) -> Floats:
    """Of running sums by day: the part of the last `hours` columns."""
    part = total.astype(np.float64)
    part[:, hours:] -= total[:, :-hours]
    return part


@dataclass(frozen=True)
class MonthShare:
    """超低排放达标率 by row and natural month; arrays are (S, M)."""

    months: Ints
    """(M,): months since January 1970."""
    valid_hours: Ints
    """Valid hours under a policy value."""
    within_hours: Ints
    share: Floats
    """NaN: no valid hour."""
    low: Bools
    """Below the share that is asked (95 %)."""


def ultra_low_share(
    hours: Hours, result: HourResult, limits: LimitGrid, rule: WarningRule
) -> MonthShare:
    """超低排放小时达标率 of each Beijing month, of as much of it as the block holds.

    Source: 环大气〔2019〕35号 (>= 95 % of the hourly means of the month within the value).
    """
    month = months_of(hours.start, hours.days)
    first, last = (int(month.min()), int(month.max())) if month.size else (0, -1)
    months = np.arange(first, last + 1)
    day = (*month.shape, 24)
    counted = np.isfinite(result.judged).reshape(day) & ~np.isnan(limits.warn_upper)[:, :, None]
    valid = counted.sum(axis=2)
    within = (counted & ~result.over_warn.reshape(day)).sum(axis=2)
    valid_hours, within_hours = (
        np.stack([np.where(month == one, part, 0).sum(axis=1) for one in months], axis=1)
        if len(months)
        else np.zeros((len(month), 0), dtype=np.int64)
        for part in (valid, within)
    )
    share = np.where(valid_hours > 0, within_hours / np.maximum(valid_hours, 1), np.nan)
    with np.errstate(invalid="ignore"):
        low = share < rule.ultra_low_share
    return MonthShare(months, valid_hours, within_hours, share, low)


def months_of(start: Ints, days: int) -> Ints:
    """自然月 (S, D): months since January 1970 of each row's Beijing days."""
    day = (start[:, None] - _EPOCH_BEIJING) // 24 + np.arange(days)
    return np.asarray(day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64))

"""预警: near the limit, a daily mean on its way beyond it, a month short of ultra-low.

A warning is never a penalty.
"""

from dataclasses import dataclass

from services.detect.judgement.model import HourResult, Hours, LimitGrid
from services.detect.judgement.parameters import WarningRule
from services.detect.judgement.row_rules import RowRules
from services.detect.kernels.series import Bools, Floats, Ints


def near_limit(result: HourResult, limits: LimitGrid, rule: WarningRule) -> Bools:
    """接近限值: (S, T) hours that end a run of `near_hours` valid hours above the near share.

    Hours beyond the limit are above the share as well. Source: domain.md D.2.
    """
    raise NotImplementedError


@dataclass(frozen=True)
class Projection:
    """预计日均值 as seen at the end of each hour; both (S, T)."""

    mean: Floats
    """In the limit's unit; NaN: no daily limit, or too few valid hours of the day yet."""
    over: Bools
    """Beyond the daily limit."""


def projected_mean(
    hours: Hours, result: HourResult, rules: RowRules, limits: LimitGrid, rule: WarningRule
) -> Projection:
    """预计日均值: valid hours so far, and for the rest of the day the recent level.

    The recent level is the mean of the valid hours among the last `projected_min_hours`; weighted
    by flow where the daily mean is. Source: domain.md D.2.
    """
    raise NotImplementedError


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
    """超低排放小时达标率 of each Beijing month. Source: 环大气〔2019〕35号 (>= 95 % of hours)."""
    raise NotImplementedError

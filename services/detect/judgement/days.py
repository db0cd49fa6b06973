"""日研判: daily means by the rule of medium and industry, and what exceeds."""

from services.detect.judgement.model import DayResult, HourResult, Hours, LimitGrid
from services.detect.judgement.row_rules import RowRules


def judge_days(hours: Hours, result: HourResult, rules: RowRules, limits: LimitGrid) -> DayResult:
    """日均值 of S series over D Beijing days.

    Gas: mean of the valid hours. Water (`weight = flow`): sum(C*Q)/sum(Q) over pairs of valid
    concentration and valid flow (HJ 356-2019). pH is never averaged: `judge_hours` compared its
    hours with the daily limit. Source: domain.md B.4-B.6.
    """
    raise NotImplementedError

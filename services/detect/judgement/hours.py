"""小时研判: what each received hour counts as, what is compared with the limit, what is over."""

from services.detect.judgement.model import Codes, HourResult, Hours, LimitGrid
from services.detect.judgement.row_rules import RowRules


def judge_hours(hours: Hours, effect: Codes, rules: RowRules, limits: LimitGrid) -> HourResult:
    """小时研判 of S series over T hours; `effect` is (S, T) `MarkEffect`, caps already charged.

    The order of decisions is the table in docs/judgement.md. Nothing is dropped: the received
    value stays as it came beside what is judged, what checks it and what a mark hides. A cell's
    state and values depend on the row, its companions and, for 突变, on the hours before it.
    """
    raise NotImplementedError

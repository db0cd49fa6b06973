"""加处罚款: three per cent of an unpaid fine for each day, never more than the fine itself.

It runs from the day after the last day of payment to the day of payment, both inclusive (Penalty
Law art 72); days under review or suit are not counted (art 73(3)). Amounts are decimal yuan, to
the fen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import ceil

from services.cases.domain.deadline import Pause
from services.cases.domain.derivation import Line
from services.chassis.errors import RuleViolated

#: 每日按罚款数额的百分之三 (Penalty Law art 72(1)(1)).
RATE = Decimal("0.03")
#: The pause that only stops the surcharge, not the term of payment.
STOP = "surcharge_stop"
_ARTICLE_ZH = "行政处罚法第七十二条第一款第一项"
_ARTICLE_EN = "Penalty Law art 72(1)(1)"
_DAY = dt.timedelta(days=1)
_FEN = Decimal("0.01")


@dataclass(frozen=True)
class Surcharge:
    """What is owed on top: `days` counted, `not_counted` under review or suit.

    `full_on_day` is the number of the counted day on which the sum reaches the fine.
    """

    per_day: Decimal
    days: int
    not_counted: int
    amount: Decimal
    full_on_day: int
    derivation: tuple[Line, ...]


def surcharge(
    fine: Decimal, pay_by: dt.date, paid_on: dt.date, stops: Sequence[Pause] = ()
) -> Surcharge:
    """The surcharge on a fine whose last day of payment was `pay_by`, paid on `paid_on`.

    >>> owed = surcharge(Decimal(220_000), dt.date(2021, 4, 25), dt.date(2021, 5, 5))
    >>> owed.per_day, owed.days, owed.amount, owed.full_on_day
    (Decimal('6600.00'), 10, Decimal('66000.00'), 34)

    Raises `RuleViolated` for a fine that is none and a stop that ends before it begins.
    """
    _check(fine, stops)
    per_day = (fine * RATE).quantize(_FEN, ROUND_HALF_UP)
    late = [pay_by + _DAY * n for n in range(1, (paid_on - pay_by).days + 1)]
    stopped = sum(any(stop.covers(day) for stop in stops) for day in late)
    days = len(late) - stopped
    amount = min(fine, per_day * days).quantize(_FEN)
    full = ceil(fine / per_day)
    return Surcharge(
        per_day, days, stopped, amount, full, tuple(_lines(fine, pay_by, paid_on, days, stopped))
    )


def _check(fine: Decimal, stops: Sequence[Pause]) -> None:
    if not fine.is_finite() or fine * RATE < _FEN:
        raise RuleViolated(f"{fine} is no fine", article=_ARTICLE_EN, missing="a positive amount")
    for stop in stops:
        if stop.end is not None and stop.end < stop.start:
            missing = "an end on or after its start"
            raise RuleViolated("a stop ends before it starts", article=_ARTICLE_EN, missing=missing)


def _lines(fine: Decimal, pay_by: dt.date, paid_on: dt.date, days: int, stopped: int) -> list[Line]:
    per_day = (fine * RATE).quantize(_FEN, ROUND_HALF_UP)
    lines = [
        Line(
            f"{_ARTICLE_ZH}：到期不缴纳罚款的，每日按罚款数额的百分之三加处罚款，不超出罚款数额。",
            f"{_ARTICLE_EN}: 3 % of the fine for each day after the last day, at most the fine.",
        )
    ]
    if paid_on <= pay_by:
        lines.append(Line("按期缴纳，不加处罚款。", "Paid in time: no surcharge."))
        return lines
    first = pay_by + _DAY
    lines.append(
        Line(
            f"逾期 {first} 至 {paid_on}，共 {days + stopped} 日。",
            f"Late {first}..{paid_on}: {days + stopped} days.",
        )
    )
    if stopped:
        lines.append(
            Line(
                f"复议、诉讼期间不予计算（处罚法第七十三条第三款）：{stopped} 日。",
                f"Under review or suit, not counted (art 73(3)): {stopped} days.",
            )
        )
    sum_ = (per_day * days).quantize(_FEN)
    lines.append(
        Line(
            f"{per_day} 元 × {days} 日 = {sum_} 元。",
            f"{per_day} yuan x {days} days = {sum_} yuan.",
        )
    )
    if sum_ > fine:
        lines.append(Line(f"不超出罚款数额：{fine} 元。", f"Not more than the fine: {fine} yuan."))
    return lines

"""按日连续处罚的天数: a clock that has no term and counts days until something is found.

From the day after the order to correct was served to the day on which the recheck finds that the
act goes on, both inclusive (MEP order 28 art 17); further failed rechecks, each after an order of
its own, accumulate. The sum is the original fine for each of these days (art 19).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from services.cases.domain.clocks import Clock, Kind
from services.cases.domain.daily_penalty import Round, accumulated, fine_daily
from services.cases.domain.derivation import Line
from services.chassis.errors import RuleViolated

_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class DayCount:
    """Days that count, and the sum where the original fine is known (whole yuan)."""

    days: int
    total: int | None
    derivation: tuple[Line, ...]


def count_days(clock: Clock, rounds: Sequence[Round], fine: int | None = None) -> DayCount:
    """The days of all rounds with their derivation.

    >>> from services.cases.rules import clock_table
    >>> row = clock_table().find("daily_count", dt.date(2026, 9, 1))
    >>> one = Round(dt.date(2026, 9, 1), dt.date(2026, 9, 13))
    >>> answer = count_days(row, [one], 550_000)
    >>> answer.days, answer.total
    (12, 6600000)

    Raises `RuleViolated` for a clock that counts nothing, a finding on or before the day of
    service, and rounds that share a day: no day is fined twice.
    """
    if clock.kind is not Kind.COUNT:
        raise RuleViolated(f"{clock.key} counts no days", article=clock.source, missing="a count")
    _check(clock, rounds)
    days = accumulated(rounds)
    lines = [
        Line(
            f"{clock.article_zh}：自{clock.start_zh}起，{clock.action_zh}。",
            f"{clock.source}: {clock.start_en}; {clock.action_en}.",
        )
    ]
    for one in rounds:
        first = one.served + _DAY
        lines.append(
            Line(
                f"{one.served} 送达，{one.found} 复查发现：{first} 至 {one.found}，{one.days} 日。",
                f"Served {one.served}, found {one.found}: {first}..{one.found}, {one.days} days.",
            )
        )
    if len(rounds) > 1:
        lines.append(Line(f"累计 {days} 日。", f"Together {days} days."))
    total = None if fine is None else fine_daily(fine, days)
    if total is not None:
        lines.append(
            Line(
                f"原处罚数额 {fine} 元 × {days} 日 = {total} 元。",
                f"Original fine {fine} yuan x {days} days = {total} yuan.",
            )
        )
    return DayCount(days, total, tuple(lines))


def _check(clock: Clock, rounds: Sequence[Round]) -> None:
    previous: Round | None = None
    for one in sorted(rounds, key=lambda each: each.served):
        if one.days < 1:
            raise RuleViolated(
                f"found on {one.found}, served on {one.served}",
                article=clock.source,
                missing=f"a finding on {one.served + _DAY} or later",
            )
        if previous is not None and one.served < previous.found:
            raise RuleViolated(
                f"the round from {one.served} overlaps the one that was found on {previous.found}",
                article=clock.source,
                missing=f"an order served on {previous.found} or later",
            )
        previous = one

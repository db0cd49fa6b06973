"""实时数据: the newest value of each factor, against its limit."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.chassis.clock import beijing
from services.chassis.pb.ingest.v1.ingest_pb2 import FactorSeries
from services.chassis.pb.registry.v1.registry_pb2 import Limit
from services.console.views.curve import judged_column, limit_in_force


@dataclass(frozen=True)
class Latest:
    """The newest value of a factor. `tone`: over, near (90 % of the limit), normal, absent."""

    code: str
    value: float | None
    flag: str
    time_s: int | None
    upper: float | None
    averaging: str  # hourly | daily | empty: what mean `upper` judges
    converted: bool
    tone: str


def latest_values(
    order: Iterable[str],
    series: Iterable[FactorSeries],
    limits: Sequence[Limit],
    now: datetime,
) -> list[Latest]:
    """Give the newest value of each factor in the page's order."""
    by_code = {one.factor: one for one in series}
    return [latest_value(code, by_code.get(code), limits, now) for code in order]


def latest_value(
    code: str, series: FactorSeries | None, limits: Sequence[Limit], now: datetime
) -> Latest:
    """Give the newest value of one factor."""
    limit = limit_in_force(limits, code, beijing(now).date())
    upper = limit.upper if limit is not None and math.isfinite(limit.upper) else None
    averaging = limit.averaging if limit is not None else ""
    if series is None or not series.time_s:
        return Latest(code, None, "", None, upper, averaging, False, "absent")
    column = judged_column(series, limit)
    value = column[-1] if math.isfinite(column[-1]) else None
    flag = series.flags[-1:].strip("-\0")
    # One value says nothing against a daily mean's limit.
    judged_by = upper if averaging == "hourly" else None
    return Latest(
        code=code,
        value=value,
        flag=flag,
        time_s=series.time_s[-1],
        upper=upper,
        averaging=averaging,
        converted=column is not series.value,
        tone=tone(value, judged_by),
    )


def tone(value: float | None, upper: float | None) -> str:
    """Tell how a value stands to its limit."""
    if value is None:
        return "absent"
    if upper is None or value <= 0.9 * upper:
        return "normal"
    return "over" if value > upper else "near"

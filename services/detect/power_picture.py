"""图形数据 of electricity: two curves in one unit, from the very values that were judged."""

import math
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from services.chassis.pb.detect.v1 import detect_pb2 as pb
from services.detect.domain.power_findings import Told
from services.detect.judgement.control_order import OrderHour
from services.detect.judgement.electricity import Pair, power_of
from services.detect.judgement.meter_day import MINUTES, MeterDay, day_of, day_start_s
from services.detect.judgement.parameters import PowerRule
from services.detect.kernels.series import Floats

STEP_MINUTES = 5
_BEFORE_S, _AFTER_S, _MOST_S = 6 * 3600, 3 * 3600, 48 * 3600


class Days(Protocol):
    """Where a meter's days come from."""

    def day(self, name: str, day: int) -> MeterDay:
        """A meter's day."""


def curve(days: Sequence[MeterDay], rule: PowerRule, step: int) -> Floats:
    """用电曲线: mean kW of each step of consecutive days; NaN where no minute is known."""
    power = power_of(days, rule).reshape(-1, step)
    known = np.isfinite(power)
    count = known.sum(axis=1)
    total = np.where(known, power, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def together(parts: Iterable[Floats]) -> Floats:
    """Sum of meters; NaN only where none of them is known."""
    rows = np.array(list(parts))
    known = np.isfinite(rows)
    return np.where(known.any(axis=0), np.where(known, rows, 0.0).sum(axis=0), np.nan)


def pair_picture(days: Days, pair: Pair, rule: PowerRule, told: Told) -> pb.Picture:
    """图形数据: production and treatment power around a finding, two days at most."""
    end = told.end_s + _AFTER_S
    start = max(told.start_s - _BEFORE_S, end - _MOST_S)
    wanted = range(day_of(start), day_of(end) + 1)
    at = day_start_s(wanted.start) + 60 * STEP_MINUTES * np.arange(
        len(wanted) * MINUTES // STEP_MINUTES
    )
    inside = (at >= start) & (at < end)

    def sums(names: tuple[str, ...]) -> list[float]:
        curves = [curve([days.day(n, d) for d in wanted], rule, STEP_MINUTES) for n in names]
        return list(together(curves)[inside])

    return pb.Picture(
        time_s=at[inside].tolist(),
        value=sums(pair.production),
        second=sums(pair.treatment),
        value_name="生产设施用电",
        second_name="治污设施用电",
        limit=math.nan,
        unit="kW",
        tested_start_s=told.start_s,
        tested_end_s=told.end_s,
    )


def order_picture(hours: Sequence[OrderHour]) -> pb.Picture:
    """图形数据: kWh used and allowed in each hour of an order."""
    shown = hours[-72:]
    return pb.Picture(
        time_s=[one.hour * 3600 for one in shown],
        value=[one.used_kwh for one in shown],
        second=[one.allowed_kwh for one in shown],
        value_name="实际用电",
        second_name="允许用电",
        limit=math.nan,
        unit="kWh",
        tested_start_s=shown[0].hour * 3600 if shown else 0,
        tested_end_s=(shown[-1].hour + 1) * 3600 if shown else 0,
    )

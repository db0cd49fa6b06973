"""管控措施落实 (falsification.csv D35): production electricity under an order, hour by hour. Pure.

Allowed is the ordered share of the baseline: the mean of the same hour of the last normal days
before the order. A normal day is one without an order, with enough known minutes, on which the
plant produced. An hour that nobody knows is not within the order; one that used more than allowed
by what is known alone is over it, whatever is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.detect.judgement.electricity import power_of
from services.detect.judgement.meter_day import MINUTES, MeterDay
from services.detect.judgement.parameters import PowerRule
from services.detect.kernels.series import Floats, Ints

WITHIN, OVER, UNKNOWN = "within", "over", "unknown"


@dataclass(frozen=True)
class Order:
    """管控指令 of one enterprise, in force [start_minute, end_minute) (unix minutes)."""

    order_id: str
    credit_code: str
    level: str
    measure: str  # stop | limit
    allowed_share: float  # of the baseline; stop = 0
    start_minute: int
    end_minute: int
    meters: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class DayEnergy:
    """生产用电量 of one Beijing day: by hour, over all meters of an order."""

    used_kwh: Floats
    """(24,): what is known; NaN where nothing is."""
    known_minutes: Ints
    """(24,): minutes in which every meter is known."""


@dataclass(frozen=True)
class Baseline:
    """基准: kWh of each hour of the day on normal days; `days` 0 = not evaluated."""

    kwh: Floats
    """(24,): NaN where too few normal days know the hour."""
    days: int


@dataclass(frozen=True)
class OrderHour:
    """管控小时 of an order; `hour` is a slot (unix hours), energies in kWh."""

    hour: int
    used_kwh: float
    baseline_kwh: float
    allowed_kwh: float
    state: str  # within | over | unknown

    @property
    def excess_kwh(self) -> float:
        """超用电量: beyond what is allowed; NaN where the hour is not judged."""
        return max(0.0, self.used_kwh - self.allowed_kwh) if self.state != UNKNOWN else np.nan


def day_energy(
    meters: Sequence[MeterDay], rule: PowerRule, *, start: int = 0, end: int = MINUTES
) -> DayEnergy:
    """生产用电量 of one day's meters in the minutes [start, end) of the day.

    `end` is that of the order or of the newest reading: a reading does not foretell what is used.
    """
    power = np.array([power_of([one], rule) for one in meters])
    inside = np.zeros(MINUTES, dtype=bool)
    inside[start:end] = True
    known = np.isfinite(power)
    some = np.where(known & inside, power, 0.0).sum(axis=0) / 60.0
    any_known = (known & inside).any(axis=0).reshape(24, 60).any(axis=1)
    used = some.reshape(24, 60).sum(axis=1)
    every = (known.all(axis=0) & inside).reshape(24, 60).sum(axis=1)
    return DayEnergy(np.where(any_known, used, np.nan), every)


def baseline_of(days: Sequence[DayEnergy], rule: PowerRule) -> Baseline:
    """基准: from days without an order, oldest first; the last `baseline_days` normal ones count.

    Normal are days with enough known minutes whose energy is above `production_share` of the 90th
    percentile of these days: a plant that stood still is no measure of what it may use.
    """
    whole = [one for one in days if one.known_minutes.sum() >= rule.known_share * MINUTES]
    if not whole:
        return Baseline(np.full(24, np.nan), 0)
    energy = np.array([np.nansum(one.used_kwh) for one in whole])
    bound = rule.production_share * np.sort(energy)[int(np.ceil(0.9 * energy.size)) - 1]
    normal = [one for one, kwh in zip(whole, energy, strict=True) if kwh > bound]
    normal = normal[-rule.baseline_days :]
    if len(normal) < rule.min_baseline_days:
        return Baseline(np.full(24, np.nan), 0)
    known = np.array([one.known_minutes for one in normal])
    used = np.array([np.nan_to_num(one.used_kwh) for one in normal])
    good = known >= rule.known_share * 60
    scaled = np.where(good, used * 60.0 / np.maximum(known, 1), 0.0)
    count = good.sum(axis=0)
    mean = scaled.sum(axis=0) / np.maximum(count, 1)
    return Baseline(np.where(count >= rule.min_baseline_days, mean, np.nan), len(normal))


def judge_order(
    order: Order, energy: Mapping[int, DayEnergy], baseline: Baseline, rule: PowerRule
) -> list[OrderHour]:
    """管控落实研判: every hour of the order that has readings.

    Over: beyond (ordered share + `order_tolerance`) of the baseline. `energy` is by Beijing day,
    already cut to the order; an hour begun or ended by the order is judged by its minutes.
    """
    judged = []
    for hour in range(order.start_minute // 60, -(-order.end_minute // 60)):
        day, at = divmod(hour + 8, 24)
        if day not in energy or not np.isfinite(energy[day].used_kwh[at]):
            continue
        minutes = min(order.end_minute, hour * 60 + 60) - max(order.start_minute, hour * 60)
        used, known = float(energy[day].used_kwh[at]), int(energy[day].known_minutes[at])
        base = float(baseline.kwh[at]) * minutes / 60.0
        allowed = order.allowed_share * base
        state = _state(used, base, allowed, known / minutes, rule)
        judged.append(OrderHour(hour, used, base, allowed, state))
    return judged


def _state(used: float, base: float, allowed: float, known: float, rule: PowerRule) -> str:
    """What an hour counts as; `known` is the share of its minutes."""
    if not np.isfinite(base):
        return UNKNOWN
    # What a stopped plant's lights use is no production, however small its baseline was.
    if used > max(allowed + rule.order_tolerance * base, rule.min_p90_kw):
        return OVER
    return WITHIN if known >= rule.known_share else UNKNOWN

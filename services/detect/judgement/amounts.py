"""排放量: kilograms of valid hours, and of missing ones by substitution (for amounts only)."""

from dataclasses import dataclass

import numpy as np

from services.detect.judgement.days import usable_flow
from services.detect.judgement.model import Codes, HourResult, Hours, HourState
from services.detect.judgement.parameters import AmountRule
from services.detect.judgement.pollutants import milligrams
from services.detect.kernels.last_valid import last_valid
from services.detect.kernels.series import Bools, Floats, Ints, Series

#: kg an hour of 1 mg/m3 in 1 m3/s, and of 1 mg/L in 1 L/s: 3600 s / 1e6 mg.
_KG_PER_HOUR = 0.0036
#: A quarter, over which the capture rate is taken (HJ 75-2017), as the days up to the one in hand.
CAPTURE_DAYS = 90
#: Measured by a working instrument, whatever the law makes of the hour.
_MEASURED = (HourState.VALID, HourState.EXEMPT, HourState.GUARDED)


@dataclass(frozen=True)
class Amounts:
    """日排放量; both (S, D). NaN: the factor has no mass, or the outlet has no flow."""

    kg: Floats
    """Of hours with measured concentration and flow."""
    substituted_kg: Floats
    """Of running hours without them."""


@np.errstate(invalid="ignore", over="ignore", divide="ignore")
def amounts(
    hours: Hours, result: HourResult, rule: AmountRule, rows: Ints | None = None
) -> Amounts:
    """排放量: concentration x flow, kg a day; `rows` says which rows the rule is for (all).

    kg/h = mg/m3 x m3/s (a00000, standard dry) x 0.0036, and mg/L x L/s (w00000) x 0.0036; the
    concentration is the measured one, not converted to reference oxygen. A running hour without
    both gets the largest hourly amount of the last valid hours, as many as the length of the gap
    and the capture rate ask. Hours before the first one ever received get nothing. A day's sum
    rests on that day and those before it: give 120 days before the first one that is kept.
    Source: HJ 75-2017 12.2 (domain.md B.6); for water the pack's row decides.
    """
    mass = np.array([milligrams(factor) for factor in hours.factors], dtype=np.float64)
    chosen = (mass > 0) & (hours.flow >= 0)
    if rows is not None:
        chosen &= np.isin(np.arange(len(mass)), rows)
    some = np.flatnonzero(chosen)
    total = Amounts(*(np.full((len(mass), hours.days), np.nan) for _ in range(2)))
    if not len(some):
        return total
    hourly = _hourly_kg(hours, result, some, mass[some])
    missing = _missing(hours, result.state[some], some, np.isfinite(hourly))
    filled = np.where(missing, _substitutes(hourly, missing, rule), 0.0)
    total.kg[some] = _by_day(hourly)
    total.substituted_kg[some] = _by_day(filled)
    return total


def _hourly_kg(hours: Hours, result: HourResult, rows: Ints, mass: Floats) -> Floats:
    """kg of each hour with measured concentration and flow, NaN elsewhere; never below zero."""
    measured = np.isin(result.state[rows], _MEASURED)
    flow = usable_flow(hours, result.state, rows)
    kg = hours.value[rows] * mass[:, None] * flow * _KG_PER_HOUR
    return np.where(measured & np.isfinite(kg), np.maximum(kg, 0.0), np.nan)


def _missing(hours: Hours, state: Codes, rows: Ints, known: Bools) -> Bools:
    """Running hours without an amount, from the first hour ever received on."""
    begun = np.logical_or.accumulate(hours.present[rows], axis=1)
    missing: Bools = begun & ~known & (state != HourState.STOPPED)
    return missing


def _substitutes(hourly: Floats, missing: Bools, rule: AmountRule) -> Floats:
    """替代值 of each missing hour, as known at the end of its day; 0 where nothing is known."""
    valid = Series.of(hourly)
    mean = rule.statistic == "mean"
    long_gap = _gap_hours(valid.valid, missing) > rule.short_gap_hours
    capture = _capture(valid.valid, missing)
    chosen = np.full(hourly.shape, np.nan)
    for window, where in (
        (rule.short_window, (capture >= rule.high_share) & ~long_gap),
        (rule.long_window, (capture >= rule.high_share) & long_gap),
        (rule.poor_window, (capture >= rule.low_share) & (capture < rule.high_share)),
        (rule.below_window, capture < rule.low_share),
    ):
        rows = np.flatnonzero((missing & where).any(axis=1))
        if window and len(rows):
            part = Series(valid.values[rows], valid.valid[rows])
            value = last_valid(part, window, mean=mean)
            chosen[rows] = np.where((missing & where)[rows], value, chosen[rows])
    return np.where(np.isfinite(chosen), chosen, 0.0)


def _gap_hours(valid: Bools, missing: Bools) -> Ints:
    """Missing hours of the gap of each cell, from the last valid hour to the end of its day.

    What comes later must not change a day that was summed, so the gap is as long as the day saw it.
    """
    count = np.cumsum(missing, axis=1)
    at_valid = np.maximum.accumulate(np.where(valid, count, 0), axis=1)
    # Of a gap that ends within the day, the end is its first valid hour, not the end of the day.
    day = (len(count), -1, 24)
    later = np.where(valid, count, np.iinfo(np.int64).max).reshape(day)[:, :, ::-1]
    next_valid = np.minimum.accumulate(later, axis=2)[:, :, ::-1]
    end = np.minimum(next_valid, count.reshape(day)[:, :, -1:]).reshape(count.shape)
    return np.asarray(end - at_valid, dtype=np.int64)


def _capture(valid: Bools, missing: Bools) -> Floats:
    """有效数据捕集率 of the 90 days up to each cell's day: valid of running hours; (S, T)."""
    day = (len(valid), -1, 24)
    captured = _trailing(valid.reshape(day).sum(axis=2))
    running = captured + _trailing(missing.reshape(day).sum(axis=2))
    share = captured / np.maximum(running, 1)
    return np.repeat(share, 24, axis=1)


def _trailing(by_day: Ints) -> Ints:
    """Sum of each day and the 89 before it."""
    total = np.cumsum(by_day, axis=1)
    total[:, CAPTURE_DAYS:] -= total[:, :-CAPTURE_DAYS].copy()
    return total


def _by_day(hourly: Floats) -> Floats:
    """Sums of days; hours without an amount give nothing."""
    kg = np.where(np.isfinite(hourly), hourly, 0.0)
    return np.asarray(kg.reshape(len(kg), -1, 24).sum(axis=2))

"""时间错位: the day of a whole outlet comes earlier or later than it used to (D28)."""

from typing import Any

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.day_shift import DayShift, day_shift
from services.detect.kernels.series import Floats, Ints, Series
from services.detect.kernels.window_mean import window_mean
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign
from services.detect.screening.windows import (
    against_past,
    beyond_own_tail,
    history_needed,
    signs_of,
)

needs_days = history_needed
_SLOTS = 24
_SURE = 0.999
_AT_ONCE = 8


def clock_shift(panel: Panel, rule: Rule) -> list[Sign]:
    """时钟改动、时间错位: the best shift of the recent mean day against the past mean day.

    All factors of an outlet hang on one clock, so their likenesses are averaged by how firm the
    rhythm of each is: a shift of one alone is not a clock. The gain of the best shift over none is
    held against its own past. Times of receipt, which ingest keeps, tell a logger's clock from a
    plant that changed its shifts.
    """
    if panel.per_day < _SLOTS or panel.per_day % _SLOTS:
        return []
    recent = rule.hours("recent_days")
    outlets = list(panel.rows_of.values())
    parts = [
        _likeness(panel, rule, outlets[first : first + _AT_ONCE])
        for first in range(0, len(outlets), _AT_ONCE)
    ]
    if not parts:
        return []
    likeness = np.concatenate([part.likeness for part in parts])
    lags = parts[0].lags
    gain, lag = _gain(likeness, lags)
    rows = np.array([own[0] for own in outlets], dtype=np.int64)
    tested = against_past(panel, rule, rows, gain, None, hours=24, step=panel.per_day)

    def tell(at: int, k: int) -> dict[str, Any]:
        expected, scale = float(tested.shift.expected[at, k]), float(tested.shift.scale[at, k])
        own = max(float(tested.shift.high[at, k]), 0.0)
        return {
            "statistic": float(lag[at, k]),
            "value": float(gain[at, k]),
            "expected": expected,
            "silent_at": expected + (rule.number("floor") + own) * scale,
            "others": tuple(outlets[at][1:]),
            "variant": "later" if lag[at, k] > 0 else "earlier",
            "begin": int(tested.end[k]) - recent * panel.per_day,
        }

    # Without a rhythm that held so far there is nothing that could have moved.
    alike = np.arctanh(np.clip(likeness[:, :, lags == 0][:, :, 0], -_SURE, _SURE))
    held = against_past(panel, rule, rows, alike, None, hours=24, step=panel.per_day).shift.expected
    with np.errstate(invalid="ignore"):
        rhythmic = held > np.arctanh(rule.number("least_likeness"))
    moved = rhythmic & (gain > rule.number("least_gain"))
    score = np.where(moved, beyond_own_tail(tested.shift, low=False), np.nan)
    return signs_of(rule, tested, score, tell)


def _likeness(panel: Panel, rule: Rule, outlets: list[list[int]]) -> DayShift:
    """Likeness of some outlets: a few at a time stay in the processor's cache."""
    cells = panel.per_day // _SLOTS
    order = [row for rows in outlets for row in rows]
    used = panel.series.masked[order]
    mean = used if cells == 1 else window_mean(Series.of(used), cells, cells).mean
    whole = mean[:, : mean.shape[1] // _SLOTS * _SLOTS]
    found = day_shift(
        whole.reshape(len(order), -1, _SLOTS),
        recent=rule.hours("recent_days"),
        history=rule.hours("history_days"),
        reach=rule.hours("reach_h"),
    )
    starts = np.cumsum([0, *(len(rows) for rows in outlets)])[:-1]
    weight = _rhythm(found.likeness[:, :, found.lags == 0], rule.hours("recent_days"))
    known = np.isfinite(found.likeness).all(axis=2, keepdims=True)
    weight = np.where(known, weight, 0.0)
    total = np.add.reduceat(np.where(known, found.likeness, 0.0) * weight, starts)
    count = np.add.reduceat(weight, starts)
    with np.errstate(invalid="ignore", divide="ignore"):
        return DayShift(total / count, found.lags)


def _rhythm(likeness: Floats, recent: int) -> Floats:
    """Weight of each row and day: how like the days before were to their past, to the 4th power.

    A factor without a rhythm of its own says nothing of a clock.
    """
    known = np.isfinite(likeness)
    total = np.cumsum(np.where(known, likeness, 0.0), axis=1)
    count = np.cumsum(known, axis=1)
    mean = np.zeros(likeness.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean[:, recent:] = (total / count)[:, :-recent]
    return np.clip(np.nan_to_num(mean), 0.0, 1.0) ** 4


def _gain(likeness: Floats, lags: Ints) -> tuple[Floats, Floats]:
    """Gain of the best lag over lag 0 in atanh of correlation, and that lag."""
    firm = np.arctanh(np.clip(np.nan_to_num(likeness, nan=-1.0), -_SURE, _SURE))
    best = firm.argmax(axis=2)
    gain = (
        np.take_along_axis(firm, best[:, :, None], axis=2)[:, :, 0] - firm[:, :, lags == 0][:, :, 0]
    )
    known = np.isfinite(likeness).all(axis=2)
    return np.where(known, gain, np.nan), lags[best].astype(np.float64)

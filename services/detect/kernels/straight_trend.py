"""直线漂移: a level that moves along a straight line for weeks."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats


class Trend(NamedTuple):
    """Line through the days that end with each day, of shape (series x days); NaN = none."""

    t: Floats
    """Slope over its standard error."""
    change: Floats
    """Slope times the window: what the level moved by."""
    middle: Floats
    """Mean of the window's days: the line's middle."""


def straight_trend(days: Floats, *, width: int = 14, least_error: float = 0.02) -> Trend:
    """直线漂移: slope of the least squares line through `width` days over its own error.

    Formula: b = sum (t - T)(y - Y) / sum (t - T)^2, se^2 = sum residual^2 / (n - 2) / sum (t -
    T)^2, held to at least (least_error / width)^2. Weather and load wander: their residuals are as
    large as what they moved by. A drifting or slowly turned analyser moves along a line.
    Units: `change` in the unit of `days`; give logs, then it is a share. t has none.
    Missing data: days of NaN take no part; with fewer than 0.8 `width` days there is no line.
    Edges: days exactly on a line have the least error.
    Paper: reference/detection.md 2.1 (drift); falsification.csv D14 (linear trend).
    Fails: residuals of neighbouring days are alike, so t is too large by about the root of
    (1 + r) / (1 - r): rates are measured, not read from tables. Seasons and fouling sensors drift
    too. Zero and span checks, or a sister factor that stands still, close the gap.

    >>> line = 0.05 * np.arange(14) + np.tile([0.01, -0.01], 7)
    >>> found = straight_trend(line[None])
    >>> round(float(found.change[0, -1]), 2), round(float(found.t[0, -1]))
    (0.7, 35)
    """
    size = days.shape[1]
    t, change, middle = (np.full(days.shape, np.nan) for _ in range(3))
    if size < width or width < 3:
        return Trend(t, change, middle)
    windows = np.lib.stride_tricks.sliding_window_view(days, width, axis=1)
    known = np.isfinite(windows)
    y = np.where(known, windows, 0.0)
    at = np.arange(width) - (width - 1) / 2
    n = np.maximum(known.sum(axis=2), 1)
    st, sy = known @ at, y.sum(axis=2)
    stt, sty = known @ (at * at) - st * st / n, y @ at - st * sy / n
    syy = (y * y).sum(axis=2) - sy * sy / n
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = sty / stt
        residual = np.maximum(syy - slope * sty, 0.0)
        error = np.sqrt(residual / np.maximum(n - 2, 1) / stt)
        enough = (n >= 0.8 * width) & (stt > 0)
        t[:, width - 1 :] = np.where(enough, slope / np.maximum(error, least_error / width), np.nan)
        change[:, width - 1 :] = np.where(enough, slope * width, np.nan)
        middle[:, width - 1 :] = np.where(enough, sy / n, np.nan)
    return Trend(t, change, middle)

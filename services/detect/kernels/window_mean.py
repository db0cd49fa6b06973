"""窗口均值: means over windows that end every so many cells."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats, Ints, Series


class WindowMeans(NamedTuple):
    """Means of the windows."""

    mean: Floats
    """(series x windows); NaN where too little was valid."""
    end: Ints
    """(windows,): cell after each window."""


def window_mean(series: Series, window: int, step: int, *, min_share: float = 0.5) -> WindowMeans:
    """窗口均值: mean of the valid cells of windows of `window` cells, one every `step` cells.

    Formula: (sum of valid) / (number of valid) over cells [end - window, end), with end =
    window rounded up to a multiple of step, and on in steps; by running sums, so that the cost does
    not grow with the window.
    Units: those of the values; `window`, `step` in cells.
    Missing data: a window with fewer than `min_share` of its cells valid is NaN.
    Edges: a block shorter than the window gives no window. Values are counted from the first
    one of their row, so that running sums keep their digits and later cells change no earlier mean.
    Paper: reference/detection.md 2.2 (medians and means over 4 to 12 h windows).
    Fails: one wild value moves a short window; sums of values above 1e12 lose digits.

    >>> got = window_mean(Series.of([1.0, 3.0, 5.0, float("nan")]), 2, 1)
    >>> got.mean.tolist(), got.end.tolist()
    ([[2.0, 4.0, 5.0]], [2, 3, 4])
    """
    rows, cells = series.values.shape
    first = -(-window // step) * step
    end = np.arange(first, cells + 1, step, dtype=np.int64)
    first_known = series.valid.argmax(axis=1)[:, None] if cells else np.zeros((rows, 0), np.int64)
    centre = np.nan_to_num(np.take_along_axis(series.masked, first_known, axis=1)).sum(axis=1)
    apart = np.where(series.valid, series.values - centre[:, None], 0.0)
    sums, counts = np.zeros((rows, cells + 1)), np.zeros((rows, cells + 1), dtype=np.int64)
    np.cumsum(apart, axis=1, out=sums[:, 1:])
    np.cumsum(series.valid, axis=1, out=counts[:, 1:])
    known = counts[:, end] - counts[:, end - window]
    total = sums[:, end] - sums[:, end - window]
    mean = centre[:, None] + total / np.maximum(known, 1)
    return WindowMeans(np.where(known >= max(1.0, min_share * window), mean, np.nan), end)

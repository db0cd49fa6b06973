"""日分位值: a low, middle or high value of each day."""

import numpy as np

from services.detect.kernels.series import Floats, Series


def day_quantile(series: Series, per_day: int, share: float, *, least: float = 0.5) -> Floats:
    """日分位值: the value that `share` of a day's values lie beneath, by nearest rank below.

    Formula: x_(floor(share (n - 1)) + 1) of the n valid values of the day. A low quantile follows
    the plant's quiet state, which is steadier than its peaks and scales with the analyser's slope.
    Units: those of the values. Shape (series x time) to (series x days); the first cell is the
    first of a day, and cells beyond the last whole day are not looked at.
    Missing data: a day with fewer than `least` of its cells valid gives NaN.
    Edges: one cell a day gives that cell.
    Paper: falsification.csv D14 (trend of the day's low percentile); detection.md 2.1.
    Fails: held values make the rank coarse; a day of half a plant stop gives the stop.

    >>> day_quantile(Series.of([3.0, 1.0, 2.0, 9.0, np.nan, 5.0, 6.0, 7.0]), 4, 0.5).tolist()
    [[2.0, 6.0]]
    """
    rows, cells = series.values.shape
    days = cells // per_day
    whole = days * per_day
    valid = series.valid[:, :whole].reshape(rows, days, per_day)
    values = np.where(valid, series.values[:, :whole].reshape(valid.shape), np.inf)
    ordered = np.sort(values, axis=2)
    count = valid.sum(axis=2)
    at = np.floor(share * np.maximum(count - 1, 0)).astype(np.int64)
    found = np.take_along_axis(ordered, at[:, :, None], axis=2)[:, :, 0]
    return np.where(count >= max(1.0, least * per_day), found, np.nan)

"""最近有效值: the largest or mean of the last valid values before each cell."""

import numpy as np

from services.detect.kernels.series import Floats, Ints, Series


def last_valid(series: Series, count: int, *, mean: bool = False) -> Floats:
    """最近有效值: largest (or mean) of the last `count` valid values up to and with each cell.

    Formula: max or mean of the last min(count, known) valid values of the row up to the cell.
    Units: as given.
    Missing data: an invalid cell has the answer of the valid cell before it.
    Edges: NaN before the first valid value; with fewer than `count` values those that are there.
    Clause: HJ 75-2017 12.2 (max of the last 180, 720 or 2160 valid hours).
    Fails: it does not see how long ago the values were.

    >>> last_valid(Series.of([5.0, 2.0, float("nan"), 3.0]), 2).tolist()
    [[5.0, 5.0, 5.0, 3.0]]
    """
    values, valid = series.values, series.valid
    if not values.size:
        return np.full(values.shape, np.nan)
    rank: Ints = np.cumsum(valid, axis=1) - 1
    row, column = np.nonzero(valid)
    close = np.full(values.shape, 0.0 if mean else -np.inf)
    close[row, rank[row, column]] = values[row, column]
    windows = _mean(close, count) if mean else _largest(close, count)
    answer = np.take_along_axis(windows, np.maximum(rank, 0), axis=1)
    return np.where(rank >= 0, answer, np.nan)


def _largest(close: Floats, count: int) -> Floats:
    """Sliding maximum by running maxima of blocks from both sides (van Herk), linear in time."""
    rows, width = close.shape
    size = min(count, width)
    blocks = -(-(width + size - 1) // size)
    padded = np.full((rows, blocks * size), -np.inf)
    padded[:, size - 1 : size - 1 + width] = close
    parts = padded.reshape(rows, blocks, size)
    ahead = np.maximum.accumulate(parts, axis=2).reshape(rows, -1)
    behind = np.maximum.accumulate(parts[:, :, ::-1], axis=2)[:, :, ::-1].reshape(rows, -1)
    return np.maximum(behind[:, :width], ahead[:, size - 1 : size - 1 + width])


def _mean(close: Floats, count: int) -> Floats:
    """Sliding mean by differences of the running sum."""
    width = close.shape[1]
    total = np.cumsum(close, axis=1)
    before = np.zeros_like(total)
    before[:, count:] = total[:, : max(width - count, 0)]
    return (total - before) / np.minimum(np.arange(1, width + 1), count)

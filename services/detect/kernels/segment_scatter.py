"""时段离散度: how much a series moves within each part of the day."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Floats, Series


class Scatter(NamedTuple):
    """Scatter and level of each segment, of shape (series x segments); NaN where not evaluated."""

    scatter: Floats
    level: Floats


def segment_scatter(
    series: Series, grid: ArrayLike, slots: int, *, min_share: float = 0.75
) -> Scatter:
    """时段离散度: s = 0.5 sd + 0.5 mean |increment| + r / 4 over segments of `slots` cells.

    Formula: sd with n - 1; increments between neighbouring valid cells; r the grid step, whose
    quarter keeps a coarse analyser from looking dead. Level = mean of the segment.
    Units: both in the unit of the values; `grid` is (series,).
    Missing data: a segment with fewer than `min_share` of its cells valid is not evaluated.
    Edges: cells beyond the last whole segment are not looked at. A constant segment has s = r / 4.
    Paper: reference/detection.md 2.1, low variance.
    Fails: increments ignore order across a gap, so a gap hides one increment and no more.

    >>> own = segment_scatter(Series.of([1.0, 2.0, 1.0, 2.0, 5.0, 5.0, 5.0, 5.0]), [1.0], 4)
    >>> own.scatter.round(3).tolist(), own.level.tolist()
    ([[1.039, 0.25]], [[1.5, 5.0]])
    """
    rows, columns = series.values.shape
    shape = (rows, columns // slots, slots)
    whole = columns - columns % slots
    valid = series.valid[:, :whole].reshape(shape)
    values = np.where(valid, series.values[:, :whole].reshape(shape), 0.0)
    count = valid.sum(axis=2)
    level = values.sum(axis=2) / np.maximum(count, 1)
    apart = np.where(valid, values - level[:, :, None], 0.0)
    spread = np.sqrt((apart**2).sum(axis=2) / np.maximum(count - 1, 1))
    pair = valid[:, :, 1:] & valid[:, :, :-1]
    moved = np.where(pair, np.abs(np.diff(values, axis=2)), 0.0)
    step = moved.sum(axis=2) / np.maximum(pair.sum(axis=2), 1)
    total = 0.5 * spread + 0.5 * step + np.asarray(grid, dtype=np.float64)[:, None] / 4
    enough = (count >= max(2.0, min_share * slots)) & (pair.sum(axis=2) > 0)
    return Scatter(np.where(enough, total, np.nan), np.where(enough, level, np.nan))

"""窗口离散度: how much a series moves within windows, over the whole window and step by step."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.block_moments import Moments
from services.detect.kernels.series import Floats


class WindowScatter(NamedTuple):
    """Level, scatter and step of each window, (series x windows); NaN where not evaluated."""

    level: Floats
    scatter: Floats
    """Standard deviation about the mean of the window."""
    step: Floats
    """What the scatter would be if values had no memory, by the mean increment."""
    equal: Floats
    """Share of increments that are zero."""


def window_scatter(
    moments: Moments, grid: ArrayLike, cells: int, pairs: int, *, min_share: float = 0.75
) -> WindowScatter:
    """窗口离散度: sd of windows, what their increments alone say it is, and equal neighbours.

    Formula: scatter = sqrt(s^2 + r^2 / 12), s the sd with n - 1, r the grid step; step =
    sqrt(pi / 4 m^2 + r^2 / 12), m the mean size of increments over one analysis; equal = share of
    increments that are 0. step / scatter is 1 for normal values without memory, near 0 for a smooth
    series: von Neumann's ratio in its robust form, for a single jump makes squares look white.
    Null model: none here; `own_line` says what the own history expects.
    Units: those of the values; `grid` is (series,), `cells` and `pairs` are the cells and
    increments of a full window.
    Missing data: a window is NaN with fewer than `min_share` of its cells valid, or fewer than half
    of its increments.
    Edges: a constant window has the scatter of rounding alone, r / sqrt(12).
    Paper: von Neumann, Distribution of the ratio of the mean square successive difference to the
    variance (1941); reference/detection.md 2.1, low variance and random generator.
    Fails: one wild value fills a window.

    >>> from services.detect.kernels.block_moments import block_moments
    >>> from services.detect.kernels.series import Series
    >>> sums = block_moments(Series.of([1.0, 2.0, 1.0, 2.0]), 1, 1)
    >>> got = window_scatter(sums.of(np.array([0]), np.array([4]), 1), [0.0], 4, 3)
    >>> got.level.tolist(), got.scatter.round(3).tolist(), got.step.round(3).tolist()
    ([[1.5]], [[0.577]], [[0.886]])
    """
    known, total, square, moves, size, still = moments.sums
    least = np.asarray(grid, dtype=np.float64)[:, None] ** 2 / 12
    n, m = np.maximum(known, 1.0), np.maximum(moves, 1.0)
    mean = total / n
    spread = np.maximum(square / n - mean * mean, 0.0) * n / np.maximum(n - 1.0, 1.0)
    step = np.pi / 4 * (size / m) ** 2
    enough = (known >= max(2.0, min_share * cells)) & (moves >= max(1.0, 0.5 * pairs))
    told = np.where(enough, 0.0, np.nan)
    return WindowScatter(
        mean + moments.centre[:, None] + told,
        np.sqrt(spread + least) + told,
        np.sqrt(step + least) + told,
        still / m + told,
    )

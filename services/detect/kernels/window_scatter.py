"""窗口离散度: how much a series moves within windows, over the whole window and step by step."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Bools, Floats, Ints, Series


class WindowScatter(NamedTuple):
    """Level, scatter and step of each window, (series x windows); NaN where not evaluated."""

    level: Floats
    scatter: Floats
    """Standard deviation about the mean of the window."""
    step: Floats
    """What the scatter would be if values had no memory, by the mean increment."""
    equal: Floats
    """Share of increments that are zero."""
    end: Ints
    """(windows,): cell after each window."""


def window_scatter(
    series: Series, grid: ArrayLike, lag: int, cells: int, every: int, *, min_share: float = 0.75
) -> WindowScatter:
    """窗口离散度: sd and von Neumann step of windows of `cells` cells, one every `every` cells.

    Formula: scatter = sqrt(s^2 + r^2 / 12), s the sd with n - 1, r the grid step; step =
    sqrt(pi / 4 m^2 + r^2 / 12), m the mean of |x_t - x_(t - lag)|, both x of the window; equal =
    share of these increments that are 0. step / scatter is 1 for normal values without memory, near
    0 for a smooth series: von Neumann's ratio in its robust form, for a single jump makes squares
    look white. By running sums, so that the cost does not grow with the window. Windows end at
    multiples of `every`.
    Null model: none here; `own_line` says what the own history expects.
    Units: those of the values; `lag`, `cells`, `every` in cells; `grid` is (series,). For an
    analyser that holds each result over h cells, lag = h compares results, not copies of one.
    Missing data: a window is NaN with fewer than `min_share` of its cells valid, or fewer than half
    of its increments; an increment needs both of its values.
    Edges: a block shorter than the window gives no window; a constant window has the scatter of
    rounding alone, r / sqrt(12).
    Paper: von Neumann, Distribution of the ratio of the mean square successive difference to the
    variance (1941); reference/detection.md 2.1, low variance and random generator.
    Fails: sums lose digits where values are 1e7 times their scatter; one wild value fills a window.

    >>> got = window_scatter(Series.of([1.0, 2.0, 1.0, 2.0]), [0.0], 1, 4, 2)
    >>> got.level.tolist(), got.scatter.round(3).tolist(), got.step.round(3).tolist()
    ([[1.5]], [[0.577]], [[0.886]])
    """
    end = np.arange(-(-cells // every) * every, series.values.shape[1] + 1, every, dtype=np.int64)
    least = np.asarray(grid, dtype=np.float64)[:, None] ** 2 / 12
    centre = _mean(series)
    x = np.where(series.valid, series.values - centre[:, None], 0.0)
    known, mean = _means(x, series.valid, end - cells, end)
    square = _means(x * x, series.valid, end - cells, end)[1]
    spread = np.maximum(square - mean * mean, 0.0) * known / np.maximum(known - 1, 1)
    moved, pair = _increments(x, series.valid, lag)
    pairs, size = _means(np.abs(moved), pair, end - cells + min(lag, cells), end)
    half = size * size * np.pi / 4
    equal = _means(np.where(pair, moved == 0, 0.0), pair, end - cells + min(lag, cells), end)[1]
    enough = (known >= max(2.0, min_share * cells)) & (pairs >= max(1.0, 0.5 * (cells - lag)))
    level, scatter, step, equal = (
        np.where(enough, a, np.nan)
        for a in (mean + centre[:, None], np.sqrt(spread + least), np.sqrt(half + least), equal)
    )
    return WindowScatter(level, scatter, step, equal, end)


def _mean(series: Series) -> Floats:
    """Mean of each row: running sums about it keep their digits."""
    total = np.where(series.valid, series.values, 0.0).sum(axis=1)
    mean: Floats = total / np.maximum(series.valid.sum(axis=1), 1)
    return mean


def _increments(x: Floats, valid: Bools, lag: int) -> tuple[Floats, Bools]:
    """Increments over `lag` cells, at the later cell of each."""
    moved, pair = np.zeros_like(x), np.zeros_like(valid)
    if lag < x.shape[1]:
        pair[:, lag:] = valid[:, lag:] & valid[:, :-lag]
        moved[:, lag:] = np.where(pair[:, lag:], x[:, lag:] - x[:, :-lag], 0.0)
    return moved, pair


def _means(x: Floats, valid: Bools, begin: Ints, end: Ints) -> tuple[Floats, Floats]:
    """Number of valid cells from begin to end, and the mean of x over them."""
    sums, counts = (np.zeros((x.shape[0], x.shape[1] + 1)) for _ in range(2))
    np.cumsum(x, axis=1, out=sums[:, 1:])
    np.cumsum(valid, axis=1, out=counts[:, 1:])
    known = counts[:, end] - counts[:, begin]
    return known, (sums[:, end] - sums[:, begin]) / np.maximum(known, 1.0)

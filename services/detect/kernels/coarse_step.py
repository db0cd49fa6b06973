"""取值步长: the step on which all values of a window lie, where that is not the instrument's."""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from services.detect.kernels.series import Floats, Ints, Series

#: An increment this far from a multiple, in steps of the own grid, is beside it. Values of a
#: converted unit are rounded once more, so multiples are not exact.
BESIDE = 0.6


class CoarseStep(NamedTuple):
    """Step of each window, (series x windows)."""

    step: Floats
    """Common divisor of the moves of the window; NaN = none."""
    share: Floats
    """Share of its moves that are multiples of the step."""
    moves: Ints
    """Changes from one valid value to the next."""
    end: Ints
    """(windows,): cell after each window."""


def coarse_step(
    series: Series, grid: ArrayLike, cells: int, every: int, *, since: int = 0
) -> CoarseStep:
    """取值步长: smallest move of a window, refined, and the share of moves that are its multiples.

    Formula: d = changes between neighbouring valid values that differ; g = min |d|, then twice
    g = sum |d| k / sum k^2 with k = round(|d| / g); a move is a multiple if | |d| - k g | <= 0.6 r,
    r the own grid step. Rounding to a coarse grid gives a share of 1 with g many r.
    Null model: moves of honest data are multiples of g by chance, 1.2 r / g; callers take the share
    among the moves before the window.
    Units: `step` in the unit of the values; `cells`, `every`, `since` in cells; `grid` (series,).
    Windows that end by `since` are left out.
    Missing data: a move from an invalid cell or to one is not counted.
    Edges: no grid (0) or fewer than two moves: NaN. The grid needs no zero: an offset cancels.
    Paper: reference/detection.md 2.1 (rounded / digits), 1 (a unit conversion turns the grid into
    a comb, so that no decimal step may be presumed).
    Fails: few moves are multiples of something by chance; a held series moves seldom.

    >>> got = coarse_step(Series.of([3.0, 13.0, 33.0, 23.0, 13.0]), [1.0], 5, 5)
    >>> got.step.tolist(), got.share.tolist(), got.moves.tolist()
    ([[10.0]], [[1.0]], [[4]])
    """
    rows, columns = series.values.shape
    begin = max(cells, since + 1)
    end = np.arange(-(-begin // every) * every, columns + 1, every, dtype=np.int64)
    if not len(end) or cells < 2:
        none = np.full((rows, len(end)), np.nan)
        return CoarseStep(none, none, np.zeros(none.shape, dtype=np.int64), end)
    pair = series.valid[:, 1:] & series.valid[:, :-1]
    moved = np.where(pair, np.abs(np.diff(np.where(series.valid, series.values, 0.0))), 0.0)
    own = np.asarray(grid, dtype=np.float64)[:, None, None]
    # Moves within the window: from its second cell on.
    part = sliding_window_view(moved, cells - 1, axis=1)[:, end - cells]
    real = part > own / 2
    moves = real.sum(axis=2)
    size = np.where(real, part, 0.0)
    step = np.where(real, part, np.inf).min(axis=2)
    for _ in range(2):
        times = np.round(size / step[:, :, None])
        step = (size * times).sum(axis=2) / np.maximum((times * times).sum(axis=2), 1)
        step = np.where(step > 0, step, np.inf)
    whole = np.round(size / step[:, :, None]) * np.where(np.isfinite(step), step, 0.0)[:, :, None]
    apart = np.abs(size - whole)
    on = (real & (apart <= BESIDE * own)).sum(axis=2)
    told = (moves >= 2) & np.isfinite(step) & (own[:, :, 0] > 0)
    share = np.where(told, on / np.maximum(moves, 1), np.nan)
    return CoarseStep(np.where(told, step, np.nan), share, moves, end)

"""粗网格取值: values that all lie on a coarser grid than the instrument's own."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Bools, Floats, Ints, Series

_ON = 0.25  # steps of the own grid from which on a value lies beside it


class CoarseGrid(NamedTuple):
    """Judgement of windows, (series x windows)."""

    bits: Floats
    """Information of the most telling multiple; NaN = not evaluated."""
    multiple: Ints
    """That multiple of the own grid; 0 = none."""
    usual: Floats
    """Share of fresh values that lay on that multiple before."""
    fresh: Ints
    """Fresh values in the window."""
    end: Ints
    """(windows,): cell after each window."""


def coarse_grid(
    series: Series, grid: ArrayLike, window: tuple[int, int], guard: int, *,
    multiples: tuple[int, ...] = (2, 4, 5, 10, 20, 40, 50, 100, 200, 400, 500, 1000),
    share: float = 0.95, least: int = 12, history: int = 60,
) -> CoarseGrid:  # fmt: skip
    """粗网格取值: information of fresh values that lie on a multiple of the own grid.

    Formula: a value is fresh if it differs from the one before. Of n fresh values of the window k
    lie on multiple m of the grid; with p the share of fresh values on m before the window and its
    guard ((on + 1) / (all + m)), bits = n KL(k/n, p) / ln 2, if k/n >= share > p; the largest over
    m. One grid is tried after the other, so log2 of their number is taken off.
    Null model: fresh values of honest data lie on m as often as they ever did, independently.
    Units: bits; `grid` in the unit of the values; `window` = (length, distance of ends) and `guard`
    in cells.
    Missing data: invalid cells are passed over.
    Edges: fewer than `least` fresh values in the window, fewer than `history` before it or no grid:
    not evaluated. The grid must be exact to 1e-5 of a value, which float32 values allow.
    Paper: reference/detection.md 2.1, rounded / digits; Beber & Scacco (2012).
    Fails: an instrument that was exchanged for a coarser one rounds for good (a service record
    tells); a converted unit has a comb that is no multiple of the old grid.

    >>> x = np.r_[np.arange(100) % 7, 10, 20, 30, 10, 30, 20, 10, 20, 30, 20.0]
    >>> got = coarse_grid(Series.of(x), [1.0], (10, 10), 0, least=8)
    >>> got.multiple[0].tolist()[-1], bool(got.bits[0, -1] > 20)
    (10, True)
    """
    cells, every = window
    end = np.arange(-(-cells // every) * every, series.values.shape[1] + 1, every, dtype=np.int64)
    step = np.asarray(grid, dtype=np.float64)[:, None]
    steps = np.where(series.valid & (step > 0), series.values / np.where(step > 0, step, 1.0), 0.0)
    whole = np.round(np.clip(steps, -1e15, 1e15)).astype(np.int64)
    fresh = _fresh(whole, series.valid & (step > 0))
    known, before = _within(fresh, end, cells), _until(fresh, end - cells - guard)
    on_own = fresh & (np.abs(steps - whole) < _ON)
    best = np.full(known.shape, -np.inf)
    multiple, usual = np.zeros(known.shape, dtype=np.int64), np.full(known.shape, np.nan)
    for m in multiples:
        on = on_own & (whole % m == 0)
        p = (_until(on, end - cells - guard) + 1) / (before + m)
        bits = _bits(_within(on, end, cells), known, p, share)
        better = bits > best
        best, usual = np.where(better, bits, best), np.where(better, p, usual)
        multiple = np.where(better & (bits > 0), m, multiple)
    told = (known >= least) & (before >= history)
    bits = np.where(told, np.maximum(best - np.log2(len(multiples)), 0.0), np.nan)
    return CoarseGrid(bits, multiple, usual, known, end)


def _fresh(whole: Ints, valid: Bools) -> Bools:
    """Valid cells whose value differs from the last valid one before."""
    cells = np.arange(whole.shape[1], dtype=np.int64)
    last = np.maximum.accumulate(np.where(valid, cells, -1), axis=1)
    before = np.concatenate([np.full((whole.shape[0], 1), -1), last[:, :-1]], axis=1)
    previous = np.take_along_axis(whole, np.maximum(before, 0), axis=1)
    fresh: Bools = valid & ((before < 0) | (whole != previous))
    return fresh


def _until(on: Bools, cell: Ints) -> Ints:
    """Number of cells before `cell`."""
    total = np.zeros((on.shape[0], on.shape[1] + 1), dtype=np.int64)
    np.cumsum(on, axis=1, out=total[:, 1:])
    return total[:, np.maximum(cell, 0)]


def _within(on: Bools, end: Ints, cells: int) -> Ints:
    """Number of cells in each window."""
    inside: Ints = _until(on, end) - _until(on, end - cells)
    return inside


def _bits(on: Ints, known: Ints, p: Floats, share: float) -> Floats:
    """n KL(k/n, p) in bits, 0 unless k/n is large."""
    k = np.clip(on / np.maximum(known, 1), 1e-9, 1 - 1e-9)
    p = np.clip(p, 1e-9, 1 - 1e-9)
    information = known * (k * np.log2(k / p) + (1 - k) * np.log2((1 - k) / (1 - p)))
    return np.where((on >= share * known) & (p < share), information, 0.0)

"""限值压线: values that stay under a limit although their own moves would have crossed it."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Bools, Floats, Series

#: Logistic form of the normal distribution, right to .01.
_LOGISTIC = 1.702
_HIGH = 0.8
_TO_SD = 1.2533  # mean of |d| times sqrt(pi / 2)


class Pressure(NamedTuple):
    """Evidence at each cell, of shape (series x time)."""

    evidence: Floats
    """-log10 of the chance of not crossing in the window; NaN = not evaluated."""
    moves: Floats
    """Scale of the own moves at high levels, as known before the cell's block."""


def ceiling_pressure(
    series: Series, limit: Floats, *, window: int, block: int, least: int
) -> Pressure:
    """限值压线: sum over the window of -log10 P(next value <= limit), where none crossed it.

    Formula: each new value was due to cross with chance 1 - Phi((L - x') / s), x' the value before
    it and s the sd of the own moves from high levels (the upper fifth of the past), so the chance
    that none of them did is the product; evidence = -sum log10 Phi((L - x') / s) over the window,
    NaN where any value of the window is above L. Values that repeat are one analysis: no new draw.
    Units: `limit` (series,) in the unit of the values; window, block and least in cells. s is
    learnt anew each block from the cells before it.
    Missing data: a move across a missing cell is not counted. With fewer than `least` cells of past
    or no moves from high levels nothing is evaluated.
    Edges: a series far from its limit has evidence 0. A limit of NaN is not evaluated.
    Paper: McCrary 2008 (bunching), in sequential form; falsification.csv D04; detection.md 2.1.
    Fails: plants that are controlled to a set point under the limit: their moves from high levels
    are mostly downward and smaller, which s only half knows. What the value would have been (load,
    inlet, reagent feed) closes that gap.

    >>> past = np.tile([40.0, 60.0, 80.0, 60.0], 25)
    >>> held = np.tile([97.0, 99.0], 10)
    >>> cut = Series.of(np.concatenate([past, held]))
    >>> found = ceiling_pressure(cut, np.array([100.0]), window=20, block=50, least=50)
    >>> round(float(found.evidence[0, -1]), 1)
    5.2
    """
    x = series.masked
    before = np.full(x.shape, np.nan)
    before[:, 1:] = x[:, :-1]
    moved = x - before
    moves = _moves(x, before, np.abs(moved), block, least)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        room = (limit[:, None] - before) / moves
        chance = np.log10(1 + np.exp(-_LOGISTIC * np.clip(room, 0.0, 40.0)))
        draws = np.where((moved != 0) & np.isfinite(room) & np.isfinite(moved), chance, 0.0)
        above = x > limit[:, None]
    crossed = _last(above, window)
    known = np.isfinite(moves) & np.isfinite(limit)[:, None] & ~crossed
    return Pressure(np.where(known, _sums(draws, window), np.nan), moves)


def _moves(x: Floats, before: Floats, size: Floats, block: int, least: int) -> Floats:
    """Sd of moves from the upper fifth of the past, for each block."""
    found = np.full(x.shape, np.nan)
    for begin in range(max(1, -(-least // block)) * block, x.shape[1], block):
        past = np.sort(x[:, :begin], axis=1)
        count = np.isfinite(past).sum(axis=1)
        at = np.minimum((count * _HIGH).astype(np.int64), begin - 1)
        high = np.take_along_axis(past, at[:, None], axis=1)
        with np.errstate(invalid="ignore"):
            used = (before[:, :begin] >= high) & (size[:, :begin] > 0)
        number = used.sum(axis=1)
        total = np.where(used, size[:, :begin], 0.0).sum(axis=1)
        sd = np.where(number > 0, _TO_SD * total / np.maximum(number, 1), np.nan)
        found[:, begin : begin + block] = sd[:, None]
    return found


def _sums(values: Floats, window: int) -> Floats:
    total = np.cumsum(values, axis=1)
    found = total.copy()
    found[:, window:] -= total[:, :-window]
    return np.maximum(found, 0.0)


def _last(marks: Bools, window: int) -> Bools:
    """Whether any of the last cells is marked."""
    return _sums(marks.astype(np.float64), window) > 0

"""序列画像: what is normal for a series, learnt from its own reference period."""

import math
from typing import NamedTuple

import numpy as np

from services.detect.kernels.constant_run import constant_run
from services.detect.kernels.series import Bools, Floats, Ints, Series

_SAME = 1e-9
_FLOOR_STEPS = 2.5
_FLOOR_SHARE = 0.03
_QUANTILES = (0.25, 0.5, 0.75)
_MIN_CLASS_CYCLES = 24


class Profile(NamedTuple):
    """What was learnt; one row a series."""

    grid: Floats
    """Smallest step between two different values; 0 where there are none."""
    hold: Ints
    """Slots of one analyser cycle: the median run of equal values, at least 1."""
    floor: Floats
    """Top of the detection-limit class, -infinity where the series has none."""
    edges: Floats
    """(series x 4): floor and quartiles, which divide the values into five level classes."""
    repeat_share: Floats
    """(series x 5): chance that two neighbouring cycles are equal, per level class."""
    known: Ints
    """Valid values the profile was learnt from."""

    def repeat_share_of(self, values: Floats) -> Floats:
        """The repeat share of the level class of each value of (series x time)."""
        return np.take_along_axis(self.repeat_share, _classes(values, self.edges), axis=1)


def series_profile(series: Series) -> Profile:
    """序列画像: grid step, analyser cycle, floor and own repeat shares of each series.

    Formula: grid r = least difference between two different values. hold h = median run of equal
    values. floor = min + 2.5 r if at least 3 % of the values lie there. Level classes: at the
    floor, and four by quartile. Repeat share of a class = repeats / (cycles - 1), cycles of a run =
    round(run / h), but never below the grid's own chance 2 Phi(r / 2 s) - 1 with s the scale of
    increments over one cycle. A class of fewer than 24 cycles takes the share of the whole series.
    Units: grid, floor and edges in the unit of the values, hold in slots.
    Missing data: invalid cells take no part; a series without valid values gets grid 0, hold 1, no
    floor and NaN shares.
    Edges: a series of one single value has share 1 (and is never judged). Increments are taken over
    one hold, so held values do not make the scale small.
    Paper: reference/detection.md 2.0 (series profile) and 2.1 (grid-aware null, level class).
    Fails: a reference period that is itself falsified; the window is 90 days so that one episode of
    days moves the shares little.

    >>> own = series_profile(Series.of([1.0, 1.0, 1.4, 1.4, 1.2, 1.2, 1.4, 1.4]))
    >>> round(float(own.grid[0]), 6), int(own.hold[0])
    (0.2, 2)
    """
    ordered = np.sort(series.masked, axis=1)
    count = series.valid.sum(axis=1)
    grid = _grid(ordered)
    floor = _floor(series, grid, count)
    edges = np.column_stack([floor, _quantiles(ordered, count)])
    ended, lengths = _finished_runs(series)
    hold = _median_run(lengths)
    cycles = np.where(ended, np.maximum(1.0, np.round(lengths / hold[:, None])), 0.0)
    by_grid = _grid_chance(series, grid, hold)[:, None]
    share = np.fmax(_shares(cycles, _classes(series.values, edges), edges.shape[1] + 1), by_grid)
    return Profile(grid, hold, floor, edges, share, count)


def _classes(values: Floats, edges: Floats) -> Ints:
    """Level class of each value: the number of edges beneath it."""
    found = np.zeros(values.shape, dtype=np.int64)
    with np.errstate(invalid="ignore"):
        for edge in edges.T:
            found += values > edge[:, None]
    return found


def _grid(ordered: Floats) -> Floats:
    """Least difference between different values, 0 where all are equal."""
    step = np.diff(ordered, axis=1)
    scale = np.abs(ordered[:, 1:]) + np.abs(ordered[:, :-1])
    with np.errstate(invalid="ignore"):
        real = step > _SAME * scale
    least = np.min(np.where(real, step, np.inf), axis=1, initial=np.inf)
    return np.where(np.isfinite(least), least, 0.0)


def _floor(series: Series, grid: Floats, count: Ints) -> Floats:
    """Top of the detection-limit class."""
    low = np.min(np.where(series.valid, series.values, np.inf), axis=1, initial=np.inf)
    edge = low + _FLOOR_STEPS * grid
    share = (series.valid & (series.values <= edge[:, None])).sum(axis=1) / np.maximum(count, 1)
    return np.where((share >= _FLOOR_SHARE) & (grid > 0), edge, -np.inf)


def _quantiles(ordered: Floats, count: Ints) -> Floats:
    """Quartiles by nearest rank; infinity for a series without values."""
    if ordered.shape[1] == 0:
        return np.full((ordered.shape[0], len(_QUANTILES)), np.inf)
    rank = np.floor(np.maximum(count - 1, 0)[:, None] * np.array(_QUANTILES)).astype(np.int64)
    found = np.take_along_axis(ordered, rank, axis=1)
    return np.where(np.isfinite(found), found, np.inf)


def _finished_runs(series: Series) -> tuple[Bools, Floats]:
    """Cells where a run ends, and the length of the run there."""
    runs = constant_run(series, hold=1, repeat_share=np.nan, lookback=0)
    following = np.where(runs.start >= 0, runs.start, np.iinfo(np.int64).max)
    # The start of the next valid cell to the right tells whether the run goes on.
    nearest = np.minimum.accumulate(following[:, ::-1], axis=1)[:, ::-1]
    nothing = np.full((runs.start.shape[0], 1), -1)
    later = np.concatenate([nearest[:, 1:], nothing], axis=1)[:, : series.valid.shape[1]]
    ended = series.valid & (later != runs.start)
    return ended, np.where(ended, runs.cycles, 0).astype(np.float64)


def _median_run(lengths: Floats) -> Ints:
    """Lower median length of the runs of each row, at least one slot."""
    count = (lengths > 0).sum(axis=1)
    if lengths.shape[1] == 0:
        return np.ones(lengths.shape[0], dtype=np.int64)
    ordered = np.sort(np.where(lengths > 0, lengths, np.inf), axis=1)
    middle = np.take_along_axis(ordered, (np.maximum(count - 1, 0) // 2)[:, None], axis=1)[:, 0]
    return np.where(count > 0, np.maximum(middle, 1), 1).astype(np.int64)


def _shares(cycles: Floats, classes: Ints, number: int) -> Floats:
    """Repeat share per level class; the whole series' share where a class is too small."""
    whole = _repeat_share(cycles)
    shares = np.empty((cycles.shape[0], number))
    for k in range(number):
        own = np.where(classes == k, cycles, 0.0)
        shares[:, k] = np.where(own.sum(axis=1) >= _MIN_CLASS_CYCLES, _repeat_share(own), whole)
    return shares


def _repeat_share(cycles: Floats) -> Floats:
    """Repeats among neighbouring cycles; NaN with fewer than two cycles."""
    total = cycles.sum(axis=1)
    repeats = np.maximum(cycles - 1.0, 0.0).sum(axis=1)
    return np.where(total >= 2, repeats / np.maximum(total - 1.0, 1.0), np.nan)


def _grid_chance(series: Series, grid: Floats, hold: Ints) -> Floats:
    """Chance 2 Phi(r / 2 s) - 1 of a repeat by rounding alone; NaN without increments."""
    chance = np.full(grid.shape, np.nan)
    values = series.masked
    for lag in np.unique(hold):
        rows = hold == lag
        moved = np.abs(values[rows, lag:] - values[rows, :-lag])
        count = np.isfinite(moved).sum(axis=1)
        # The mean of |d| times sqrt(pi / 2) is the scale of normal increments.
        scale = np.nansum(moved, axis=1) / np.maximum(count, 1) * math.sqrt(math.pi / 2)
        ratio = grid[rows] / np.where(scale > 0, 2 * math.sqrt(2) * scale, np.inf)
        chance[rows] = np.where(count > 0, [math.erf(r) for r in ratio], np.nan)
    return chance

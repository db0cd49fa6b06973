"""等值段: every stretch of equal values of every series, in analyser cycles."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Bools, Floats, Ints, Series


class ValueRuns(NamedTuple):
    """等值段 of all rows, one after the other, by row and time."""

    row: Ints
    begin: Ints
    end: Ints
    """Cell after the last value."""
    value: Floats
    cycles: Ints
    """Whole analyses in the stretch, at least 1."""


def value_runs(series: Series, hold: ArrayLike, max_gap: int) -> ValueRuns:
    """等值段: maximal stretches of equal valid values, over gaps of up to `max_gap` cells.

    Formula: a stretch ends where the next valid value differs or comes more than max_gap + 1 cells
    later; cycles = max(1, round(valid values / hold)).
    Null model: none here; a repeat of a whole analysis is what `cycles - 1` counts.
    Units: cells; `hold` is (series,), cells of one analysis.
    Missing data: bridged cells are not counted.
    Edges: a value alone is a stretch of one; a row without valid values has none.
    Paper: reference/detection.md 2.0 (the analysis, not the hour, is one observation).
    Fails: two analyses of equal result beside each other are one stretch, as they should be, but
    an odd hold (one result sent 2, then 3 times) rounds.

    >>> got = value_runs(Series.of([5.0, 5.0, float("nan"), 5.0, 7.0]), [1], 1)
    >>> got.value.tolist(), got.begin.tolist(), got.end.tolist(), got.cycles.tolist()
    ([5.0, 7.0], [0, 4], [4, 5], [3, 1])
    """
    row, cell = np.nonzero(series.valid)
    value = series.values[row, cell]
    first = _first(row, cell, value, max_gap)
    start = np.flatnonzero(first)
    count = np.diff(np.append(start, len(row)))
    last = start + count - 1
    each = np.asarray(hold, dtype=np.float64)[row[start]]
    cycles = np.maximum(1, np.round(count / np.maximum(each, 1.0))).astype(np.int64)
    return ValueRuns(row[start], cell[start], cell[last] + 1, value[start], cycles)


def _first(row: Ints, cell: Ints, value: Floats, max_gap: int) -> Bools:
    """Where a new stretch begins."""
    new = np.ones(len(row), dtype=bool)
    new[1:] = (row[1:] != row[:-1]) | (value[1:] != value[:-1])
    new[1:] |= np.diff(cell) > max_gap + 1
    return new

"""新值: the values of a series that differ from the one before, with nothing between them."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats, Ints, Series


class Fresh(NamedTuple):
    """新值 of all rows, one after the other, by row and time."""

    row: Ints
    cell: Ints
    value: Floats


def fresh_values(series: Series) -> Fresh:
    """新值: cells whose value differs from the last valid value before them.

    Formula: x_t is fresh if valid and x_t != x_u, u the last valid cell before t; the first valid
    value of a row is fresh. Values are compared as float32, the precision that rings store.
    Units: as given.
    Missing data: invalid cells are passed over, so a gap neither makes nor hides a fresh value.
    Edges: a constant row has one fresh value, an empty row none.
    Paper: reference/detection.md 2.0 (for held values the analysis, not the hour, is one
    observation).
    Fails: an analyser that measures the same value twice loses the second measurement.

    >>> fresh_values(Series.of([3.0, 3.0, float("nan"), 3.0, 4.0])).cell.tolist()
    [0, 4]
    """
    row, cell = np.nonzero(series.valid)
    with np.errstate(over="ignore"):
        value = series.values[row, cell].astype(np.float32)
    new = np.ones(len(row), dtype=bool)
    new[1:] = (value[1:] != value[:-1]) | (row[1:] != row[:-1])
    return Fresh(row[new], cell[new], value[new].astype(np.float64))

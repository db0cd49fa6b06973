"""自身历史: what a series is like by its own first days, and when its outlet runs at all."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Bools, Floats, Ints, Series
from services.detect.kernels.series_profile import series_profile
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role

#: Days from which grid and analyser cycle are learnt; both are properties of the instrument.
LEARN_DAYS = 5
_LONGEST_HOLD_H = 6.0
# A plant at less than this share of its usual flow, or with this much oxygen, stands still.
_STANDSTILL_FLOW = 0.05
_STANDSTILL_O2 = 19.0


class Instrument(NamedTuple):
    """仪器特性 of each row."""

    grid: Floats
    """Smallest step between two values."""
    hold: Ints
    """Cells of one analysis."""


def instrument(panel: Panel) -> Instrument:
    """Grid and analyser cycle of each row, by the first days of its record."""
    span = min(LEARN_DAYS * panel.per_day, panel.cells)
    at = np.minimum(panel.first, panel.cells - span)[:, None] + np.arange(span)
    values = np.take_along_axis(panel.value, at, axis=1)
    valid = np.take_along_axis(panel.series.valid, at, axis=1)
    own = series_profile(Series.of(values, valid))
    return Instrument(own.grid, np.minimum(own.hold, panel.cells_of(_LONGEST_HOLD_H)))


def running(panel: Panel) -> Bools:
    """(S, T): cells in which the outlet runs, as far as its own flow and oxygen tell.

    A plant that stands still is quiet by nature; most false alarms of a roll-out are such plants.
    """
    runs = np.ones(panel.value.shape, dtype=bool)
    for rows in panel.rows_of.values():
        still = np.zeros(panel.cells, dtype=bool)
        for row in rows:
            if panel.roles[row] is Role.FLOW:
                still |= _no_flow(panel.value[row])
            elif panel.roles[row] is Role.OXYGEN:
                with np.errstate(invalid="ignore"):
                    still |= panel.value[row] > _STANDSTILL_O2
        if len(rows) > 1 and still.any():
            runs[rows] = ~still
    return runs


def _no_flow(flow: Floats) -> Bools:
    """Cells with next to none of the usual flow, the mean flow so far."""
    moving = np.isfinite(flow) & (flow > 0)
    usual = np.cumsum(np.where(moving, flow, 0.0)) / np.maximum(np.cumsum(moving), 1)
    with np.errstate(invalid="ignore"):
        still: Bools = flow < _STANDSTILL_FLOW * usual
    return still

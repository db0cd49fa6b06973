"""突变: values that left the level of those before them."""

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Bools, Floats, Series

#: Cells of one piece of work: the windows of so many are held at once.
_CELLS = 200_000


def sudden(series: Series, times: ArrayLike, *, before: int = 24) -> Bools:
    """突变: value above `times` x the median of the 24 valid values before it, or below a 1/times.

    Formula: c > f * median(c_1..c_24) or c < median / f, the c_i being the valid values just before
    c, however long ago they were.
    Units: as given; `times` has none and broadcasts over the rows.
    Missing data: an invalid value is never sudden and belongs to no median.
    Edges: with fewer than 24 valid values before it a value is not sudden; a median of zero or
    below says nothing. A factor of zero switches the row off.
    Clause: HJ 356-2019 (suddenly rising or falling values are to be checked); the numbers are ours.
    Fails: a level that drifts slowly is never sudden (pattern D14).

    >>> sudden(Series.of([2.0, 2.0, 2.0, 9.0, 2.0]), 3.0, before=3).tolist()
    [[False, False, False, True, False]]
    """
    values, valid = series.masked, series.valid
    found = np.zeros(values.shape, dtype=np.bool_)
    factor = np.broadcast_to(np.asarray(times, dtype=np.float64), (len(values),))
    if values.shape[1] <= before:
        return found
    wanted = np.flatnonzero(factor > 0)
    step = max(1, _CELLS // values.shape[1])
    for at in range(0, len(wanted), step):
        rows = wanted[at : at + step]
        order = np.argsort(~valid[rows], axis=1, kind="stable")
        close = np.take_along_axis(values[rows], order, axis=1)
        out = np.zeros(close.shape, dtype=np.bool_)
        out[:, before:] = _leaves(close, factor[rows], before)
        part = np.zeros(close.shape, dtype=np.bool_)
        np.put_along_axis(part, order, out, axis=1)
        found[rows] = part
    return found


def _leaves(close: Floats, factor: Floats, before: int) -> Bools:
    """For values packed to the left, from place `before` on: whether each left the level."""
    windows = np.lib.stride_tricks.sliding_window_view(close, before, axis=1)[:, :-1]
    # A NaN stands only behind the valid values: its window is not asked for by any of them.
    ordered = np.sort(windows, axis=2)
    level = (ordered[:, :, (before - 1) // 2] + ordered[:, :, before // 2]) / 2
    value, times = close[:, before:], factor[:, None]
    with np.errstate(invalid="ignore", over="ignore"):
        left: Bools = (level > 0) & ((value > times * level) | (value * times < level))
    return left

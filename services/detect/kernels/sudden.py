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
    found = np.zeros(series.values.shape, dtype=np.bool_)
    factor = np.broadcast_to(np.asarray(times, dtype=np.float64), (len(found),))
    wanted = np.flatnonzero(factor > 0)
    step = max(1, _CELLS // max(1, series.values.shape[1]))
    for at in range(0, len(wanted), step):
        rows = wanted[at : at + step]
        row, column = np.nonzero(series.valid[rows])
        rank = np.cumsum(series.valid[rows], axis=1)[row, column] - 1
        close = np.full((len(rows), int(rank.max(initial=-1)) + 1), np.nan)
        close[row, rank] = series.values[rows[row], column]
        if close.shape[1] > before:
            found[rows[row], column] = _leaves(close, factor[rows, None], before)[row, rank]
    return found


@np.errstate(invalid="ignore", over="ignore")
def _leaves(close: Floats, factor: Floats, before: int) -> Bools:
    """For values packed to the left: whether each left the level of those before it.

    Medians are dear. Only a value that leaves the least or the largest of those before it can leave
    their median; there are few.
    """
    left = np.zeros(close.shape, dtype=np.bool_)
    value = close[:, before:]
    least, most = (_sliding(close[:, :-1], before, pick) for pick in (np.fmin, np.fmax))
    row, place = np.nonzero((value > factor * least) | (value * factor < most))
    windows = np.lib.stride_tricks.sliding_window_view(close, before, axis=1)
    level = np.median(windows[row, place], axis=1)
    one, times = value[row, place], factor[row, 0]
    left[row, place + before] = (level > 0) & ((one > times * level) | (one * times < level))
    return left


def _sliding(close: Floats, width: int, pick: np.ufunc) -> Floats:
    """Least or largest of each `width` values in a row, by windows that double."""
    span, found = 1, close
    while span * 2 <= width:
        found, span = pick(found[:, :-span], found[:, span:]), span * 2
    rest = width - span
    return np.asarray(pick(found[:, : found.shape[1] - rest], found[:, rest:]))

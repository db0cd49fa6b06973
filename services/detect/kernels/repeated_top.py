"""最大值重复: one and the same largest value on day after day."""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from services.detect.kernels.series import Floats

_LEVELS = 5  # of values beneath the top, whose days tell how often a value is met by chance
_SAME = 1e-9


class RepeatedTop(NamedTuple):
    """Judgement of each day, of shape (series x days)."""

    score: Floats
    """-log10 of the chance of so many days at the top; NaN = not evaluated."""
    top: Floats
    days: Floats
    """Days of the window whose largest value is the top."""


def repeated_top(days: Floats, *, width: int = 30, least: int = 5) -> RepeatedTop:
    """最大值重复: days of a window whose maximum is the window's, against its next lower maxima.

    Formula: k = days whose maximum equals the largest M of `width` days; lambda = mean days at each
    of the five next lower different maxima, 1 at least; score = -log10 P(Poisson(lambda) >= k). A
    distribution that thins out upward has fewer days at each higher value; a range or a limiter
    piles them on the last one.
    Units: the score has none; `days` are day maxima (series x days) in any unit.
    Missing data: days of NaN take no part; with fewer than half of the window nothing is evaluated.
    Edges: fewer than `least` days at the top are not scored. A constant scores high: the caller
    looks whether the values beneath vary. The window grows from its half.
    Paper: falsification.csv D04 (top value seen five times), D05.
    Fails: coarse grids (many ties everywhere: lambda grows with them); a value that nature bounds.

    >>> free = np.array([[5.1, 7.3, 6.2, 8.8, 4.9, 9.4, 7.7, 6.6, 8.1, 5.8]])
    >>> found = repeated_top(np.minimum(free, 7.0), width=10)
    >>> float(found.days[0, -1]), round(float(found.score[0, -1]), 1)
    (5.0, 2.4)
    """
    score, top, count = (np.full(days.shape, np.nan) for _ in range(3))
    if days.shape[1] < width // 2 or width < 2:
        return RepeatedTop(score, top, count)
    padded = np.concatenate([np.full((len(days), width - 1), np.nan), days], axis=1)
    windows = sliding_window_view(padded, width, axis=1)
    held = np.where(np.isfinite(windows), windows, -np.inf)
    largest = held.max(axis=2)
    near = _SAME * np.abs(largest)[:, :, None]
    with np.errstate(invalid="ignore"):
        at_top = (held >= largest[:, :, None] - near) & (held > -np.inf)
    number = at_top.sum(axis=2).astype(np.float64)
    known = np.isfinite(windows).sum(axis=2) >= width / 2
    top[known], count[known] = largest[known], number[known]
    for row, day in zip(*np.nonzero(known & (number >= least)), strict=True):
        score[row, day] = _chance(windows[row, day], int(number[row, day]))
    return RepeatedTop(score, top, count)


def _chance(window: Floats, k: int) -> float:
    """Score of one window."""
    different, times = np.unique(window[np.isfinite(window)], return_counts=True)
    rate = max(1.0, float(times[:-1][-_LEVELS:].mean())) if different.size > 1 else 1.0
    terms = np.arange(k)
    logs = terms * np.log(rate) - rate - np.concatenate([[0.0], np.cumsum(np.log(terms[1:]))])
    return float(-np.log10(max(1.0 - np.exp(logs).sum(), 1e-16)))

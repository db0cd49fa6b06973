"""历史相似度: how much a stretch moves as some earlier stretch of the series did."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.detect.kernels.series import Floats, Ints

_CAP = 0.999  # of a correlation: more is a matter of rounding
_LEAST = 8  # moves that both stretches must have


class PastLikeness(NamedTuple):
    """历史相似度 of each stretch asked for, (rows x ends)."""

    z: Floats
    """Of the most alike earlier stretch; NaN where there is none to compare."""
    lag: Ints
    """Cells from the most alike stretch to this one."""


def past_likeness(moves: Floats, length: int, ends: Ints, min_lag: int) -> PastLikeness:
    """历史相似度: largest z of the correlation of a stretch with every earlier one.

    Formula: rho_k = sum u_t u_(t-k) / sqrt(sum u_t^2 sum u_(t-k)^2) over the `length` cells before
    an end; z = atanh(max rho_k) sqrt(m - 3), k >= `min_lag`, m the cells that moved in both
    stretches. As one matrix product over all earlier stretches and all ends.
    Null model: innovations have no mean and no memory; then z is standard normal for one k, and the
    largest of K lags is about sqrt(2 ln K), 4 for a quarter of hours.
    Units: none; `moves` as `innovations` gives them, ends and lags in cells.
    Missing data: a NaN move counts as no move.
    Edges: an end with nothing `min_lag` cells before it, and stretches of fewer than 8 moves, are
    not evaluated. rho is cut at 0.999.
    Paper: reference/detection.md 2.1, shifted and scaled replay; Yeh et al. 2016 (matrix profile).
    Fails: processes that repeat themselves (batches, timers) are alike honestly: callers compare
    with the own record.

    >>> rng = np.random.default_rng(1)
    >>> u = rng.standard_normal((1, 200))
    >>> u[0, 150:190] = 0.5 * u[0, 30:70]
    >>> found = past_likeness(u, 40, np.array([120, 190]), 40)
    >>> found.lag[0, 1], bool(found.z[0, 1] > 20), bool(found.z[0, 0] < 5)
    (np.int64(120), True, True)
    """
    rows, cells = moves.shape
    z = np.full((rows, len(ends)), np.nan)
    lag = np.zeros((rows, len(ends)), dtype=np.int64)
    some = np.flatnonzero(ends - length >= min_lag)
    if cells < length or not len(some):
        return PastLikeness(z, lag)
    unit = np.nan_to_num(moves).astype(np.float32)
    start = ends[some] - length
    for row in range(rows):
        rho = _correlation(np.lib.stride_tricks.sliding_window_view(unit[row], length), start)
        for line, first in zip(rho, start, strict=True):
            line[first - min_lag + 1 :] = -1.0
        total = np.concatenate([[0], np.cumsum(unit[row] != 0)])
        count = total[length:] - total[:-length]
        best = rho.argmax(axis=1)
        z[row, some], lag[row, some] = _z(rho, best, count, start), start - best
    return PastLikeness(z, lag)


def _z(rho: NDArray[np.float32], best: Ints, count: Ints, start: Ints) -> Floats:
    """z of the stretches `best`; NaN with too few moves in either."""
    both = np.minimum(count[best], count[start])
    most = np.clip(rho[np.arange(len(start)), best], -_CAP, _CAP)
    root = np.sqrt(np.maximum(both - 3.0, 0.0))
    return np.where(both >= _LEAST, np.arctanh(most) * root, np.nan)


def _correlation(stretches: NDArray[np.float32], start: Ints) -> NDArray[np.float32]:
    """Of each start with every stretch.

    A stretch that moved far less than the one asked for is held to half its size: a few moves among
    plateaus are soon alike.
    """
    asked = stretches[start]
    size = np.sqrt(np.einsum("ij,ij->i", stretches, stretches))
    rho = asked @ stretches.T
    rho /= np.maximum(np.maximum(size, size[start, None] / 2) * size[start, None], 1e-6)
    return np.asarray(rho)

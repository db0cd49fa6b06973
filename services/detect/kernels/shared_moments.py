"""同时动作: how often things begin at two outlets at the same moment."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Bools, Floats


class SharedMoments(NamedTuple):
    """同时动作 of each two rows, (rows x rows)."""

    common: Floats
    """Moments in common."""
    expected: Floats
    """Moments in common by chance."""


def shared_moments(begins: Bools, per_day: int) -> SharedMoments:
    """同时动作: cells in which something begins at both, against rotations by whole days.

    Formula: C_ij = sum_t b_i(t) b_j(t); expected = the mean over k = 1 .. D - 1 of
    sum_t b_i(t) b_j(t - k days), round the end, but no less than n_i n_j / T. Rotation keeps how
    often things begin and at which hour (calibrations at nine, network loss at night) and breaks
    only what is common; few moments may never meet however they are rotated, hence the least.
    Null model: given the hours, moments of two outlets are independent; C is near Poisson.
    Units: counts; `per_day` in cells.
    Missing data: none; a moment is known or is not there.
    Edges: fewer than two whole days, and a row with itself, are NaN.
    Paper: reference/domain.md G.3.6 (circular shift); issue 5, collusion radar (event times).
    Fails: an outage of the network is common to all: callers take such moments out.

    >>> b = np.zeros((2, 480), bool)
    >>> b[:, [30, 100, 200, 333]] = True
    >>> found = shared_moments(b, 24)
    >>> float(found.common[0, 1]), float(found.expected[0, 1].round(3))
    (4.0, 0.033)
    """
    rows = len(begins)
    days = begins.shape[1] // per_day
    unit = begins[:, : days * per_day].astype(np.float64)
    count = unit @ unit.T
    # All rotations together: what the hours of the day have in common, less the rotation by none.
    by_hour = unit.reshape(rows, days, per_day).sum(axis=1)
    rotated = (by_hour @ by_hour.T - count) / max(days - 1, 1)
    total = unit.sum(axis=1)
    expected = np.maximum(rotated, total[:, None] * total / max(days * per_day, 1))
    known = ~np.eye(rows, dtype=bool) & (days > 1)
    return SharedMoments(np.where(known, count, np.nan), np.where(known, expected, np.nan))

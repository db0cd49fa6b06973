"""核查过于完美: checks whose errors are smaller than any instrument repeats itself."""

import math

import numpy as np

from services.detect.kernels.series import Floats, Series

_LEAST = 1e-16


def small_errors(errors: Series, *, window: int = 8, repeatability: float = 0.1) -> Floats:
    """核查过于完美: -log10 of the chance that the last errors are all so small.

    Formula: Q = sum e^2 / s^2 over the last `window` checks, s the repeatability of an honest
    instrument; score = -log10 P(chi2(window) <= Q), by Wilson and Hilferty.
    Units: errors and `repeatability` in tolerances, one column a check, oldest first (series x
    checks); the score has none.
    Missing data: an invalid check takes no part; with fewer than `window` valid checks so far the
    check is not evaluated (NaN).
    Edges: errors of exactly zero give the largest score, 16.
    Paper: falsification.csv D31; Wilson and Hilferty 1931.
    Fails: an instrument better than `repeatability`, or a reading rounded to the standard's digits,
    looks too good. A blind sample closes the gap.

    >>> errors = Series.of([0.0, 0.01, -0.01, 0.0, 0.02, 0.0, -0.01, 0.01])
    >>> bool(small_errors(errors)[0, -1] > 5), bool(small_errors(Series.of([0.1] * 8))[0, -1] < 1)
    (True, True)
    """
    found = np.full(errors.values.shape, np.nan)
    for row in range(len(found)):
        at = np.flatnonzero(errors.valid[row])
        if at.size < window or window < 1:
            continue
        last = np.lib.stride_tricks.sliding_window_view(errors.values[row, at], window)
        total = ((last / repeatability) ** 2).sum(axis=1)
        found[row, at[window - 1 :]] = [_score(float(q), window) for q in total]
    return found


def _score(total: float, n: int) -> float:
    cube = (max(total, 0.0) / n) ** (1 / 3)
    z = (cube - 1 + 2 / (9 * n)) / math.sqrt(2 / (9 * n))
    return max(0.0, -math.log10(max(0.5 * math.erfc(-z / math.sqrt(2)), _LEAST)))

"""核查误差同号: checks whose errors all lean to one side."""

import math

import numpy as np

from services.detect.kernels.series import Floats, Series


def one_sided_errors(errors: Series, *, window: int = 7, lean: float = 0.16) -> Floats:
    """核查误差同号: -log10 of the chance that so many of the last checks lean the same way.

    Formula: k = the larger number of errors above +0.5 or below -0.5 among the last `window`;
    score = -log10(2 P(Binomial(window, lean) >= k)), 0 at least; `lean` = 0.16 is the chance of an
    error above half of the tolerance where errors are normal with sd half of the tolerance.
    Units: errors in tolerances, one column a check, oldest first (series x checks); score has none.
    Missing data: an invalid check takes no part; with fewer than `window` valid checks so far the
    check is not evaluated (NaN).
    Edges: an invalid check is not evaluated. `window` of 1 is a plain tolerance of one half.
    Paper: falsification.csv D14 (6 of 7 checks same sign and > half tolerance); HJ 355-2019, HJ 75.
    Fails: an ageing sensor leans honestly: what matters is that nobody calibrated it.

    >>> errors = Series.of([0.1, 0.7, 0.8, 0.6, 0.9, 0.7, 0.8, 0.9])
    >>> one_sided_errors(errors).round(1).tolist()
    [[nan, nan, nan, nan, nan, nan, 3.7, 5.3]]
    """
    found = np.full(errors.values.shape, np.nan)
    for row in range(len(found)):
        at = np.flatnonzero(errors.valid[row])
        if at.size < window or window < 1:
            continue
        last = np.lib.stride_tricks.sliding_window_view(errors.values[row, at], window)
        k = np.maximum((last > 0.5).sum(axis=1), (last < -0.5).sum(axis=1))
        table = np.array([_score(int(n), window, lean) for n in range(window + 1)])
        found[row, at[window - 1 :]] = table[k]
    return found


def _score(k: int, n: int, p: float) -> float:
    tail = sum(math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k, n + 1))
    return max(0.0, -math.log10(2 * tail))

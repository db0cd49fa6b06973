"""恒值判定长度: how long a run of equal values must be before chance stops explaining it."""

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Floats


def run_threshold(repeat_share: ArrayLike, count: ArrayLike, alpha: float = 0.01) -> Floats:
    """恒值判定长度: ceil(ln(n (1 - p) / alpha) / ln(1 / p)) + 1 equal values in a row.

    Formula: n (1 - p) runs start in n values and each is longer than k with chance p**k; the length
    is the first for which fewer than alpha such runs are expected.
    Units: values (analyser cycles, where the caller decimated); p and alpha are shares.
    Missing data: NaN in either gives infinity, which no run reaches.
    Edges: p = 0 gives 1 (any repeat is news; callers keep their own minimum); p >= 1 or n <= 0
    gives infinity. Never below 1.
    Paper: geometric run lengths, Feller I, XIII.7; pattern D02 of the falsification table.
    Fails: where repeats cluster (a value at its detection limit), chance is larger than p**k says;
    callers take p per level class and refuse p > 0.7.

    >>> run_threshold([0.1, 0.5, 1.0], 2160).tolist()
    [7.0, 18.0, inf]
    """
    p = np.asarray(repeat_share, dtype=np.float64)
    n = np.asarray(count, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        length = np.ceil(np.log(n * (1.0 - p) / alpha) / np.log(1.0 / p)) + 1.0
    usable = (p >= 0) & (p < 1) & (n > 0)
    return np.where(usable, np.maximum(1.0, length), np.inf)

"""数据指纹: one number for every stretch of successive fresh values."""

import numpy as np
from numpy.typing import NDArray

from services.detect.kernels.fresh_values import Fresh
from services.detect.kernels.series import Ints

Hashes = NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 2**64)
_MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def window_hash(fresh: Fresh, length: int, group: Ints) -> tuple[Ints, Hashes]:
    """数据指纹: hash of the `length` fresh values that end with each, and where they end.

    Formula: rolling polynomial hash sum_j v_j B^j mod 2^64 over prefix sums (Karp and Rabin), v
    the scrambled bits of the value, finished with the group of the row, so that only rows of one
    group can be equal. Equal stretches of one group always have equal hashes.
    Units: `group` is (rows,), any numbers; the first result counts in `fresh`.
    Missing data: none, gaps were taken out with `fresh_values`.
    Edges: a row with fewer than `length` fresh values has no hash.
    Paper: Karp and Rabin 1987; Schleimer, Wilkerson and Aiken 2003 (winnowing).
    Fails: unequal stretches may share a hash (chance 2^-64 a pair): whoever accuses compares the
    values themselves.

    >>> two = Fresh(*(np.array(x) for x in ([0] * 5, range(5), [1., 2, 1, 2, 1])))
    >>> place, found = window_hash(two, 2, np.array([0]))
    >>> place.tolist(), bool(found[0] == found[2]), bool(found[0] == found[1])
    ([1, 2, 3, 4], True, False)
    """
    count = len(fresh.row)
    end = np.arange(length - 1, count)
    end = end[fresh.row[end] == fresh.row[end - length + 1]] if count >= length else end[:0]
    with np.errstate(over="ignore"):
        bits = _scramble((fresh.value + 0.0).view(np.uint64))
        total = np.zeros(count + 1, dtype=np.uint64)
        np.cumsum(bits * _powers(_BASE, count), out=total[1:])
        window = (total[end + 1] - total[end + 1 - length]) * _powers(_INVERSE, count)[end]
        own = _scramble(np.asarray(group).astype(np.uint64))[fresh.row[end]]
        return end, _scramble(window ^ own)


def _powers(base: int, count: int) -> Hashes:
    steps = np.full(count, base, dtype=np.uint64)
    steps[:1] = 1
    return np.asarray(np.cumprod(steps), dtype=np.uint64)


def _scramble(bits: Hashes) -> Hashes:
    """Every bit of the result depends on every bit given (splitmix64)."""
    for factor, shift in zip(_MIX, (30, 27), strict=True):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(bits ^ (bits >> np.uint64(31)), dtype=np.uint64)

"""同指纹对: stretches that have the same hash, found by one sort."""

import numpy as np

from services.detect.kernels.series import Ints
from services.detect.kernels.window_hash import Hashes


def equal_hash_pairs(place: Ints, found: Hashes) -> tuple[Ints, Ints]:
    """同指纹对: each stretch with the nearest one before it in the list that has its hash.

    Formula: sort by (hash, place); neighbours of equal hash are a pair. One sort serves all lags
    and all rows: its cost does not grow with the number of pairs that could be compared.
    Units: places as given, ascending.
    Missing data: none.
    Edges: m equal stretches give m - 1 pairs, not m (m - 1) / 2. Only the upper bits of the hash
    fit beside the place into 64 bits: some pairs are chance (2^-40 of n^2 / 2 for 16 million
    stretches), which the comparison of values finds.
    Paper: Schleimer, Wilkerson and Aiken 2003.
    Fails: never misses an equal neighbour; see Edges for the pairs too many.

    >>> equal_hash_pairs(np.array([3, 5, 9]), np.array([2**60, 7 << 58, 2**60], dtype=np.uint64))
    (array([3]), array([9]))
    """
    width = max(1, len(place)).bit_length()
    low = np.uint64((1 << width) - 1)
    order = np.sort((found & ~low) | np.arange(len(place), dtype=np.uint64))
    same = (order[1:] | low) == (order[:-1] | low)
    at = (order & low).astype(np.int64)
    return place[at[:-1][same]], place[at[1:][same]]

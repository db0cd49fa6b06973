"""照搬时段: where one series repeats another at one lag, and how much that says."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Bools, Floats, Ints


class Stretch(NamedTuple):
    """照搬时段: evidence at each cell that it belongs to a copied stretch."""

    bits: Floats
    """(T,): information of the best stretch that ends here."""
    begin: Ints
    """(T,): first cell of that stretch."""


def copied_stretch(equal: Bools, apart: Bools, bits: Floats, *, edit_bits: float = 12.0) -> Stretch:
    """照搬时段: best stretch of equal cells that ends at each cell.

    Formula: S_t = max(0, S_(t-1) + bits_t [equal] - edit_bits [apart]), the alignment without gaps
    of Smith and Waterman, as a running sum less its running least. A single edited value within a
    long copy costs `edit_bits` and does not end it.
    Units: bits.
    Missing data: a cell that is neither equal nor apart (one of the two is missing) changes
    nothing.
    Edges: cells of zero information (repeats within a hold) prolong a stretch and do not weigh.
    Paper: Smith and Waterman 1981; reference/detection.md 2.1, exact replay.
    Fails: two copies back to back from the same lag read as one.

    >>> same = np.array([False, True, True, False, True])
    >>> copied_stretch(same, ~same, np.full(5, 4.0), edit_bits=5).bits.tolist()
    [0.0, 4.0, 8.0, 3.0, 7.0]
    """
    total = np.cumsum(np.where(equal, bits, 0.0) - np.where(apart, edit_bits, 0.0))
    total = np.concatenate([[0.0], total])
    least = np.minimum.accumulate(total)
    lowest = np.where(total <= least, np.arange(len(total)), 0)
    return Stretch((total - least)[1:], np.maximum.accumulate(lowest)[1:].astype(np.int64))

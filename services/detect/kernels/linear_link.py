"""线性关联: how exactly one series is a straight function of another, window by window."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Bools, Floats, Ints

_LEAST = 10


class LinearLink(NamedTuple):
    """线性关联 of (pairs x windows); NaN where not evaluated."""

    rest: Floats
    """Root mean square of what the straight line leaves, n - 2."""
    honest: Floats
    """Root mean square of what the own last values leave: the least of four simple guesses."""
    cells: Ints
    """Cells that count: both have a value and one of them is fresh."""
    slope: Floats


def linear_link(own: Floats, other: Floats, counts: Bools, ends: Ints, length: int) -> LinearLink:
    """线性关联: own = a + b other over the `length` cells before each end, by least squares.

    Formula: rest^2 = (Syy - Sxy^2 / Sxx) / (n - 2), all sums as differences of running sums.
    honest^2 = least mean square of y - mean, of y_t - y_(t-1), and of its change, over the same
    cells: the mean, the last value, the last trend. n log2(honest / rest) bits speak for the line.
    Null model: sister factors share a process, and each analyser adds noise of its own, which the
    line leaves and the own past does too.
    Units: those of `own`; (pairs x cells), NaN = no value; `ends` in cells.
    Missing data: cells without both values, or that do not count, take no part.
    Edges: fewer than 10 cells, or a constant other, are NaN.
    Paper: reference/falsification.csv D15 (exact ratio or difference).
    Fails: factors of which one is computed from the other by design (NOx from NO): callers put the
    pair's own record against it.

    >>> x = np.array([[1.0, 4, 2, 8, 5, 7, 1, 3, 9, 2, 6, 4]])
    >>> got = linear_link(3 * x + 1, x, np.ones(x.shape, bool), np.array([12]), 12)
    >>> round(float(got.slope[0, 0]), 6), bool(got.rest[0, 0] < 1e-5 < got.honest[0, 0])
    (3.0, True)
    """
    both = np.isfinite(own) & np.isfinite(other) & counts
    y, x = (np.where(both, part - _middle(part), 0.0) for part in (own, other))
    moved = np.diff(own, axis=1, prepend=np.nan)
    turned = np.diff(moved, axis=1, prepend=np.nan)
    sums = [
        _windows(part, ends, length)
        for part in (both * 1.0, y, x, y * y, x * y, x * x, *_squares(moved, turned, both))
    ]
    n, sy, sx, syy, sxy, sxx, step, steps, turn, turns = sums
    few = np.maximum(n, 1.0)
    cyy, cxy, cxx = syy - sy * sy / few, sxy - sx * sy / few, sxx - sx * sx / few
    usable = (n >= _LEAST) & (cxx > 1e-12 * np.maximum(sxx, 1e-300)) & (steps > 0) & (turns > 0)
    line = np.maximum(cyy - cxy * cxy / np.where(usable, cxx, 1.0), 0.0) / np.maximum(n - 2, 1)
    guess = np.minimum(np.minimum(cyy / np.maximum(n - 1, 1), step / np.maximum(steps, 1)),
                       turn / np.maximum(turns, 1))  # fmt: skip
    rest, honest = (np.where(usable, np.sqrt(np.maximum(p, 0.0)), np.nan) for p in (line, guess))
    slope = np.where(usable, cxy / np.where(usable, cxx, 1.0), np.nan)
    return LinearLink(rest, honest, n.astype(np.int64), slope)


def _middle(part: Floats) -> Floats:
    """A value near all of a row, so that running sums keep their digits."""
    count = np.maximum(np.isfinite(part).sum(axis=1, keepdims=True), 1)
    return np.asarray(np.nansum(part, axis=1, keepdims=True) / count)


def _squares(moved: Floats, turned: Floats, both: Bools) -> list[Floats]:
    """Squares and counts of steps and of turns, where both series have a value."""
    found = []
    for part in (moved, turned):
        known = np.isfinite(part) & both
        found += [np.where(known, part, 0.0) ** 2, known * 1.0]
    return found


def _windows(part: Floats, ends: Ints, length: int) -> Floats:
    total = np.concatenate([np.zeros((len(part), 1)), np.cumsum(part, axis=1)], axis=1)
    return np.asarray(total[:, ends] - total[:, np.maximum(ends - length, 0)])

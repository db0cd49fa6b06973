"""标记遮盖高值: whether marks lie on the peaks of a series and on nothing else."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Bools, Floats, Ints, Series

_SHARES = (0.0, 0.1, 0.25, 0.5)


class CoveredPeaks(NamedTuple):
    """Judgement of every series; all of shape (series,)."""

    score: Floats
    """Information that the marks cover the peaks, in nats; NaN = not evaluated."""
    level: Floats
    """Level above which the peaks are covered best."""
    covered: Ints
    """Runs of marked cells above the level."""
    open: Ints
    """Runs of unmarked cells above the level."""


def covered_peaks(
    values: Series, marked: Bools, limits: Floats, *, least_share: float, most_share: float
) -> CoveredPeaks:
    """标记遮盖高值 (D12): runs above a level that are marked, against runs above it that are not.

    Formula: above a level u, k = runs of marked cells, m = runs of unmarked cells, n = k + m. With
    q = share of all cells that is marked, never below `least_share`: score = n KL(k/n || q) where
    k/n > q, else 0: the log of how rarely marks placed blindly would cover so many runs. The best
    of five levels counts (the limit, and the least, 10, 25 and 50 % of the marked values), less
    ln 5. Runs, because hours of one peak are one event; but cells must say it too (the same with
    their numbers, the smaller counts), or a low level would join all that is open to one run.
    Null model: marks come without regard to the values; each run is hit with chance q.
    Units: values and `limits` in the factor's unit; score in nats. `values.valid` is what arrived,
    marked or not: a marked value is a value here.
    Missing data: an invalid cell ends a run and is in no share.
    Edges: no marked value, or more than `most_share` of the cells marked: NaN, not evaluated.
    Paper: reference/detection.md 2.2 (mark abuse: ranks of marked values); falsification.csv D12.
    Fails: honest faults that come with high emission; maintenance that feeds high test gas; marks
    that blank the value. Needs the work order and the span check beside it.

    >>> level = np.array([[1.0, 2.0, 9.0, 2.0, 8.0, 1.0, 9.5, 2.0, 1.5, 7.0, 2.0, 1.0] * 3])
    >>> got = covered_peaks(Series.of(level), level > 6, np.array([np.nan]),
    ...                     least_share=0.02, most_share=0.5)
    >>> int(got.covered[0]), int(got.open[0]), round(float(got.score[0]), 1)
    (12, 0, 11.6)
    """
    there = values.valid
    hidden = marked & there
    number = there.sum(axis=1)
    share = hidden.sum(axis=1) / np.maximum(number, 1)
    usable = (hidden.sum(axis=1) > 0) & (share <= most_share)
    q = np.clip(share, least_share, 1 - 1e-9)
    best = CoveredPeaks(
        np.full(share.shape, -np.inf), np.full(share.shape, np.nan),
        np.zeros(share.shape, dtype=np.int64), np.zeros(share.shape, dtype=np.int64),
    )  # fmt: skip
    levels = _levels(np.where(hidden, values.values, np.nan), limits)
    for level in levels:
        with np.errstate(invalid="ignore"):
            above = there & (values.values >= level[:, None])
        k, m = _runs(above & hidden), _runs(above & ~hidden)
        cells = (above & hidden).sum(axis=1), above.sum(axis=1)
        both = np.minimum(_information(k, k + m, q), _information(*cells, q))
        score = both - np.log(len(levels))
        better = score > best.score
        for whole, part in zip(best, (score, level, k, m), strict=True):
            whole[better] = part[better]
    return best._replace(score=np.where(usable, np.maximum(best.score, 0.0), np.nan))


def _levels(hidden: Floats, limits: Floats) -> list[Floats]:
    """Levels to look above: the limit, and low order statistics of the marked values."""
    ordered = np.sort(hidden, axis=1)
    last = np.maximum(np.isfinite(hidden).sum(axis=1) - 1, 0)
    places = [np.floor(share * last).astype(np.int64)[:, None] for share in _SHARES]
    if hidden.shape[1] == 0:
        return [limits]
    return [limits, *(np.take_along_axis(ordered, place, axis=1)[:, 0] for place in places)]


def _runs(cells: Bools) -> Ints:
    """Number of runs of True in each row."""
    first = cells[:, :1].sum(axis=1)
    found: Ints = first + (cells[:, 1:] & ~cells[:, :-1]).sum(axis=1)
    return found


def _information(k: Ints, n: Ints, q: Floats) -> Floats:
    """n KL(k/n || q) where k/n is above q."""
    share = k / np.maximum(n, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        hit = np.where(k > 0, share * np.log(share / q), 0.0)
        miss = np.where(k < n, (1 - share) * np.log((1 - share) / (1 - q)), 0.0)
    return np.where(share > q, n * (hit + miss), 0.0)

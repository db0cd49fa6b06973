"""尾部评分: how far in the tail of its own past a statistic lies."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats


class Tail(NamedTuple):
    """Score of each cell, and the tail it was judged by, per block of cells."""

    score: Floats
    """(series x time): -log10 of the chance of so large a value; NaN = not in the tail, or not
    evaluated."""
    block: int
    """Cells of a block."""
    edge: Floats
    """(series x blocks): value that `top` of the past reached."""
    hill: Floats
    """(series x blocks): Hill index."""
    share: Floats
    """(series x blocks): top / number of past values."""

    def value_at(self, row: int, cell: int, score: float) -> float:
        """The statistic that would have had this score in the block of the cell."""
        k = cell // self.block
        beyond = score + np.log10(self.share[row, k])
        return float(self.edge[row, k] * 10.0 ** (beyond * self.hill[row, k]))


def tail_score(
    values: Floats,
    *,
    block: int,
    least: int,
    top: int = 20,
    index: tuple[float, float] = (0.2, 0.8),
) -> Tail:
    """尾部评分: -log10 P(Y > y) by the Hill tail of the own past.

    Formula: with u the m-th largest of n past values and xi the mean of log(Y / u) over the m that
    are larger, P = (m / n) (y / u)^(-1 / xi), score = log10(n / m) + log10(y / u) / xi; xi is held
    to `index`, since twenty values tell it badly. The past of a cell ends where its block begins.
    Units: the score has none. Values up to u are not in the tail and are not scored.
    Missing data: NaN is neither past nor judged; with fewer than `least` past cells (time, not
    values) or fewer than 2 m values nothing is evaluated.
    Edges: a past without m values above zero has no tail: not evaluated.
    Paper: Hill 1975; reference/detection.md 2.1 (spike) and 2.3 (beyond conformal ranks).
    Fails: excesses come in clusters, so the chance is one per cluster and not per value: rates are
    to be measured, as rates.csv does. A past with the fraud in it hides the fraud.

    >>> past = np.tile([1.0, 2.0, 4.0, 3.0], 25)[None]
    >>> tail = tail_score(np.append(past, [[40.0]], axis=1), block=50, least=50, top=10)
    >>> round(float(tail.score[0, -1]), 2), round(tail.value_at(0, 100, tail.score[0, -1]), 6)
    (6.0, 40.0)
    """
    rows, cells = values.shape
    score = np.full(values.shape, np.nan)
    blocks = -(-cells // block)
    edge, xi, share = (np.full((rows, blocks), np.nan) for _ in range(3))
    largest, seen = np.full((rows, top + 1), -np.inf), np.zeros(rows)
    known = np.where(np.isfinite(values), values, -np.inf)
    for k, begin in enumerate(range(0, cells, block)):
        own = known[:, begin : begin + block]
        if begin >= least:
            edge[:, k], xi[:, k] = _hill(largest, seen, index)
            share[:, k] = top / np.maximum(seen, 1)
            score[:, begin : begin + block] = _score(own, edge[:, k], xi[:, k], share[:, k])
        both = np.concatenate([largest, own], axis=1)
        largest = -np.partition(-both, top, axis=1)[:, : top + 1]
        seen += (own > -np.inf).sum(axis=1)
    return Tail(score, block, edge, xi, share)


def _hill(largest: Floats, seen: Floats, held: tuple[float, float]) -> tuple[Floats, Floats]:
    """Edge and index of the tail of each row; NaN without one."""
    ordered = -np.sort(-largest, axis=1)
    top = ordered.shape[1] - 1
    usable = (ordered[:, top] > 0) & (seen >= 2 * top)
    edge = np.where(usable, ordered[:, top], np.nan)
    with np.errstate(invalid="ignore"):
        xi = np.log(np.where(usable[:, None], ordered[:, :top], 1.0) / edge[:, None]).mean(axis=1)
    return edge, np.clip(xi, *held)


def _score(values: Floats, edge: Floats, xi: Floats, share: Floats) -> Floats:
    found = np.full(values.shape, np.nan)
    with np.errstate(invalid="ignore"):
        row, cell = np.nonzero(values > edge[:, None])
    beyond = np.log10(values[row, cell] / edge[row]) / xi[row]
    found[row, cell] = beyond - np.log10(share[row])
    return found

"""分块矩: what windows of any length need of a series, summed once over short blocks."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Bools, Floats, Ints, Series


class Moments(NamedTuple):
    """Sums that windows of blocks are made of."""

    sums: Floats
    """(6 x series x windows): valid cells, values and squares about `centre`, increments, their
    sizes, and how many of them are 0."""
    centre: Floats
    """(series,): what the values were taken from; their mean."""

    def of(self, begin: Ints, end: Ints, skip: int) -> "Moments":
        """Sums over blocks begin to end of running sums; increments from `skip` blocks later on."""
        later = np.minimum(begin + skip, end)
        own = self.sums[:3, :, end] - self.sums[:3, :, begin]
        moved = self.sums[3:6, :, end] - self.sums[3:6, :, later]
        heads = self.sums[6:, :, np.minimum(later + 1, end)] - self.sums[6:, :, later]
        return Moments(np.concatenate([own, moved - heads]), self.centre)


def block_moments(series: Series, lag: int, block: int) -> Moments:
    """分块矩: running sums over blocks of `block` cells, for `Moments.of`.

    Formula: for valid x_t of a block: number, sum of x - c, sum of (x - c)^2; for increments
    d_t = x_t - x_(t - lag) with both valid: number, sum of |d|, number of d = 0; and the last three
    over the first (lag mod block) cells of the block alone, whose increments reach out of it.
    Running sums over blocks begin with 0. `skip` of `of` is lag // block, so that no increment of a
    window reaches out of the window.
    Units: x in its unit; `lag` and `block` in cells.
    Missing data: invalid cells and increments to or from one add nothing.
    Edges: cells beyond the last whole block are not looked at; c is 0 for a row without a value.
    Paper: running sums as in Crow, Summed-area tables (1984); what they serve is in
    reference/detection.md 2.1.
    Fails: squares lose digits where values are 1e7 times their scatter about the mean of the row.

    >>> got = block_moments(Series.of([1.0, 2.0, 4.0, 4.0]), 1, 1)
    >>> got.of(np.array([0]), np.array([4]), 1).sums[:, 0, 0].round(2).tolist()
    [4.0, 0.0, 6.75, 3.0, 3.0, 1.0]
    """
    rows, cells = series.values.shape
    whole = cells - cells % block
    valid = series.valid[:, :whole]
    known = series.valid.sum(axis=1)
    centre = np.where(series.valid, series.values, 0.0).sum(axis=1) / np.maximum(known, 1)
    x = np.where(valid, series.values[:, :whole] - centre[:, None], 0.0)
    moved, pair = _increments(x, valid, lag)
    parts = [valid, x, x * x, pair, moved, pair & (moved == 0)]
    blocks = whole // block
    shape = rows, blocks, block
    sums = np.zeros((9, rows, blocks + 1))
    for k, part in enumerate(parts):
        cut = part.reshape(shape)
        sums[k, :, 1:] = cut.sum(axis=2) if block > 1 else cut[:, :, 0]
        if k >= 3 and lag % block:
            sums[k + 3, :, 1:] = cut[:, :, : lag % block].sum(axis=2)
    np.cumsum(sums, axis=2, out=sums)
    return Moments(sums, centre)


def _increments(x: Floats, valid: Bools, lag: int) -> tuple[Floats, Bools]:
    """Sizes of increments over `lag` cells, at the later cell of each."""
    moved, pair = np.zeros_like(x), np.zeros_like(valid)
    if lag < x.shape[1]:
        pair[:, lag:] = valid[:, lag:] & valid[:, :-lag]
        moved[:, lag:] = np.where(pair[:, lag:], np.abs(x[:, lag:] - x[:, :-lag]), 0.0)
    return moved, pair

"""同步相似度: how much each of several series moves as each other did."""

import numpy as np

from services.detect.kernels.series import Floats, Ints

_CAP = 0.999
_LEAST = 8


def twin_likeness(moves: Floats, length: int, ends: Ints, lag: int) -> Floats:
    """同步相似度: z of row i before an end with row j `lag` cells earlier, (groups x ends x i x j).

    Formula: rho = sum u_i u_j / sqrt(sum u_i^2 sum u_j^2) over `length` cells, where a stretch that
    moved less than half as much as the other counts half of it; z = atanh(rho) sqrt(m - 3), m the
    cells that moved in the quieter of the two. One matrix product an end.
    Null model: innovations of two outlets have nothing in common; then z is standard normal. Plants
    of one town or one stack have, honestly: callers compare with the pair's own record.
    Units: none; moves of (groups x rows x cells) as `innovations` gives them, `lag` >= 0 in cells.
    Missing data: a NaN move counts as no move.
    Edges: NaN where a stretch would begin before the first cell, where fewer than 8 cells moved,
    and for a row with itself.
    Paper: reference/detection.md 1.6 and 2.2, identical at two outlets.
    Fails: a common process that both measure (one stack, two registrations).

    >>> u = np.random.default_rng(1).standard_normal((1, 2, 60))
    >>> u[0, 1, 21:60] = u[0, 0, 20:59]
    >>> z = twin_likeness(u, 30, np.array([60]), 1)[0, 0]
    >>> bool(z[1, 0] > 15), bool(abs(z[0, 1]) < 4), bool(np.isnan(z[0, 0]))
    (True, True, True)
    """
    groups, rows, _ = moves.shape
    found = np.full((groups, len(ends), rows, rows), np.nan)
    some = ends - length - lag >= 0
    if not some.any() or not rows:
        return found
    cells = ends[some, None] - np.arange(length, 0, -1)
    own, other = (
        np.nan_to_num(moves[:, :, at]).astype(np.float32).swapaxes(1, 2)
        for at in (cells, cells - lag)
    )
    size, told = (np.sqrt((x * x).sum(axis=3)) for x in (own, other))
    count = np.minimum((own != 0).sum(axis=3)[..., None], (other != 0).sum(axis=3)[..., None, :])
    most = np.maximum(size[..., None], told[..., None, :])
    least = np.maximum(np.minimum(size[..., None], told[..., None, :]), most / 2)
    rho = own @ other.swapaxes(2, 3) / np.maximum(most * least, 1e-6)
    z = np.arctanh(np.clip(rho, -_CAP, _CAP)) * np.sqrt(np.maximum(count - 3.0, 0.0))
    found[:, some] = np.where((count >= _LEAST) & ~np.eye(rows, dtype=bool), z, np.nan)
    return found

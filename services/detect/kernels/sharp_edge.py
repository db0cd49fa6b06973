"""陡沿: values that leave those before them by one clear step and stay there."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Floats, Series
from services.detect.kernels.sliding_extreme import sliding_extreme


class Edges(NamedTuple):
    """Height of the highest edge that ended at each cell (series x time); -inf = not known."""

    up: Floats
    down: Floats


def sharp_edge(
    series: Series, usual: ArrayLike, *, plateau: int, up: Collection[int] = (),
    down: Collection[int] = (),
) -> Edges:  # fmt: skip
    """陡沿: least of `plateau` cells minus the largest of `plateau` cells before them.

    Formula: up = (min x[t - p + 1 .. t] - max x[t - 2 p - g + 2 .. t - p - g + 1]) / sqrt(base), g
    the cells the edge may take, the highest over those in `up`; down is the same of falls. base =
    the larger of the largest value of the edge's lower side and a fifth of the usual level there:
    scatter of concentrations grows about as the root of the level.
    Units: square root of the unit of the values; `usual` is (series x time) or broadcasts to it.
    Missing data: extremes go over what is valid; a side without a valid value gives -inf.
    Edges: a slope is no edge: each of its sides reaches the other, and the height is below zero.
    `usual` at or below zero or NaN gives -inf. Without cells in `up` or `down`, -inf throughout.
    Paper: reference/detection.md 1 (scatter depends on level) and 2.1 (steep rise).
    Fails: a plateau shorter than `plateau` cells is not seen; start-up of a plant is an edge.

    >>> steps = Series.of([4.0, 4.0, 9.0, 8.0, 4.0])
    >>> sharp_edge(steps, 4.0, plateau=2, up=[1]).up.round(2).tolist()
    [[-inf, -inf, 0.0, 2.0, -1.67]]
    """
    high = sliding_extreme(np.where(series.valid, series.values, -np.inf), plateau)
    low = -sliding_extreme(np.where(series.valid, -series.values, -np.inf), plateau)
    known = high > -np.inf
    usual = np.broadcast_to(np.asarray(usual, dtype=np.float64), high.shape)
    with np.errstate(invalid="ignore"):
        scale = np.sqrt(np.maximum(high, np.where(usual > 0, usual / 5, np.nan)))
    found = Edges(np.full(high.shape, -np.inf), np.full(high.shape, -np.inf))
    for gap in {*up, *down}:
        lag = plateau + gap - 1
        if lag >= high.shape[1]:
            continue
        now, then = np.s_[:, lag:], np.s_[:, :-lag]
        both = known[now] & known[then]
        with np.errstate(invalid="ignore"):
            if gap in up:
                rise = (low[now] - high[then]) / scale[then]
                found.up[now] = np.fmax(found.up[now], np.where(both, rise, -np.inf))
            if gap in down:
                fall = (low[then] - high[now]) / scale[now]
                found.down[now] = np.fmax(found.down[now], np.where(both, fall, -np.inf))
    return found

"""陡沿: values that leave those before them by one clear step and stay there."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Floats, Series
from services.detect.kernels.sliding_extreme import sliding_extreme


class Edges(NamedTuple):
    """Height of the edge that ended at each cell, of shape (series x time); below 0 = none."""

    up: Floats
    down: Floats


def sharp_edge(series: Series, usual: ArrayLike, *, plateau: int, gap: int = 1) -> Edges:
    """陡沿: least of `plateau` cells minus the largest of `plateau` cells before them.

    Formula: up = (min x[t - p + 1 .. t] - max x[t - 2 p - g + 2 .. t - p - g + 1]) / sqrt(base), g
    the cells the edge may take; down is the same of -x. base = the larger of the edge's lower side
    and a fifth of the usual level: scatter of concentrations grows about as the root of the level.
    Units: square root of the unit of the values; `usual` is (series x time) or broadcasts to it.
    Missing data: extremes go over what is valid; a side without a valid value gives NaN.
    Edges: a slope is no edge: each of its sides reaches the other. `usual` at or below zero or NaN
    gives NaN.
    Paper: reference/detection.md 1 (scatter depends on level) and 2.1 (steep rise).
    Fails: a plateau shorter than `plateau` cells is not seen; start-up of a plant is an edge.

    >>> steps = Series.of([4.0, 4.0, 9.0, 8.0, 4.0])
    >>> sharp_edge(steps, 4.0, plateau=2).up.round(2).tolist()
    [[nan, nan, 0.0, 2.0, -1.67]]
    """
    x = series.masked
    low, high = -sliding_extreme(-x, plateau), sliding_extreme(x, plateau)
    before_low = -sliding_extreme(-x, plateau, plateau + gap - 1)
    before_high = sliding_extreme(x, plateau, plateau + gap - 1)
    usual = np.asarray(usual, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        least = np.where(usual > 0, usual / 5, np.nan)
        up = (low - before_high) / np.sqrt(np.maximum(before_high, least))
        down = (before_low - high) / np.sqrt(np.maximum(high, least))
    return Edges(up, down)

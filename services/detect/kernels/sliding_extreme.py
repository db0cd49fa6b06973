"""滑动极值: largest of the last cells, by windows that double."""

import numpy as np

from services.detect.kernels.series import Floats


def sliding_extreme(values: Floats, width: int, delay: int = 0) -> Floats:
    """滑动极值: largest value in the `width` cells that end `delay` cells before each cell.

    Formula: max(x[t - delay - width + 1 .. t - delay]); the least is minus that of -x. Windows
    double, so the cost grows with log2(width).
    Units: those of the values.
    Missing data: -infinity stands for nothing, in and out; a NaN makes its windows NaN.
    Edges: windows that begin before the first cell are shorter; those wholly before it are -inf.
    Paper: none; van Herk's problem in its simplest vector form.
    Fails: one wrong value is the extreme of `width` cells.

    >>> sliding_extreme(np.array([[1.0, 3.0, -np.inf, 2.0, 0.0]]), 2, 1).tolist()
    [[-inf, 1.0, 3.0, 3.0, 2.0]]
    """
    span, found = 1, values
    while span < width:
        step = min(span, width - span)
        wider = found.copy()
        np.maximum(found[:, step:], found[:, :-step], out=wider[:, step:])
        found, span = wider, span + step
    if delay == 0:
        return found
    later = np.full(values.shape, -np.inf)
    later[:, delay:] = found[:, :-delay]
    return later

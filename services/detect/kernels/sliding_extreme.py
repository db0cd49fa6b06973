"""滑动极值: largest of the last cells, by windows that double."""

import numpy as np

from services.detect.kernels.series import Floats


def sliding_extreme(values: Floats, width: int, delay: int = 0) -> Floats:
    """滑动极值: largest number in the `width` cells that end `delay` cells before each cell.

    Formula: max(x[t - delay - width + 1 .. t - delay]); the least is minus that of -x. Windows
    double, so the cost grows with log2(width).
    Units: those of the values.
    Missing data: NaN takes no part; a window without a number gives NaN.
    Edges: windows that begin before the first cell are shorter; those wholly before it give NaN.
    Paper: none; van Herk's problem in its simplest vector form.
    Fails: one wrong value is the extreme of `width` cells.

    >>> sliding_extreme(np.array([[1.0, 3.0, np.nan, 2.0, 0.0]]), 2, 1).tolist()
    [[nan, 1.0, 3.0, 3.0, 2.0]]
    """
    span, found = 1, values
    while span * 2 <= width:
        found, span = np.fmax(found, _later(found, span)), span * 2
    if width > span:
        found = np.fmax(found, _later(found, width - span))
    return _later(found, delay)


def _later(values: Floats, cells: int) -> Floats:
    """The values some cells later; NaN before them."""
    if cells == 0:
        return values
    found = np.full(values.shape, np.nan)
    if cells < values.shape[1]:
        found[:, cells:] = values[:, :-cells]
    return found

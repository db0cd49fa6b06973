"""行中位数: the middle of each row, numbers only."""

import numpy as np

from services.detect.kernels.series import Floats


def row_median(rows: Floats) -> Floats:
    """行中位数: median of each row, without the NaN in it; np.nanmedian is slow and warns.

    Formula: middle of the ordered numbers; mean of the two middle ones where they are even.
    Units: those of the values. Shape (rows x columns) in, (rows,) out.
    Missing data: NaN takes no part.
    Edges: a row without a number, or without columns, gives NaN.
    Paper: none; a plain order statistic (reference/detection.md 2.0 asks for it everywhere).
    Fails: half of the values wrong in one direction move it.

    >>> row_median(np.array([[1.0, np.nan, 4.0, 2.0], [np.nan] * 4])).tolist()
    [2.0, nan]
    """
    if rows.shape[1] == 0:
        return np.full(rows.shape[0], np.nan)
    ordered = np.sort(rows, axis=1)
    count = rows.shape[1] - np.isnan(rows).sum(axis=1)
    low = np.take_along_axis(ordered, (np.maximum(count - 1, 0) // 2)[:, None], axis=1)[:, 0]
    at = np.minimum(count // 2, rows.shape[1] - 1)[:, None]
    high = np.take_along_axis(ordered, at, axis=1)[:, 0]
    return np.where(count > 0, (low + high) / 2, np.nan)

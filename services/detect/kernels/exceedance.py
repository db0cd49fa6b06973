"""超标: which values are outside their limit, and by how much."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Bools, Floats, Series


class Exceedance(NamedTuple):
    """Judgement of every cell."""

    over: Bools
    """True where a valid value is outside its limit."""
    multiple: Floats
    """超标倍数 (c - L) / L of the cells above an upper limit; NaN elsewhere."""


def exceedance(series: Series, upper: ArrayLike, lower: ArrayLike = np.nan) -> Exceedance:
    """超标: value > upper limit, or value < lower limit; multiple of exceedance (c - L) / L.

    Formula: over = valid and (c > upper or c < lower); multiple = (c - upper) / upper.
    Units: limits in the unit of the values; the multiple has none.
    Missing data: an invalid cell is never over. A NaN limit is no limit.
    Edges: a value equal to its limit does not exceed it. A limit of zero is a limit: anything above
    it exceeds, and the multiple is NaN because nothing can be divided by it. Below a lower limit
    (pH) there is no multiple.
    Clause: HJ 75-2017 and the emission standards (hourly mean); multiple as in the ministry's
    announcements of exceedance. Rounding, where the rule asks for it, is done before
    (`round_half_even`), and so is conversion to reference oxygen (`o2_conversion`).
    Fails: it knows nothing of flags, marks or start-up exemptions: the mask carries those.

    >>> found = exceedance(Series.of([35.0, 42.0, float("nan")]), 35.0)
    >>> found.over.tolist(), round(float(found.multiple[0, 1]), 3)
    ([[False, True, False]], 0.2)
    """
    top = np.broadcast_to(np.asarray(upper, dtype=np.float64), series.values.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        above = series.valid & (series.values > top)
        below = series.valid & (series.values < np.asarray(lower, dtype=np.float64))
        multiple = np.where(above & (top > 0), (series.values - top) / top, np.nan)
    return Exceedance(above | below, multiple)

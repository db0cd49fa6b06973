"""数值修约: rounding as GB/T 8170 does it, exact for decimal numbers."""

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Floats

# A received number has at most 12 significant digits (HJ 212 sends N5.2 and the like), so a tie is
# recognised with room to spare while 0.15 * 10 = 1.4999999999999998 still counts as one.
_TIE = 1e-11


def round_half_even(values: ArrayLike, digits: ArrayLike) -> Floats:
    """数值修约 (四舍六入五成双): round to `digits` decimals, a tie goes to the even digit.

    Formula: nearest multiple of 10**-digits; at exactly half, the even multiple.
    Units: as given. `digits` may be negative (tens, hundreds) and broadcasts against `values`.
    Missing data: NaN stays NaN, an infinity stays itself.
    Edges: a tie is judged on the decimal number that was received, not on its binary neighbour, so
    2.675 becomes 2.68 although the float is below the tie.
    Clause: GB/T 8170-2008, 3.2 (进舍规则). Whether rounded or full values are compared with a limit
    is the standard's choice (4.3); where it says nothing, the full value is compared.
    Fails: for numbers of more than 12 significant digits, where a near tie counts as a tie.

    >>> round_half_even([80.5, 81.5, 2.675, -0.25], [0, 0, 2, 1]).tolist()
    [80.0, 82.0, 2.68, -0.2]
    """
    power = np.asarray(digits, dtype=np.float64)
    scaled = np.asarray(values, dtype=np.float64) * 10.0**power
    below = np.floor(scaled)
    with np.errstate(invalid="ignore"):
        rest = scaled - below
        tie = np.abs(rest - 0.5) <= _TIE * np.maximum(1.0, np.abs(scaled))
        up = np.where(tie, np.mod(below, 2.0) == 1.0, rest > 0.5)
        whole = np.where(np.isfinite(scaled), below + up, scaled)
        # Dividing by a whole power of ten gives the nearest float; multiplying by 0.1 would not.
        fine = whole / 10.0 ** np.maximum(power, 0.0)
    return np.asarray(fine * 10.0 ** np.maximum(-power, 0.0), dtype=np.float64)

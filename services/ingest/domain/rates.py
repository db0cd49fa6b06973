"""传输率: shares of what was due, in the real-time and the after-fill version (domain.md B.6).

The effective rate is transmission rate x validity rate; validity needs judgement and follows with
it, so there is no factor for it in here.
"""

from math import nan


def share(came: int, free: int, due: int, stopped: int) -> float:
    """(came + free) of what was due without the stopped hours; NaN where nothing was due.

    >>> share(23, 1, 24, 0)  # 23/24 counts as 100 %
    1.0
    >>> share(20, 0, 24, 4)  # four stopped hours leave the denominator
    1.0
    """
    base = due - stopped
    return min((came + free) / base, 1.0) if base > 0 else nan

"""传输有效率: joins the transmission rate that ingest counts with the validity that detect judges.

Here, because neither knows the other, and the console and the command line show both.
"""

from typing import NamedTuple


class Effective(NamedTuple):
    """传输有效率; NaN = nothing was due, or no day is judged yet."""

    realtime: float
    """传输率 of what came in time x 有效率."""
    after_fill: float
    """传输率 with what was filled x 有效率."""


def effective(transmission: float, transmission_filled: float, validity: float) -> Effective:
    """传输有效率 = 传输率 x 有效率, each 0..1, in both versions of domain.md B.6.

    >>> effective(0.5, 1.0, 0.9)
    Effective(realtime=0.45, after_fill=0.9)
    """
    return Effective(transmission * validity, transmission_filled * validity)

"""序列标识: what a row of values belongs to."""

from typing import NamedTuple

#: Factor of the row that tells in which hours an outlet sent anything at all.
PRESENCE = ""


class SeriesKey(NamedTuple):
    """One series of any kind; the kinds have the same row in their own rings."""

    outlet_id: str
    factor: str

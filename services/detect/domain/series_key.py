"""序列标识: what a row of values belongs to."""

from typing import NamedTuple

#: Factor of the row that tells in which hours an outlet sent anything at all.
PRESENCE = ""
#: Ending of the code of a row of converted concentrations 折算浓度, beside the measured ones.
CONVERTED = "_zs"


class SeriesKey(NamedTuple):
    """One series of any kind; the kinds have the same row in their own rings."""

    outlet_id: str
    factor: str


def measured_factor(factor: str) -> str:
    """Code of a factor as the registry knows it, of a row of converted concentrations too."""
    return factor.removesuffix(CONVERTED)

"""外部迹象: what one record or a group of them says, located and in one sentence each."""

import math
from dataclasses import dataclass

from services.detect.outside.positions import NOWHERE, Point

#: Kinds of signs and the kind of information they are: two signs of one kind are one information.
FAMILIES = {
    "hot_grid": "air_network",
    "high_value": "air_network",
    "bare_land": "satellite",
    "satellite": "satellite",
    "drone": "drone",
    "video": "video",
    "vehicle_gate": "gate",
    "fingerprint": "laboratory",
    "complaint": "public",
}


@dataclass(frozen=True)
class Wind:
    """风: where it comes from (degrees, 0 = north) and how fast; calm has no direction."""

    from_deg: float = math.nan
    speed_ms: float = math.nan

    @property
    def known(self) -> bool:
        """Whether it tells a direction."""
        return math.isfinite(self.from_deg)


@dataclass(frozen=True)
class OutsideSign:
    """外部迹象. A later look at the same records gives the same sign with the same key."""

    key: str
    kind: str  # of FAMILIES
    begin_s: int
    end_s: int
    division: str
    medium: str  # air | water | land
    strength: float  # 0..1: how far beyond what is usual; orders, no probability
    seen: str
    silenced_by: str
    credit_code: str = ""  # of the plant it names
    point: Point = NOWHERE
    radius_m: float = 0.0
    pollutant: str = ""
    value: float = math.nan
    expected: float = math.nan
    unit: str = ""
    wind: Wind = Wind()
    sources: tuple[str, ...] = ()  # natural keys of the records at ingest, at most `MOST_SOURCES`

    @property
    def located(self) -> bool:
        """Whether it says where it is."""
        return math.isfinite(self.point.x)


MOST_SOURCES = 50


def saturated(ratio: float, at: float) -> float:
    """强度 of an excess: 0 where nothing is beyond, 0.5 at `at`, towards 1.

    >>> saturated(0, 2), saturated(2, 2), saturated(-1, 2)
    (0.0, 0.5, 0.0)
    """
    return max(ratio, 0.0) / (max(ratio, 0.0) + at)

"""位置: degrees to metres in the equal-area plane of the 3 km grid, and back.

Albers equal area, standard parallels 25 N and 47 N, meridian 105 E, origin on the equator, GRS 80
(domain.md H). Distances in the plane are off by at most 2 % between 18 N and 54 N, areas by
nothing. Positions of consumer maps (GCJ-02) are off by 50 to 700 m, more than a cell of 500 m, so
they are brought back first; CGCS2000 and WGS 84 differ by centimetres and count as the same.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

_A = 6_378_137.0
_E2 = 0.006_694_380_022_90
_E = math.sqrt(_E2)
_LON0, _LAT1, _LAT2 = 105.0, 25.0, 47.0
GCJ02 = "GCJ02"


class Point(NamedTuple):
    """Metres in the plane of the grid: x to the east, y to the north."""

    x: float
    y: float


NOWHERE = Point(math.nan, math.nan)


def _m2(lat: float) -> float:
    sine = math.sin(math.radians(lat))
    return (1.0 - sine * sine) / (1.0 - _E2 * sine * sine)


def _q(sine: float) -> float:
    inner = _E2 * sine * sine
    logarithm = math.log((1.0 - _E * sine) / (1.0 + _E * sine)) / (2.0 * _E)
    return (1.0 - _E2) * (sine / (1.0 - inner) - logarithm)


def _q_of(lat: float) -> float:
    return _q(math.sin(math.radians(lat)))


_N = (_m2(_LAT1) - _m2(_LAT2)) / (_q_of(_LAT2) - _q_of(_LAT1))
_C = _m2(_LAT1) + _N * _q_of(_LAT1)
_RHO0 = _A * math.sqrt(_C) / _N


def project(longitude: float, latitude: float) -> Point:
    """投影: degrees (CGCS2000) to metres.

    >>> [round(v) for v in project(105.0, 0.0)], [round(v) for v in project(114.187, 36.7065)]
    ([0, 0], [804717, 3964913])
    """
    rho = _A * math.sqrt(_C - _N * _q_of(latitude)) / _N
    angle = _N * math.radians(longitude - _LON0)
    return Point(rho * math.sin(angle), _RHO0 - rho * math.cos(angle))


def unproject(point: Point) -> tuple[float, float]:
    """反投影: metres to degrees (longitude, latitude).

    >>> [round(v, 6) for v in unproject(project(114.187, 36.7065))]
    [114.187, 36.7065]
    """
    rho = math.hypot(point.x, _RHO0 - point.y)
    angle = math.atan2(point.x, _RHO0 - point.y)
    q = (_C - (rho * _N / _A) ** 2) / _N
    sine = q / 2.0
    for _ in range(8):  # Newton; q'(sine) = 2 (1 - e2) / (1 - e2 sine^2)^2
        step = (q - _q(sine)) * (1.0 - _E2 * sine * sine) ** 2 / (2.0 * (1.0 - _E2))
        sine += step
    return _LON0 + math.degrees(angle / _N), math.degrees(math.asin(sine))


def located(longitude: float, latitude: float, crs: str) -> Point:
    """定位: a position as it was told, whatever its system; NaN gives NOWHERE."""
    if not (math.isfinite(longitude) and math.isfinite(latitude)):
        return NOWHERE
    if crs == GCJ02:
        longitude, latitude = from_gcj02(longitude, latitude)
    return project(longitude, latitude)


def from_gcj02(longitude: float, latitude: float) -> tuple[float, float]:
    """火星坐标还原: GCJ-02 to WGS 84, to a millimetre, by fixed-point iteration.

    >>> moved = to_gcj02(114.187, 36.7065)
    >>> [round(v, 6) for v in moved], [round(v, 6) for v in from_gcj02(*moved)]
    ([114.193143, 36.706797], [114.187, 36.7065])
    """
    lon, lat = longitude, latitude
    for _ in range(6):
        there = to_gcj02(lon, lat)
        lon, lat = lon + longitude - there[0], lat + latitude - there[1]
    return lon, lat


def to_gcj02(longitude: float, latitude: float) -> tuple[float, float]:
    """火星坐标: WGS 84 to GCJ-02 by the published polynomial of consumer maps."""
    x, y = longitude - 105.0, latitude - 35.0
    waves = 20.0 * (math.sin(6 * math.pi * x) + math.sin(2 * math.pi * x))
    root = math.sqrt(abs(x))
    d_lat = -100.0 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + waves * 2 / 3
    d_lat += (20 * math.sin(math.pi * y) + 40 * math.sin(math.pi / 3 * y)) * 2 / 3
    d_lat += (160 * math.sin(math.pi / 12 * y) + 320 * math.sin(math.pi / 30 * y)) * 2 / 3
    d_lon = 300.0 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + waves * 2 / 3
    d_lon += (20 * math.sin(math.pi * x) + 40 * math.sin(math.pi / 3 * x)) * 2 / 3
    d_lon += (150 * math.sin(math.pi / 12 * x) + 300 * math.sin(math.pi / 30 * x)) * 2 / 3
    axis, e2 = 6_378_245.0, 0.006_693_421_622_965_943  # Krasovsky 1940, as the maps use it
    phi = math.radians(latitude)
    magic = 1 - e2 * math.sin(phi) ** 2
    per_lat = axis * (1 - e2) / (magic * math.sqrt(magic)) * math.pi / 180
    per_lon = axis / math.sqrt(magic) * math.cos(phi) * math.pi / 180
    return longitude + d_lon / per_lon, latitude + d_lat / per_lat


def distance(one: Point, other: Point) -> float:
    """距离 in metres; NaN where one of both is nowhere."""
    return math.hypot(one.x - other.x, one.y - other.y)


def bearing(start: Point, end: Point) -> float:
    """方位角 from one point to another in degrees, 0 = north, 90 = east, in [0, 360).

    >>> round(bearing(project(114.0, 36.0), project(115.0, 36.0)))
    90
    """
    # The plane's north is turned against true north by the convergence of the meridians.
    turn = _N * (unproject(start)[0] - _LON0)
    return (math.degrees(math.atan2(end.x - start.x, end.y - start.y)) + turn) % 360.0


def turned(one: float, other: float) -> float:
    """夹角 of two directions, 0 to 180 degrees.

    >>> turned(350, 20)
    30.0
    """
    return abs((one - other + 180.0) % 360.0 - 180.0)


def area_and_centre(corners: Sequence[Point]) -> tuple[float, Point]:
    """面积与中心 of an outline that closes itself: m2 and its centroid (shoelace formula).

    >>> area_and_centre([Point(0, 0), Point(200, 0), Point(200, 100), Point(0, 100)])
    (20000.0, Point(x=100.0, y=50.0))
    """
    first = corners[0]
    at = [(one.x - first.x, one.y - first.y) for one in corners]
    twice, x, y = 0.0, 0.0, 0.0
    for (ax, ay), (bx, by) in zip(at, [*at[1:], at[0]], strict=True):
        cross = ax * by - bx * ay
        twice, x, y = twice + cross, x + (ax + bx) * cross, y + (ay + by) * cross
    if twice == 0:  # corners on one line
        mean = [sum(part) / len(at) for part in zip(*at, strict=True)]
        return 0.0, Point(first.x + mean[0], first.y + mean[1])
    return abs(twice) / 2.0, Point(first.x + x / (3 * twice), first.y + y / (3 * twice))

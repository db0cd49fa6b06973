"""风场: wind of the stations about a place and hour, as vectors."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from services.detect.kernels.series import Floats, Ints
from services.detect.outside.positions import Point
from services.detect.outside.records import Series
from services.detect.outside.rule import OutsideRule
from services.detect.outside.sign import Wind

SPEED, DIRECTION = "a01007", "a01008"


class Winds:
    """风场: the mean vector of the hours asked for, of the nearest station that has them.

    u = -v sin(d), v = -v cos(d) with d where the wind comes from; means are of vectors, so that
    350 and 10 degrees give north, and changing winds give calm. Paper: the usual vector mean of
    meteorology (WMO No. 8, part I, 5.8.2). Fails where terrain turns the wind between a station
    and the place, and says nothing of height.
    """

    def __init__(self, series: Iterable[Series], rule: OutsideRule) -> None:
        self._rule = rule
        speeds: dict[str, Series] = {}
        directions: dict[str, Series] = {}
        for one in series:
            if one.pollutant in (SPEED, DIRECTION) and math.isfinite(one.point.x):
                (speeds if one.pollutant == SPEED else directions)[one.subject] = one
        self._stations = [
            _vectors(speeds[name], directions[name]) for name in sorted(speeds.keys() & directions)
        ]

    def over(self, point: Point, hours_s: Ints | Sequence[int]) -> Wind:
        """风 at a point over some hours (their starts); calm or unknown has no direction."""
        near = sorted(
            (math.dist(point, where), at) for at, (where, *_) in enumerate(self._stations)
        )
        for distance, at in near:
            if not distance <= self._rule.wind_reach_m:
                break
            _, start_s, east, north = self._stations[at]
            mine = np.isin(start_s, np.asarray(hours_s) // 3600 * 3600)
            if mine.any():
                return self._wind(float(east[mine].mean()), float(north[mine].mean()))
        return Wind()

    def _wind(self, east: float, north: float) -> Wind:
        speed = math.hypot(east, north)
        if speed < self._rule.min_wind_ms:
            return Wind(math.nan, speed)
        return Wind(math.degrees(math.atan2(-east, -north)) % 360.0, speed)


def _vectors(speed: Series, direction: Series) -> tuple[Point, Ints, Floats, Floats]:
    both, at, other = np.intersect1d(speed.start_s, direction.start_s, return_indices=True)
    angle = np.radians(direction.value[other])
    east, north = -speed.value[at] * np.sin(angle), -speed.value[at] * np.cos(angle)
    known = np.isfinite(east + north)
    return speed.point, both[known], east[known], north[known]

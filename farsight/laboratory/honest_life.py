"""诚实运维: what happens to an honest station: calibrations, maintenance, checks, a parameter log.

Cheats with marks, checks or parameters are found against this background only.
"""

import numpy as np

from farsight.laboratory.station import Station
from services.detect.screening.roles import Role

_WEEK_D, _CHECK_D = 7, 1
_REPEATABILITY = 0.015
_DRIFT_A_CHECK = 0.004
_LIMIT_QUANTILE = 0.995


def dress(station: Station, seed: int) -> Station:
    """A copy with a week's calibrations (C), some maintenance (M), daily span checks, parameters.

    Errors of checks wander slowly and are corrected when they pass half the tolerance, as in life.
    """
    random = np.random.default_rng([seed, *station.name.encode()])
    mine = station.copy()
    for factor in mine.factors(Role.POLLUTANT):
        _marks(mine, factor, random)
        _checks(mine, factor, random)
        mine.parameters.append((factor, 0, "slope", 1.0, True))
    return mine


def _marks(station: Station, factor: str, random: np.random.Generator) -> None:
    flag = station.channels[factor].flag
    hour, day = station.cells_of(1), station.per_day
    if station.step_min > 60:
        return
    at = int(random.integers(8, 17)) * hour
    for begin in range(int(random.integers(0, _WEEK_D)) * day, station.cells, _WEEK_D * day):
        flag[begin + at : begin + at + int(random.integers(1, 3)) * hour] = "C"
    for _ in range(int(random.integers(1, 4))):
        begin = int(random.integers(0, station.cells))
        flag[begin : begin + int(random.integers(2, 9)) * hour] = "M"


def _checks(station: Station, factor: str, random: np.random.Generator) -> None:
    limit = station.channels[factor].limit
    standard = round(float(limit if limit > 0 else np.nanmax(station.channels[factor].value)), 3)
    bias = 0.0
    for cell in range(0, station.cells, _CHECK_D * station.per_day):
        bias += _DRIFT_A_CHECK * float(random.standard_normal())
        if abs(bias) > 0.05:  # the technician adjusts
            bias = 0.0
        error = bias + _REPEATABILITY * float(random.standard_normal())
        station.checks.append((factor, cell, "span", standard, round(standard * (1 + error), 5)))

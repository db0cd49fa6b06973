"""误报率表: how often honest data reach a score, measured on clean series; from the pack."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from services.detect.kernels.series import Floats

#: Test name of the joint score of several signs (`evidence`).
FUSED = "fused"
#: Class that serves every interval without rows of its own.
ANY = "any"
#: Longest interval in minutes of each class.
_CLASSES: Sequence[tuple[int, str]] = ((5, "minute"), (30, "quarter"), (720, "hour"))
_LONGEST = "day"


@dataclass(frozen=True)
class RatePoint:
    """One measured point: honest stations reach `score` so many times a station-year."""

    test: str
    """Rule id, or `fused`."""
    interval_class: str
    """minute (to 5 min) | quarter (to 30 min) | hour (to 12 h) | day | any."""
    score: float
    per_station_year: float
    """Episodes (signs of one station closer than 24 h are one) with this score or more."""
    source: str
    """Which clean series, how many station-years, which day."""


def interval_class(step_min: int) -> str:
    """Class of an interval.

    >>> interval_class(60), interval_class(1440)
    ('hour', 'day')
    """
    return next((name for longest, name in _CLASSES if step_min <= longest), _LONGEST)


class RateTable:
    """误报率表: score to false episodes a station-year, by test and interval class."""

    def __init__(self, points: Iterable[RatePoint]) -> None:
        """Points in any order; within a curve the rate must fall as the score rises."""
        curves: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for point in points:
            place = point.test, point.interval_class
            curves.setdefault(place, []).append((point.score, point.per_station_year))
        slopes = {place: _slope(sorted(pairs)) for place, pairs in curves.items()}
        usual = _usual(slopes.values())
        self._curves = {
            (test, name): _Curve(
                sorted(pairs), slopes[test, name] or slopes.get((test, ANY), 0.0) or usual
            )
            for (test, name), pairs in curves.items()
        }

    def per_station_year(self, test: str, step_min: int, score: Floats) -> Floats:
        """False episodes a station-year at each score; NaN where the test was never measured."""
        own = self._curves.get((test, interval_class(step_min)))
        curve = own or self._curves.get((test, ANY))
        return np.full(np.shape(score), np.nan) if curve is None else curve.rate(score)

    def tests(self, step_min: int) -> int:
        """Number of tests that were measured for an interval."""
        mine = {ANY, interval_class(step_min)}
        return len({test for test, name in self._curves if name in mine} - {FUSED})

    def score_at(self, test: str, step_min: int, per_station_year: float) -> float:
        """The score at which a test has this rate; NaN where the test was never measured."""
        own = self._curves.get((test, interval_class(step_min)))
        curve = own or self._curves.get((test, ANY))
        return math.nan if curve is None else curve.score(per_station_year)


class _Curve:
    """One curve: log rate linear in the score between points, constant below the first.

    Beyond the last point the log rate falls on with a slope (`_slope`): of the curve itself, else
    of the test in all intervals together, else the median of all tests: an exponential tail.
    """

    def __init__(self, pairs: Sequence[tuple[float, float]], slope: float) -> None:
        self._score = np.array([score for score, _ in pairs])
        self._log = _logs(pairs)
        self._slope = slope

    def rate(self, score: Floats) -> Floats:
        inside = np.interp(score, self._score, self._log)
        beyond = np.maximum(np.asarray(score) - self._score[-1], 0.0)
        rates: Floats = np.exp(inside + self._slope * beyond)
        return rates

    def score(self, rate: float) -> float:
        wanted = math.log(max(rate, 1e-12))
        if wanted >= self._log[-1]:
            return float(np.interp(-wanted, -self._log, self._score))
        return float(self._score[-1] + (wanted - self._log[-1]) / (self._slope or -1e-12))


def _logs(pairs: Sequence[tuple[float, float]]) -> Floats:
    """Natural logs of the rates, never rising."""
    rates = np.array([max(rate, 1e-12) for _, rate in pairs])
    logs: Floats = np.minimum.accumulate(np.log(rates))
    return logs


def _slope(pairs: Sequence[tuple[float, float]]) -> float:
    """Half the slope of the last decade that was measured: a tail that errs to the careful side.

    0 where the curve spans less than a factor of three: too few honest signs to tell.
    """
    logs = _logs(pairs)
    decade = int(np.argmax(logs <= logs[-1] + math.log(10)))
    run, fall = pairs[-1][0] - pairs[decade][0], float(logs[-1] - logs[decade])
    return fall / run / 2 if run > 0 and -fall >= math.log(3) else 0.0


def _usual(slopes: Iterable[float]) -> float:
    """Slope of a test that honest series hardly set off: the median of all tests."""
    known = [slope for slope in slopes if slope < 0]
    return float(np.median(known)) if known else 0.0

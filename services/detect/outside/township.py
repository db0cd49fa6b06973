"""乡镇排名: townships by the composite index of air quality, as Handan publishes it."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from services.detect.kernels.series import Floats, Ints
from services.detect.outside.positions import Point
from services.detect.outside.records import Series
from services.detect.outside.rule import OutsideRule

_FILE = Path(__file__).parent / "composite.csv"
_DAY_S, _BEIJING_S = 86_400, 8 * 3600
_HOURS = 24


@dataclass(frozen=True)
class Part:
    """A pollutant of the index: standard in `unit`, and which statistic is compared with it."""

    pollutant: str
    name: str
    standard: float
    unit: str
    statistic: str  # mean | daily_p95 | eight_hours_p90


@dataclass(frozen=True)
class Township:
    """乡镇 in a period. An index that lacks a pollutant has no rank: `missing` says which."""

    station_id: str
    name: str
    division: str
    point: Point
    value: Mapping[str, float]  # by pollutant; NaN = too little known
    days: int  # with any valid daily mean
    index: float  # NaN where a pollutant is missing
    before: float  # index of the period before, NaN = not known
    rank: int  # worst first, 0 = not ranked
    so2_rank: int  # highest first, 0 = not ranked
    missing: tuple[str, ...]


@cache
def parts() -> tuple[Part, ...]:
    """综合指数 of GB 3095-2012: pollutants and standards of `composite.csv`."""
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return tuple(
        Part(r["pollutant"], r["name"], float(r["standard"]), r["unit"], r["statistic"])
        for r in csv.DictReader(lines)
    )


def composite_index(value: Mapping[str, float]) -> float:
    """综合指数: sum of C / S over the six pollutants; NaN where one is missing.

    >>> round(composite_index({"a21026": 12, "a21004": 32, "a34002": 84, "a34004": 49,
    ...                        "a21005": 1.6, "a05024": 176}), 1)
    5.1
    """
    return float(sum(value.get(one.pollutant, np.nan) / one.standard for one in parts()))


def rank_townships(
    series: tuple[Series, ...], begin_s: int, end_s: int, rule: OutsideRule
) -> list[Township]:
    """乡镇排名 in [begin, end), whole Beijing days; worst index first, unranked ones last.

    Each pollutant's statistic: mean of the valid daily means (SO2, NO2, PM), 95th percentile of
    daily means (CO), 90th percentile of the daily maxima of 8 h running means (O3); percentiles
    interpolate linearly as HJ 663-2013 does. A day is valid with `day_hours` hours, a mean of 8 h
    with `eight_hours`. Compared with the period of the same length before. A short period makes
    the two percentiles nearly maxima: compare periods of one length only.
    """
    stations: dict[str, dict[str, Series]] = {}
    for one in series:
        if one.kind == "township":
            stations.setdefault(one.subject, {})[one.pollutant] = one
    length = end_s - begin_s
    found = []
    for name, mine in stations.items():
        value = _statistics(mine, begin_s, end_s, rule)
        before = composite_index(_statistics(mine, begin_s - length, begin_s, rule))
        some = next(iter(mine.values()))
        found.append(Township(
            station_id=name, name=some.name or name, division=some.division, point=some.point,
            value=value, days=_days(mine, begin_s, end_s, rule), index=composite_index(value),
            before=before, rank=0, so2_rank=0,
            missing=tuple(p.name for p in parts() if not np.isfinite(value[p.pollutant])),
        ))  # fmt: skip
    return _with_ranks([one for one in found if one.days])


def _with_ranks(found: list[Township]) -> list[Township]:
    by_index = _ranks({one.station_id: one.index for one in found})
    by_so2 = _ranks({one.station_id: one.value["a21026"] for one in found})
    ranked = [
        replace(one, rank=by_index[one.station_id], so2_rank=by_so2[one.station_id])
        for one in found
    ]
    return sorted(ranked, key=lambda one: (one.rank == 0, one.rank, one.station_id))


def _ranks(value: Mapping[str, float]) -> dict[str, int]:
    """Rank by value, highest first; equal ones share a rank, unknown ones have 0."""
    known = sorted((v for v in value.values() if np.isfinite(v)), reverse=True)
    return {name: known.index(v) + 1 if np.isfinite(v) else 0 for name, v in value.items()}


def _statistics(
    mine: Mapping[str, Series], begin_s: int, end_s: int, rule: OutsideRule
) -> dict[str, float]:
    found = {}
    for part in parts():
        one = mine.get(part.pollutant)
        found[part.pollutant] = (
            np.nan
            if one is None
            else statistic(part.statistic, one.start_s, one.value, begin_s, end_s, rule)
        )
    return found


def statistic(  # noqa: PLR0917 - a series is two arrays
    kind: str, start_s: Ints, value: Floats, begin_s: int, end_s: int, rule: OutsideRule
) -> float:
    """A pollutant's statistic over whole Beijing days; NaN where no day is valid."""
    hours = by_hour(start_s, value, begin_s, end_s)
    days = daily_means(hours, rule)
    if kind == "eight_hours_p90":
        days = daily_maxima(hours, rule)
    known = days[np.isfinite(days)]
    if not known.size:
        return float("nan")
    share = {"mean": 0.0, "daily_p95": 95.0, "eight_hours_p90": 90.0}[kind]
    return float(known.mean() if kind == "mean" else np.percentile(known, share))


def by_hour(start_s: Ints, value: Floats, begin_s: int, end_s: int) -> Floats:
    """小时值 (day x 24) of [begin, end), NaN = missing."""
    count = max(0, (end_s - begin_s) // _DAY_S)
    hours = np.full(count * _HOURS, np.nan)
    inside = (start_s >= begin_s) & (start_s < begin_s + count * _DAY_S)
    hours[(start_s[inside] - begin_s) // 3600] = value[inside]
    return hours.reshape(count, _HOURS)


def daily_means(hours: Floats, rule: OutsideRule) -> Floats:
    """日均值; NaN for a day with too few hours."""
    known = np.isfinite(hours).sum(axis=1)
    sums = np.nansum(hours, axis=1)
    return np.where(known >= rule.day_hours, sums / np.maximum(known, 1), np.nan)


def daily_maxima(hours: Floats, rule: OutsideRule) -> Floats:
    """臭氧日最大8小时滑动平均 of the windows that end in the day, from its eighth hour on."""
    known = np.isfinite(hours)
    sums = np.cumsum(np.pad(np.where(known, hours, 0.0), ((0, 0), (1, 0))), axis=1)
    counts = np.cumsum(np.pad(known, ((0, 0), (1, 0))), axis=1)
    total, count = sums[:, 8:] - sums[:, :-8], counts[:, 8:] - counts[:, :-8]
    means = np.where(count >= rule.eight_hours, total / np.maximum(count, 1), -np.inf)
    best = means.max(axis=1, initial=-np.inf)
    valid = np.isfinite(best) & (known.sum(axis=1) >= rule.day_hours)
    return np.where(valid, best, np.nan)


def _days(mine: Mapping[str, Series], begin_s: int, end_s: int, rule: OutsideRule) -> int:
    count = 0
    for one in mine.values():
        hours = by_hour(one.start_s, one.value, begin_s, end_s)
        count = max(count, int(np.isfinite(daily_means(hours, rule)).sum()))
    return count


def day_start_s(at_s: int) -> int:
    """Start of the Beijing day of a moment.

    >>> day_start_s(day_start_s(1_700_000_000) + 86_399) == day_start_s(1_700_000_000)
    True
    """
    return (at_s + _BEIJING_S) // _DAY_S * _DAY_S - _BEIJING_S

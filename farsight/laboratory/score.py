"""评分: what a detector found, how late, and how often it was wrong.

An event counts as found when an alarm of an accepted name and factor falls between its start and
`grace` after its end. False alarms are counted in episodes (alarms of one station closer than a
day are one) on stations without any event. Recall is read beside `chance`: what alarms scattered
blindly at this detector's own false-alarm rate would have hit. No point adjustment.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from farsight.laboratory.records import YEAR_S, Cases, Detections, Label
from services.detect.kernels.series import Bools, Floats, Ints

GRACE_S = 86_400.0
_EPISODE_S = 86_400.0
_FILE = Path(__file__).parent / "accepted_names.csv"
_ANY = "*"


@dataclass(frozen=True)
class Accepted:
    """Names and factors that count as finding a pattern."""

    names: frozenset[str]
    factors: frozenset[str]
    """Beside the labelled one; {'*'} = any."""

    def of(self, factor: str) -> frozenset[str] | None:
        """Factors that count for a label of this factor; None = all."""
        if _ANY in self.factors:
            return None
        return self.factors | {factor}


@dataclass(frozen=True)
class EventScore:
    """What became of one event; hours from its start, None = not found."""

    event: str
    pattern: str
    delay_h: float | None
    named_h: float | None
    chance: float
    chance_named: float


@dataclass(frozen=True)
class Score:
    """评分结果."""

    events: list[EventScore]
    false_alarms: int
    """Episodes on clean stations."""
    clean_years: float
    early: int
    """Episodes before the event of a station that has one."""
    early_years: float

    @property
    def per_station_year(self) -> float:
        """False-alarm episodes per clean station-year."""
        return self.false_alarms / self.clean_years if self.clean_years else float("nan")


@cache
def accepted() -> Mapping[str, Accepted]:
    """Accepted names by pattern; a pattern that is not listed accepts its own name."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        return {
            row["pattern"]: Accepted(_set(row["names"]), _set(row["factors"]))
            for row in csv.DictReader(lines)
        }


def accepted_of(pattern: str) -> Accepted:
    """What counts as finding a pattern."""
    return accepted().get(pattern, Accepted(frozenset({pattern}), frozenset()))


def _set(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.split(";")))


def episodes(time_s: Floats) -> int:
    """Alarms of one station closer than a day are one episode.

    >>> episodes(np.array([0.0, 86_400.0, 200_000.0]))
    2
    """
    return 0 if not len(time_s) else 1 + int((np.diff(np.sort(time_s)) > _EPISODE_S).sum())


def score(cases: Cases, found: Detections, grace_s: float = GRACE_S) -> Score:
    """Score of detections against cases."""
    by = _by_station(found)
    clean = [name for name in cases.clean if name in by]
    rates = _rates(cases, found, by, clean)
    events = [
        _event(labels, found, by, grace_s, rates) for labels in _events(cases.labels).values()
    ]
    early, early_years = _early(cases, found, by)
    return Score(
        events=events,
        false_alarms=sum(episodes(found.time_s[by[name]]) for name in clean),
        clean_years=cases.clean_years,
        early=early,
        early_years=early_years,
    )


def _by_station(found: Detections) -> dict[str, Ints]:
    at: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(found.station):
        at[name].append(place)
    return {name: np.array(places, dtype=np.int64) for name, places in at.items()}


def _events(labels: Iterable[Label]) -> dict[tuple[str, str], list[Label]]:
    found: dict[tuple[str, str], list[Label]] = defaultdict(list)
    for label in labels:
        found[label.event, label.pattern].append(label)
    return found


def _named(found: Detections, pattern: str) -> Bools:
    return np.isin(found.pattern, sorted(accepted_of(pattern).names))


def _rates(
    cases: Cases,
    found: Detections,
    by: Mapping[str, Ints],
    clean: list[str],
) -> dict[str, float]:
    """Episodes per clean station-year of any name ('*') and of each pattern's names."""
    years = cases.clean_years
    rates = {_ANY: np.ones(len(found.time_s), dtype=bool)} | {
        pattern: _named(found, pattern) for pattern in {label.pattern for label in cases.labels}
    }
    return {
        pattern: sum(episodes(found.time_s[by[name]][keep[by[name]]]) for name in clean) / years
        if years
        else 0.0
        for pattern, keep in rates.items()
    }


def _event(
    labels: list[Label],
    found: Detections,
    by: Mapping[str, Ints],
    grace_s: float,
    rates: Mapping[str, float],
) -> EventScore:
    pattern = labels[0].pattern
    firsts: list[float] = []
    named: list[float] = []
    for label in labels:
        at = by.get(label.station)
        if at is None:
            continue
        time = found.time_s[at]
        inside = (time >= label.start_s) & (time <= label.end_s + grace_s)
        factors = accepted_of(pattern).of(label.factor)
        if factors is not None:
            inside &= np.isin(found.factor[at], ["", *sorted(factors)])
        right = inside & np.isin(found.pattern[at], sorted(accepted_of(pattern).names))
        firsts += [float(time[inside].min() - label.start_s)] if inside.any() else []
        named += [float(time[right].min() - label.start_s)] if right.any() else []
    begin, end = min(x.start_s for x in labels), max(x.end_s for x in labels)
    years = (end - begin + grace_s) / YEAR_S
    return EventScore(
        event=labels[0].event,
        pattern=pattern,
        delay_h=min(firsts) / 3600 if firsts else None,
        named_h=min(named) / 3600 if named else None,
        chance=1 - float(np.exp(-rates[_ANY] * years)),
        chance_named=1 - float(np.exp(-rates[pattern] * years)),
    )


def _early(
    cases: Cases,
    found: Detections,
    by: Mapping[str, Ints],
) -> tuple[int, float]:
    starts: dict[str, float] = {}
    for label in cases.labels:
        starts[label.station] = min(label.start_s, starts.get(label.station, np.inf))
    early = 0
    for name, start in starts.items():
        if name in by:
            time = found.time_s[by[name]]
            early += episodes(time[time < start])
    return early, sum(start - cases.begin_s for start in starts.values()) / YEAR_S


def cut_for(cases: Cases, found: Detections, per_station_year: float) -> float:
    """Lowest score cut at which false alarms stay within a rate; inf where none does."""
    clean = set(cases.clean)
    calm = found.take(np.array([name in clean for name in found.station], dtype=bool))
    ranked = np.sort(found.score[~np.isnan(found.score)])[::-1]
    if not len(ranked):
        return np.inf
    places = np.unique(np.geomspace(1, len(ranked), 400).astype(np.int64)) - 1
    cuts = np.unique(ranked[places])
    low, high = 0, len(cuts) - 1
    while low < high:  # false alarms fall as the cut rises
        middle = (low + high) // 2
        kept = calm.take(calm.score >= cuts[middle])
        by = _by_station(kept)
        count = sum(episodes(kept.time_s[at]) for at in by.values())
        if count / cases.clean_years <= per_station_year:
            high = middle
        else:
            low = middle + 1
    return float(cuts[low])

"""误报率标定: how often honest data reach each score of each test, as rows of `rates.csv`.

Every test runs over folders of clean series; its signs of one station closer than a day are one
episode. A curve is the rate of episodes by their highest cut, from the strongest sign down, thinned
to about a dozen points. Exposure counts only stations on which the test can speak: those that have
whatever all stations with a sign have (oxygen, an inlet, marks ...), so that a test of few stations
is not flattered by the many it never judges. A test without any sign gets one point: one episode in
all the years watched, at score 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from farsight.laboratory.records import YEAR_S
from farsight.laboratory.score import episodes
from services.detect.domain.rule import RuleBook
from services.detect.screening.panel import Panel
from services.detect.screening.rates import ANY, RatePoint, interval_class
from services.detect.screening.screens import SCREENS
from services.detect.screening.sign import Sign

#: Station-years and episodes that a class needs for a curve of its own.
_LEAST_YEARS, _LEAST_EPISODES = 5.0, 20
#: Ranks of episodes that become points; the growth keeps a dozen of them.
_GROWTH = 1.6


@dataclass(frozen=True)
class Seen:
    """One sign of one test, as calibration needs it."""

    station: str
    time_s: float
    score: float


@dataclass(frozen=True)
class Watched:
    """监测时长 of a clean station."""

    years: float
    interval_class: str
    traits: frozenset[str]
    """What tests may need: roles of its series, marks, checks, parameters."""


@dataclass(frozen=True)
class Curve:
    """误报率曲线: scores rising, rates falling."""

    score: Sequence[float]
    per_station_year: Sequence[float]
    signs: int
    years: float


def watched(panels: Iterable[Panel], clean: frozenset[str]) -> dict[str, Watched]:
    """Clean stations of some panels."""
    found = {}
    for panel in panels:
        marked = np.flatnonzero(panel.marked.any(axis=1)).tolist()
        checked = {c.row for c in panel.checks}
        logged = {p.row for p in panel.parameters}
        for station, rows in panel.rows_of.items():
            if station not in clean:
                continue
            traits = {panel.roles[row].value for row in rows}
            traits |= {"marks"} if set(marked).intersection(rows) else set()
            traits |= {"checks"} if checked.intersection(rows) else set()
            traits |= {"log"} if logged.intersection(rows) else set()
            cells = max(panel.end[row] for row in rows) - min(panel.first[row] for row in rows)
            years = float(cells) * panel.step_min * 60 / YEAR_S
            found[station] = Watched(years, interval_class(panel.step_min), frozenset(traits))
    return found


def seen(panel: Panel, signs: Iterable[Sign], clean: frozenset[str]) -> list[Seen]:
    """Signs on clean stations, by the moment they could be said."""
    step_s = panel.step_min * 60
    return [
        Seen(panel.keys[sign.row].outlet_id, panel.start_s + (sign.end - 1) * step_s, sign.score)
        for sign in signs
        if panel.keys[sign.row].outlet_id in clean
    ]


def run_test(
    panels: Iterable[Panel], clean: frozenset[str], test: str, book: RuleBook
) -> list[Seen]:
    """Signs of one test on the clean stations of all panels."""
    rule = book.versions(test)[-1]
    return [s for panel in panels for s in seen(panel, SCREENS[test](panel, rule), clean)]


def curve(found: Sequence[Seen], years: float) -> Curve:
    """Curve of signs that were seen in so many station-years.

    >>> signs = [Seen("A", day * 172_800.0, day) for day in range(1, 5)]
    >>> curve(signs, 2.0).per_station_year
    (2.0, 1.5, 1.0, 0.5)
    """
    if not found:
        return Curve((0.0,), (1 / years,), 0, years)
    order = np.argsort([-s.score for s in found], kind="stable").tolist()
    scores, counts = _counts([found[i] for i in order])
    places = _thinned(counts)
    return Curve(
        score=tuple(float(scores[i]) for i in reversed(places)),
        per_station_year=tuple(float(counts[i]) / years for i in reversed(places)),
        signs=len(found),
        years=years,
    )


def _counts(ranked: Sequence[Seen]) -> tuple[list[float], list[int]]:
    """Episodes at each distinct score from the strongest down; never fewer at a lower cut."""
    times: dict[str, list[float]] = {}
    scores: list[float] = []
    counts: list[int] = []
    total = 0
    for sign in ranked:
        mine = times.setdefault(sign.station, [])
        before = episodes(np.array(mine))
        mine.append(sign.time_s)
        total += episodes(np.array(mine)) - before
        if not scores or scores[-1] != sign.score:
            scores.append(sign.score)
            counts.append(0)
        counts[-1] = max(total, *counts[-2:])
    return scores, counts


def _thinned(counts: Sequence[int]) -> list[int]:
    """Places where the count first reaches 1, 2, 3, 4, 6, 9 ..., and the last that it rises at."""
    places, wanted = [], 1
    for place, count in enumerate(counts):
        if count >= wanted:
            places.append(place)
            wanted = max(count + 1, int(count * _GROWTH))
    last = next(place for place, count in enumerate(counts) if count == counts[-1])
    return places if places[-1] == last else [*places, last]


def curves(found: Sequence[Seen], stations: Mapping[str, Watched]) -> dict[str, Curve]:
    """By interval class: `any` of all, and classes that were watched long enough."""
    judged = _can_speak(found, stations)
    made = {ANY: curve(found, sum(w.years for w in judged.values()))}
    for name in sorted({w.interval_class for w in judged.values()}):
        mine = {s: w for s, w in judged.items() if w.interval_class == name}
        some, years = [s for s in found if s.station in mine], sum(w.years for w in mine.values())
        own = curve(some, years)
        if years >= _LEAST_YEARS and own.per_station_year[0] * years >= _LEAST_EPISODES:
            made[name] = own
    return made


def _can_speak(found: Sequence[Seen], stations: Mapping[str, Watched]) -> dict[str, Watched]:
    with_sign = {s.station for s in found}
    if not with_sign:
        return dict(stations)
    needed = frozenset.intersection(*(stations[s].traits for s in with_sign))
    return {name: w for name, w in stations.items() if needed <= w.traits}


def points(test: str, made: Mapping[str, Curve], source: str) -> list[RatePoint]:
    """Rows of `rates.csv` of one test; scores to five digits, of equal ones the most frequent."""
    found = {}
    for name, one in made.items():
        for score, rate in reversed(list(zip(one.score, one.per_station_year, strict=True))):
            place = name, float(f"{score:.5g}")
            found[place] = RatePoint(test, *place, float(f"{rate:.3g}"), f"{source}: {_told(one)}")
    return sorted(found.values(), key=lambda p: (p.test, p.interval_class, p.score))


def _told(one: Curve) -> str:
    if not one.signs:
        return f"no sign in {one.years:.1f} station-years"
    return f"{one.signs} signs in {one.years:.1f} judged station-years"

"""误报率标定: how often honest data reach each score of each test, as rows of `rates.csv`.

Every test runs over folders of clean series; its signs of one station closer than a day are one
episode. A curve is the rate of episodes by their highest cut, from the strongest sign down, thinned
to about a dozen points. Exposure counts only stations on which the test can speak: those that have
what a station with a sign has (oxygen, an inlet, flow and marks ...): a test of few stations
is not flattered by the many it never judges. A test that is silent on clean stations shows on
stations with events what it needs; its one point is one episode in all the years judged. A test
that is silent everywhere, or that no clean station serves, stays unmeasured.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from farsight.laboratory.clean_panels import CleanPanel, Corpus, Seen, Watched
from farsight.laboratory.score import episodes
from services.chassis.errors import RuleViolated
from services.detect.packs.pack import Pack
from services.detect.screening.alarms import Basis, alarms
from services.detect.screening.rates import ANY, FUSED, RatePoint, RateTable
from services.detect.screening.screens import SCREENS
from services.detect.screening.sign import Sign

#: A class with so many station-years, or with so many and so many episodes, has its own curve.
_MANY_YEARS, _LEAST_YEARS, _LEAST_EPISODES = 20.0, 5.0, 20
#: Fewer stations with a sign do not show what a test needs.
_FEW_STATIONS = 5
#: Ranks of episodes that become points; the growth keeps a dozen of them.
_GROWTH = 1.6


@dataclass(frozen=True)
class Curve:
    """误报率曲线: scores rising, rates falling."""

    score: Sequence[float]
    per_station_year: Sequence[float]
    signs: int
    years: float


#: What joint evidence needs of a station: nothing.
EVERYWHERE = frozenset({frozenset[str]()})
NOTHING = Curve((), (), 0, 0.0)
#: A test that judges fewer station-years of the main folders is measured on more of them.
ENOUGH_YEARS = 20.0


def signs_of(panels: Iterable[CleanPanel], test: str, pack: Pack) -> list[list[Sign]]:
    """Signs of one test in each panel. Raises RuleViolated where a score is no number."""
    rule = pack.book.versions(test)[-1]
    found = [SCREENS[test](one.panel, rule) for one in panels]
    if any(not np.isfinite(sign.score) for signs in found for sign in signs):
        raise RuleViolated(f"{test}: a score is not finite; rates need one that can be ordered")
    return found


def seen_in(panels: Sequence[CleanPanel], signs: Iterable[Sequence[Sign]]) -> list[Seen]:
    """Signs of all panels."""
    return [seen for one, mine in zip(panels, signs, strict=True) for seen in one.seen(mine)]


def needs(
    corpus: Corpus, test: str, found: Sequence[Seen], pack: Pack
) -> frozenset[frozenset[str]]:
    """What a test needs of a station, one set or another; none where it is silent everywhere."""
    if len({seen.station for seen in found}) < _FEW_STATIONS:
        labelled = signs_of(corpus.labelled, test, pack)
        found = [*found, *seen_in(corpus.labelled, labelled)]
    return corpus.needs(found)


def fused(
    panels: Sequence[CleanPanel],
    signs: Iterable[Sequence[Sequence[Sign]]],
    points: Iterable[RatePoint],
    pack: Pack,
) -> list[Seen]:
    """Joint evidence of the signs of each test in each panel, by the rates of the single tests."""
    alone = [point for point in points if point.test != FUSED]
    basis = replace(Basis.of(pack), rates=RateTable(alone))
    found = []
    for one, tests in zip(panels, zip(*signs, strict=True), strict=True):
        every = [sign for of_test in tests for sign in of_test]
        raised = alarms(one.panel, every, basis, np.inf)
        found += one.seen_at((alarm.row, alarm.end, alarm.log_e) for alarm in raised)
    return found


def curve(found: Sequence[Seen], years: float) -> Curve:
    """Curve of signs that were seen in so many station-years.

    >>> from farsight.laboratory.clean_panels import Seen
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


def curves(
    found: Sequence[Seen], stations: Mapping[str, Watched], needed: frozenset[frozenset[str]]
) -> dict[str, Curve]:
    """By interval class: `any` of all that have what is needed, and classes watched long enough."""
    judged = {name: w for name, w in stations.items() if any(one <= w.traits for one in needed)}
    if not judged:
        return {}
    made = {ANY: curve(found, sum(w.years for w in judged.values()))}
    for name in sorted({w.interval_class for w in judged.values()}):
        mine = {s: w for s, w in judged.items() if w.interval_class == name}
        some, years = [s for s in found if s.station in mine], sum(w.years for w in mine.values())
        own = curve(some, years)
        enough = own.per_station_year[0] * years >= _LEAST_EPISODES
        if years >= _MANY_YEARS or (years >= _LEAST_YEARS and enough):
            made[name] = own
    return made


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

"""Calibration measures what it says: rates that tests really have on clean series."""

import csv
from pathlib import Path

import numpy as np
import pytest

from farsight.laboratory.calibrate import (
    EVERYWHERE,
    curve,
    curves,
    needs,
    points,
    seen_in,
    signs_of,
)
from farsight.laboratory.cheats.library import cheats
from farsight.laboratory.clean_panels import Corpus, Seen, Watched
from farsight.laboratory.make import make
from farsight.laboratory.rates_file import replace_tests
from farsight.laboratory.score import episodes
from farsight.laboratory.simulated import simulated_stations
from farsight.laboratory.station import write_folder
from services.detect.packs.load import shipped_pack
from services.detect.screening.rates import ANY, RateTable

DAY = 86_400.0


def process(random: np.random.Generator, station: str, years: float, rate: float) -> list[Seen]:
    """Signs at a known rate, exponential scores: the rate at score s is `rate` times e^-s."""
    count = int(random.poisson(rate * years))
    times = random.uniform(0, years * 365.25 * DAY, count)
    scores = random.exponential(1, count)
    return [Seen(station, float(t), float(s)) for t, s in zip(times, scores, strict=True)]


def test_the_rate_of_a_known_process_is_measured() -> None:
    """100 station-years of 8 signs a year: at each score within the chance of the count."""
    random = np.random.default_rng(1)
    found = [s for n in range(100) for s in process(random, f"S{n}", 1.0, 8.0)]
    stations = {f"S{n}": Watched(1.0, "hour", frozenset({"pollutant"})) for n in range(100)}

    table = RateTable(points("test", curves(found, stations, EVERYWHERE), "made"))

    score = np.array([0.5, 1.0, 2.0, 3.0])
    measured = table.per_station_year("test", 60, score)
    assert measured == pytest.approx(8 * np.exp(-score), rel=0.25)


def test_each_point_is_the_slow_count_of_episodes() -> None:
    """At the score of every point, counting the episodes directly gives its rate."""
    random = np.random.default_rng(2)
    found = [s for n in range(5) for s in process(random, f"S{n}", 1.0, 60.0)]

    made = curve(found, 5.0)

    for score, rate in zip(made.score, made.per_station_year, strict=True):
        slow = sum(
            episodes(np.array([s.time_s for s in found if s.station == f"S{n}" and s.score >= cut]))
            for n in range(5)
            for cut in [score]
        )
        assert rate >= slow / 5.0  # never less, where joined episodes would make it fall
        assert rate == pytest.approx(slow / 5.0, rel=0.05)


def test_only_stations_on_which_a_test_can_speak_count() -> None:
    """A test of oxygen is measured in the years of the stations that have oxygen."""
    oxygen = {f"O{n}": Watched(1.0, "hour", frozenset({"oxygen", "pollutant"})) for n in range(4)}
    other = {f"P{n}": Watched(1.0, "hour", frozenset({"pollutant"})) for n in range(96)}
    found = [Seen("O1", 0.0, 1.0), Seen("O2", 9 * DAY, 2.0)]

    made = curves(found, oxygen | other, frozenset({frozenset({"oxygen"})}))

    assert made[ANY].years == 4.0
    assert made[ANY].per_station_year == (0.5, 0.25)


def test_a_test_without_signs_gets_a_rate_that_the_years_can_carry() -> None:
    """Nothing seen in 20 years is no proof of nothing: one episode in all those years."""
    made = curves([], {"A": Watched(20.0, "hour", frozenset())}, EVERYWHERE)

    assert (made[ANY].score, made[ANY].per_station_year) == ((0.0,), (1 / 20,))


def test_rows_of_other_tests_stay(tmp_path: Path) -> None:
    """Calibrating one test again replaces its rows and no other's; the pack accepts the file."""
    path = tmp_path / "rates.csv"
    stations = {"A": Watched(3.0, "hour", frozenset())}
    for test, score in (("one", 1.0), ("two", 2.0), ("one", 3.0)):
        made = curves([Seen("A", 0.0, score)], stations, EVERYWHERE)
        replace_tests(path, [test], points(test, made, "made"))

    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))

    assert [(row["test"], row["score"]) for row in rows] == [("one", "3"), ("two", "2")]


def test_a_silent_test_shows_on_events_what_it_needs(tmp_path: Path) -> None:
    """Conversion is never wrong on clean stations; its rate is measured where oxygen is.

    Oxygen stations with the event say what the test needs; stations without oxygen do not count.
    """
    plain = [s for s in simulated_stations(14, 40, 3) if "w01018" in s.channels]
    gas = [s for s in simulated_stations(14, 40, 3) if "a19001" in s.channels]
    made = make(gas, [cheats()["conversion_mismatch"]], 2, 1)
    write_folder(tmp_path, [*made.stations, *plain], made.labels)
    corpus = Corpus.read([tmp_path])

    signs = signs_of(corpus.clean, "conversion_mismatch", shipped_pack())
    found = seen_in(corpus.clean, signs)
    needed = needs(corpus, "conversion_mismatch", found, shipped_pack())

    assert needed
    assert all("oxygen" in one for one in needed)
    judged = curves(found, corpus.stations(), needed)[ANY].years
    assert judged == pytest.approx((len(gas) - 2) * 40 / 365.25, rel=0.05)

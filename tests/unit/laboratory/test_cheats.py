"""Cheats do to honest series what their names say, and nothing else."""

from pathlib import Path

import numpy as np
import pytest

from farsight.cli import main
from farsight.laboratory.cheats.library import Cheat, cheats, do, targets
from farsight.laboratory.honest_life import dress
from farsight.laboratory.make import make
from farsight.laboratory.records import read_cases
from farsight.laboratory.simulated import simulated_stations
from farsight.laboratory.station import Marked, Station, read_clean

#: Needs two furnace sections, which the demo's model does not have.
NOT_SIMULATED = {"furnace_sections"}
STATIONS = [dress(station, 1) for station in simulated_stations(14, 60, 1)]


def event(name: str, **fixed: float) -> tuple[Station, Station, list[Marked]]:
    """The first simulated station before and after a cheat, and its labels."""
    cheat = cheats()[name]
    for station in STATIONS:
        if not targets(cheat, station):
            continue
        partner = like(station) if "partner" in cheat.needs else None
        for seed in range(5):
            if made := do(cheat, station, seed, partner=partner, fixed=fixed):
                return station, made[0], made[2]
    raise AssertionError(f"no simulated station can carry {name}")


def like(station: Station) -> Station:
    """Another station of the same factors."""
    keys = station.channels.keys()
    return next(s for s in STATIONS if s is not station and s.channels.keys() == keys)


def part(station: Station, label: Marked, factor: str = "") -> np.ndarray:
    """Values of the labelled stretch."""
    return station.channels[factor or label.factor].value[label.begin : label.end]


@pytest.mark.parametrize("name", sorted(set(cheats()) - NOT_SIMULATED))
def test_only_the_labelled_stretch_is_changed(name: str) -> None:
    """Before and after it, and in other factors, every value is the honest one.

    Values above a limit that the case needs may be missing; a converted value follows its factors.
    """
    honest, cheated, labels = event(name)

    begin, end = min(x.begin for x in labels), max(x.end for x in labels)
    length = end - begin
    for factor, channel in cheated.channels.items():
        before = honest.channels[factor].value
        outside = np.r_[0 : max(begin - length, 0), min(end + length, honest.cells) : honest.cells]
        same = np.isclose(channel.value[outside], before[outside], equal_nan=True)
        assert (same | np.isnan(channel.value[outside])).all()
    assert begin >= honest.cells * 0.5


@pytest.mark.parametrize("name", ["bottle", "dilution", "same_outlets", "typed_digits"])
def test_a_seed_repeats_an_event(name: str) -> None:
    """Same station, parameters and seed: the same digits; another seed, others."""
    cheat, station = cheats()[name], event(name)[0]
    partner = like(station)

    one, two, other = (do(cheat, station, seed, partner=partner) for seed in (7, 7, 8))

    assert one
    assert two
    assert other
    assert one[2] == two[2] != other[2]
    for factor, channel in one[0].channels.items():
        np.testing.assert_array_equal(channel.value, two[0].channels[factor].value)


def test_a_bottle_is_far_quieter_than_the_outlet() -> None:
    """The scatter of a bottle is a small part of that of the history."""
    honest, cheated, (label, *_) = event("bottle", line=0, ageing=0)

    past = honest.channels[label.factor].value[: label.begin]

    assert np.nanstd(part(cheated, label)) < 0.3 * np.nanstd(past)


def test_air_in_the_sample_leaves_the_converted_value() -> None:
    """Dilution by air scales the pollutant and 20.9 - O2 alike; conversion nearly undoes it."""
    honest, cheated, labels = event("dilution", share=0.4)
    label = next(x for x in labels if x.factor == "a19001")
    pollutant = next(x.factor for x in labels if x.factor not in {"a19001", "a01014", "a01012"})

    fallen = part(cheated, label, pollutant) / part(honest, label, pollutant)
    oxygen = (20.9 - part(cheated, label)) / (20.9 - part(honest, label))

    assert np.nanmedian(fallen) == pytest.approx(0.6, abs=0.02)
    assert np.nanmedian(oxygen) == pytest.approx(0.6, abs=0.02)
    for factor in (f for f in honest.channels if f.endswith("_zs")):
        before, after = part(honest, label, factor), part(cheated, label, factor)
        there = np.isfinite(before) & np.isfinite(after)
        assert np.median(after[there] / before[there]) == pytest.approx(1, abs=0.06)


def test_a_replay_repeats_digits_of_a_whole_number_of_days_before() -> None:
    """The stretch equals an earlier one of the same hours of the day."""
    honest, cheated, (label, *_) = event("replay")

    shown = part(cheated, label)
    lags = [
        days
        for days in range(1, 46)
        if (begin := label.begin - days * 24) >= 0
        and np.array_equal(
            shown, honest.channels[label.factor].value[begin : begin + len(shown)], equal_nan=True
        )
    ]
    assert lags


def test_marks_are_put_on_the_highest_hours() -> None:
    """Marked hours of the stretch are higher than all others of it."""
    honest, cheated, (label, *_) = event("marks_on_bad_hours")

    channel, before = cheated.channels[label.factor], honest.channels[label.factor]
    inside = slice(label.begin, label.end)
    value, free = channel.value[inside], before.flag[inside] == ""
    new = (channel.flag[inside] == "M") & free
    assert new.sum() >= 3
    assert np.nanmin(value[new]) >= np.nanmax(value[free & ~new]) * 0.99


def test_a_folder_is_made_scored_and_made_again(tmp_path: Path) -> None:
    """`farsight lab make` twice gives the same bytes; the scorer and the reader accept them."""
    command = ["--simulated", "12", "--days", "40", "--events", "1", "--seed", "5",
               "--cheat", "bottle", "--cheat", "dilution"]  # fmt: skip
    for name in ("one", "two"):
        assert main(["lab", "make", str(tmp_path / name), *command]) == 0

    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    cases = read_cases(tmp_path / "one")
    assert len({label.event for label in cases.labels}) == 2
    assert {s.name for s in read_clean(tmp_path / "one")} == set(cases.clean)


def test_what_a_folder_says_is_what_was_made(tmp_path: Path) -> None:
    """Values, flags and limits survive the way through the files."""
    main(["lab", "make", str(tmp_path), "--simulated", "2", "--days", "9", "--clean-only"])
    honest = [dress(station, 1) for station in simulated_stations(2, 9, 1)]

    for station, read in zip(honest, read_clean(tmp_path), strict=True):
        for factor, channel in station.channels.items():
            np.testing.assert_allclose(read.channels[factor].value, channel.value, atol=1e-5)
            some = np.isfinite(channel.value)
            assert (read.channels[factor].flag[some] == channel.flag[some]).all()


def test_what_cannot_be_made_is_said() -> None:
    """A cheat that no station can carry is counted as short, not left out silently."""
    cheat: Cheat = cheats()["furnace_sections"]

    made = make(STATIONS[:3], [cheat], 2, 1)

    assert made.short == {"furnace_sections": 2}


def test_a_wrong_name_is_refused_with_the_right_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown cheats and parameters are named beside those that exist."""
    code = main(["lab", "make", "/nowhere", "--simulated", "3", "--cheat", "botle"])

    assert code == 1
    assert "no cheat botle; there are constant, bottle" in capsys.readouterr().err

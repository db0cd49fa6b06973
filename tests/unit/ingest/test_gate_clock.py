"""A logger's clock: what is a jump, what is a drift, and what only looks like one."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.gate.clock import Change, ClockWatch, number_time

DRIFT_S = 120.0
HOUR = 3600.0


def watch(frames: Iterable[tuple[float, float]]) -> tuple[ClockWatch, list[Change]]:
    """A watch that saw (arrival, offset) pairs, and what it said."""
    made = ClockWatch(DRIFT_S)
    said = [made.see(offset, at) for at, offset in frames]
    return made, [change for change in said if change is not None]


def live(start: float, count: int, offset: float, step: float = 30.0) -> list[tuple[float, float]]:
    """Frames at the logger's own cadence, delayed by up to ten seconds."""
    chance = random.Random(start)
    return [(start + n * step, offset - chance.random() * 10) for n in range(count)]


def test_a_clock_that_is_right_says_nothing():
    """A day of real-time data over a mobile network."""
    made, said = watch(live(0, 2880, 0.0))

    assert said == []
    assert made.level == pytest.approx(-5, abs=5)


def test_a_clock_set_forward_is_told_at_its_first_frame_and_once():
    """Six minutes: no delay of the network moves a number into the future."""
    made, said = watch(live(0, 20, 0.0) + live(600, 20, 360.0))

    assert [change.jump for change in said] == [True]
    assert said[0].before == pytest.approx(-5, abs=6)
    assert said[0].after == pytest.approx(355, abs=6)
    assert made.level == pytest.approx(355, abs=6)


def test_a_clock_set_back_is_told_when_frames_agree_and_once():
    """A single late frame looks the same; three over a minute do not."""
    _, said = watch(live(0, 20, 0.0) + live(600, 20, -400.0))

    assert [(change.jump, change.after < -390) for change in said] == [(True, True)]


def test_a_replay_of_an_hour_is_no_jump():
    """Old numbers arrive faster than they were made: 120 frames in twelve seconds."""
    backlog = [(600 + n * 0.1, -HOUR + n * 30) for n in range(120)]
    _, said = watch(live(0, 20, 0.0) + backlog + live(640, 20, 0.0))

    assert said == []


def test_a_logger_that_begins_with_a_replay_is_known_by_its_live_frames():
    """After a restart of the gate the first thing that comes may be an hour of back-fill."""
    backlog = [(n * 0.1, -HOUR + n * 30) for n in range(120)]
    made, said = watch(backlog + live(40, 10, 0.0))

    assert said == []
    assert made.level == pytest.approx(-5, abs=5)


def test_replayed_frames_between_live_ones_are_no_jump():
    """Back-fill without RF at the pace of the live data, as loggers of 2017 do it."""
    frames = []
    for n in range(100):
        frames += [(n * 30.0, -1.0), (n * 30.0 + 15, -HOUR)]

    assert watch(frames)[1] == []


def test_a_drift_is_told_once_and_again_after_it_was_put_right():
    """A second a minute; then somebody sets the clock, and it runs away once more."""
    away = [(n * 60.0, n * 1.0) for n in range(200)]
    right = live(200 * 60, 20, 0.0, step=60)
    again = [(220 * 60 + n * 60.0, n * 1.0) for n in range(200)]
    _, said = watch(away + right + again)

    assert [change.jump for change in said] == [False, False]
    assert all(DRIFT_S < change.after < DRIFT_S + 5 for change in said)


def test_a_clock_that_was_always_wrong_is_a_drift():
    """2000-01-01 after a power cut without battery."""
    made, said = watch(live(0, 10, -800_000_000.0))

    assert [(change.jump, change.before) for change in said] == [(False, None)]
    assert made.level is not None


def test_a_wrong_number_once_is_told_once_and_forgotten():
    """One frame from the future, then as before."""
    _, said = watch([*live(0, 20, 0.0), (601.0, 4000.0), *live(620, 20, 0.0)])

    assert [change.after for change in said] == [4000.0]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-1e9, 1e9)), max_size=200))
def test_whatever_comes_the_memory_is_bounded(steps):
    """Noise for a clock: no error, a handful of numbers kept."""
    made, at = ClockWatch(DRIFT_S), 0.0
    for step, offset in steps:
        at += step
        made.see(offset, at)

    assert len(made._apart) <= 4
    assert len(made._near) <= 9


@pytest.mark.parametrize(
    ("qn", "expected"),
    [
        ("20260101000000000", 1767196800.0),
        ("20261231235960000", 1798732800.0),
        ("1617936069734", None),
        ("20261331000000000", None),
        ("2026010100000000٣", None),
        ("", None),
    ],
)
def test_a_number_names_a_moment_or_none(qn: str, expected: float | None):
    """Seventeen digits of Beijing time; epochs and damaged numbers are no evidence."""
    assert number_time(qn) == expected

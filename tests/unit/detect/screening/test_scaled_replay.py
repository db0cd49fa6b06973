"""缩放回放: a scaled stretch of the own past is found; honest likeness is not."""

import numpy as np
import pytest

from services.detect.packs.load import shipped_pack
from services.detect.screening.scaled_replay import scaled_replay
from tests.unit.detect.screening.panels import panel, wandering

RULE = shipped_pack().book.versions("scaled_replay")[-1]


@pytest.mark.parametrize(("step_min", "days"), [(60, 50), (15, 20), (1, 8)])
def test_a_scaled_replay_with_noise_is_found_with_its_source(step_min, days):
    """Two days at any interval (a day of minutes), level and size changed."""
    cells, day = days * 1440 // step_min, 1440 // step_min
    length = day if step_min == 1 else 2 * day
    values = wandering(2, cells)
    at, lag = cells - length - day // 2, cells // 2 // day * day
    source = values[1, at - lag : at - lag + length]
    noise = np.random.default_rng(4).standard_normal(length) * 0.01 * values[1].std()
    values[1, at : at + length] = np.round(0.7 * source + 2 + noise, 2)

    signs = [s for s in scaled_replay(panel(values, step_min), RULE) if s.score > 12]

    assert {s.row for s in signs} == {1}
    assert min(s.end for s in signs) <= at + length
    assert {round((s.begin - s.source) / day, 1) for s in signs} == {lag / day}


def test_daily_rhythm_and_slow_waves_are_no_replay():
    """Days alike by nature: what is left of one day's fit to another wanders."""
    hours = np.arange(2160)
    rhythm = 20 * np.sin(hours / 24 * 2 * np.pi)
    values = np.round(wandering(3, 2160) + rhythm + 30, 1)

    assert [s for s in scaled_replay(panel(values), RULE) if s.score > 12] == []


def test_power_follows_timetables_and_is_left_out():
    """A press line repeats its week."""
    week = wandering(1, 168)
    values = np.tile(week, 10)

    assert scaled_replay(panel(values, factor="elec_prod"), RULE) == []


def test_a_panel_of_a_night_says_what_is_new_and_the_same():
    """Judging the last day alone gives the signs of that day that judging all gives."""
    values = wandering(1, 1440)
    values[0, 1380:1440] = np.round(0.8 * values[0, 480:540], 2)

    whole = [s for s in scaled_replay(panel(values), RULE) if s.end > 1416]
    night = scaled_replay(panel(values, since=1416), RULE)

    assert whole
    assert {(s.end, s.begin) for s in night} == {(s.end, s.begin) for s in whole}

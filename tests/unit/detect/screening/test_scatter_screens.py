"""挂瓶, 恒值, 修约, 末位数字, 合成噪声: each screen finds its cheat and lets honest data be."""

import numpy as np
import pytest

from services.detect.packs.load import shipped_pack
from services.detect.screening.digit_habit import digit_habit
from services.detect.screening.quiet_part_of_day import quiet_part_of_day
from services.detect.screening.quiet_signal import quiet_signal
from services.detect.screening.rounded_values import rounded_values
from services.detect.screening.screens import SCREENS
from services.detect.screening.stuck_value import stuck_value
from services.detect.screening.synthetic_noise import synthetic_noise
from tests.unit.detect.screening.panels import panel, wandering

BOOK = shipped_pack().book
SCATTER = (
    "quiet_signal", "quiet_part_of_day", "stuck_value", "rounded_values", "digit_habit",
    "synthetic_noise",
)  # fmt: skip


def _rule(name):
    return BOOK.versions(name)[-1]


def _noise(cells, level, share, seed=7):
    rng = np.random.default_rng(seed)
    return np.round(level * (1 + share * rng.standard_normal(cells)), 2)


def _best(signs, row):
    """Highest score of a row, and of all other rows."""
    mine = max((s.score for s in signs if s.row == row), default=0.0)
    return mine, max((s.score for s in signs if s.row != row), default=0.0)


@pytest.mark.parametrize(("step_min", "hours"), [(60, 40), (15, 30), (1, 12)])
def test_a_bottle_is_found_at_any_interval_before_it_is_taken_down(step_min, hours):
    """One level with one percent of noise, for a day or so; the sign says what was expected."""
    per_hour = 60 // step_min
    cells, length = (50 if step_min > 1 else 6) * 24 * per_hour, hours * per_hour
    values = wandering(3, cells)
    at = cells - length - 5
    values[1, at : at + length] = _noise(length, 0.7 * np.median(values[1, :at]), 0.01)

    signs = quiet_signal(panel(values, step_min), _rule("quiet_signal"))

    mine, others = _best(signs, 1)
    assert mine > max(5, others + 1)
    first = min((s for s in signs if s.row == 1 and s.score > 4), key=lambda s: s.end)
    assert at < first.end <= at + length
    assert first.value < first.silent_at <= first.expected


def test_a_bottle_is_found_in_daily_values():
    """A month and a half of one level in a year and a half of days."""
    values = wandering(3, 550)
    values[1, 500:545] = _noise(45, 35.0, 0.01)

    signs = quiet_signal(panel(values, 1440), _rule("quiet_signal"))

    mine, others = _best(signs, 1)
    assert mine > max(3, others + 1)


def test_a_bottle_hung_up_every_night_is_found_by_its_nights():
    """Eight hours of six nights; the days between go on as ever."""
    values = wandering(4, 60 * 24)
    for day in range(52, 58):
        values[2, day * 24 : day * 24 + 8] = _noise(8, 41.0, 0.01, seed=day)

    signs = quiet_part_of_day(panel(values), _rule("quiet_part_of_day"))

    mine, others = _best(signs, 2)
    assert mine > max(4, others + 1)
    assert min(s.end for s in signs if s.row == 2 and s.score > 4) <= 56 * 24 + 8


def test_a_calm_that_is_smooth_is_no_bottle():
    """Scatter falls to a hundredth, but what is left goes on from value to value."""
    values = wandering(1, 60 * 24)
    slow = np.linspace(0, 1, 48)
    values[0, -60:-12] = np.round(45 + np.sin(6 * slow), 3)

    signs = quiet_signal(panel(values), _rule("quiet_signal"))

    assert [s for s in signs if s.score > 3.5 and s.end > values.shape[1] - 60] == []


def test_a_plant_that_stands_still_is_not_judged():
    """No flow and O2 of air: the quiet of a standstill is not the quiet of a bottle."""
    cells = 60 * 24
    pollutant, flow = wandering(1, cells)[0], wandering(1, cells, seed=4, level=900)[0]
    pollutant[-80:-8] = _noise(72, 20, 0.01)
    still = flow.copy()
    still[-80:-8] = 0.0
    rule = _rule("quiet_signal")

    def of(second):
        both = panel(np.vstack([pollutant, second]), outlets=["a", "a"], factors=["NOx", "flow"])
        return max((s.score for s in quiet_signal(both, rule) if s.row == 0), default=0.0)

    assert of(flow) > 5
    assert of(still) < 3.5


def test_a_stuck_value_is_judged_by_the_habits_of_its_level():
    """Ten hours at a usual level are found; as long at the detection limit are not."""
    values = wandering(2, 60 * 24)
    values[1] = np.maximum(np.round((values[1] - 50) / 4) * 4, 2.0)
    values[0, 1200:1214] = values[0, 1199]

    signs = stuck_value(panel(values), _rule("stuck_value"))

    found = [s for s in signs if s.score > 1]
    assert {s.row for s in found} == {0}
    assert min(s.end for s in found) <= 1210
    assert found[0].begin == 1199
    assert found[0].statistic > found[0].silent_at


@pytest.mark.parametrize("unit", [1.0, 0.437, 2.911])
def test_values_that_are_rounded_for_days_are_found_in_any_unit(unit):
    """A conversion of unit moves the grid; the step is read from the values themselves."""
    values = np.round(wandering(3, 50 * 24) * unit, 3)
    values[1, -150:] = np.round(np.round(values[1, -150:] / unit / 5) * 5 * unit, 3)

    signs = rounded_values(panel(values), _rule("rounded_values"))

    mine, others = _best(signs, 1)
    assert mine > 20
    assert others < 12
    strong = [s for s in signs if s.score > 20]
    assert min(s.end for s in strong) < 50 * 24 - 60
    assert strong[-1].value == pytest.approx(5 * unit, rel=0.01)


def test_a_hand_that_prefers_zero_and_five_is_found():
    """Last digits drawn by a person for two weeks."""
    rng = np.random.default_rng(5)
    values = np.round(wandering(2, 50 * 24), 1)
    hand = rng.choice([0, 5, 2, 8, 3, 7], p=[0.3, 0.25, 0.15, 0.1, 0.1, 0.1], size=15 * 24)
    values[0, -15 * 24 :] = np.floor(values[0, -15 * 24 :]) + hand / 10

    signs = digit_habit(panel(values), _rule("digit_habit"))

    mine, others = _best(signs, 0)
    assert mine > max(6, others + 2)
    best = max(signs, key=lambda s: s.score)
    assert best.statistic in {0.0, 5.0}
    assert best.value > best.expected


@pytest.mark.parametrize(("step_min", "hours"), [(60, 96), (15, 48)])
def test_a_generator_of_random_numbers_is_found_by_its_lack_of_memory(step_min, hours):
    """Scatter as ever, but each value is drawn anew."""
    per_hour = 60 // step_min
    cells, length = 50 * 24 * per_hour, hours * per_hour
    values = wandering(3, cells)
    past = values[1, : -length - 8]
    values[1, -length - 8 : -8] = _noise(length, float(np.median(past)), 0.1)

    signs = synthetic_noise(panel(values, step_min), _rule("synthetic_noise"))

    mine, others = _best(signs, 1)
    assert mine > max(2.5, others + 1)
    best = max(signs, key=lambda s: s.score)
    assert best.value == pytest.approx(2, abs=0.5)
    assert best.expected < best.silent_at < best.value


@pytest.mark.parametrize("name", SCATTER)
def test_no_scatter_screen_explodes_on_honest_series(name):
    """Fine, coarse, held, gappy and white series of a quarter: fewer than a sign a week each."""
    fine = wandering(6, 2160)
    coarse, held = np.round(fine / 4) * 4, np.repeat(fine[:, ::4], 4, axis=1)
    gappy = np.where(np.random.default_rng(2).random(fine.shape) < 0.1, np.nan, fine)
    white = np.round(50 + 5 * np.random.default_rng(3).standard_normal((4, 2160)), 1)
    values = np.vstack([fine, coarse, held, gappy, white])

    signs = SCREENS[name](panel(values), _rule(name))

    assert len(signs) < 13 * len(values)
    assert len({(s.row, s.end // 168) for s in signs}) < 13 * len(values) / 4


@pytest.mark.parametrize("name", SCATTER)
@pytest.mark.parametrize("values", [np.full((2, 240), np.nan), np.full((2, 2160), 7.0),
                                    np.zeros((1, 96)), np.full((1, 2160), 1e12)])  # fmt: skip
def test_hostile_panels_give_no_sign_and_no_error(name, values):
    """Nothing received, one value for ever, too short, huge."""
    assert SCREENS[name](panel(values), _rule(name)) == []


@pytest.mark.parametrize("name", SCATTER)
@pytest.mark.parametrize("step_min", [1, 10, 1440])
def test_every_interval_can_be_screened(name, step_min):
    """From a minute to a day, without history enough for most."""
    values = wandering(2, 300 * 1440 // 1440 if step_min == 1440 else 2 * 1440 // step_min)

    assert isinstance(SCREENS[name](panel(values, step_min), _rule(name)), list)


@pytest.mark.parametrize("name", SCATTER)
def test_signs_use_nothing_that_came_later_and_judge_only_what_is_asked(name):
    """The panel cut short says the same up to the cut; `since` leaves the history alone."""
    values = wandering(4, 1800)
    values[1, 1300:1350] = _noise(50, 40, 0.01)
    values[2, 1300:1330] = values[2, 1300]
    values[3, 1300:1420] = np.round(values[3, 1300:1420] / 5) * 5
    rule, screen = _rule(name), SCREENS[name]

    whole = screen(panel(values), rule)
    short = screen(panel(values[:, :1397]), rule)
    late = screen(panel(values, since=1380), rule)

    kept = sorted((s.row, s.end, round(s.score, 6)) for s in whole if s.end <= 1397)
    assert kept == sorted((s.row, s.end, round(s.score, 6)) for s in short)
    assert all(s.end > 1380 for s in late)
    known = {(s.row, s.end, round(s.score, 6)) for s in whole}
    first = {s.row: (s.row, s.end, round(s.score, 6)) for s in reversed(late)}
    assert set(first.values()) <= known

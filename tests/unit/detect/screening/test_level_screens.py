"""Tests of level and of instruments: each finds its cheat, is quiet on honest data and causal."""

from dataclasses import replace

import numpy as np
import pytest

from services.detect.packs.load import shipped_pack
from services.detect.screening.panel import CheckResult, ParameterValue
from services.detect.screening.screens import SCREENS
from tests.unit.detect.screening.panels import panel, wandering

BOOK = shipped_pack().book
DAY = 24
LEVEL = ["spike", "steep_rise", "bunching", "scale_change", "level_drift", "range_low"]


def screen(test, block):
    """Signs of a test by its shipped rule."""
    return SCREENS[test](block, BOOK.versions(test)[-1])


def best(signs, row=0):
    """Highest score in a row; 0 without a sign."""
    return max((s.score for s in signs if s.row == row), default=0.0)


def honest(rows=6, days=60, seed=2):
    return wandering(rows, days * DAY, seed)


def steady(rows=6, days=60, seed=2):
    """A plant whose days are alike: half of the scatter on log scale."""
    return np.round(np.sqrt(50 * honest(rows, days, seed)), 2)


def limited(values, limit):
    return replace(panel(values), limit=np.full(len(np.atleast_2d(values)), float(limit)))


@pytest.mark.parametrize("hours", [1, 2, 3])
def test_a_pulse_that_returns_at_once_is_a_spike(hours):
    """Told when it falls; the sign covers the pulse and names peak and level before."""
    values = honest()
    at = 45 * DAY
    values[3, at : at + hours] += 60

    signs = screen("spike", panel(values))

    top = max(signs, key=lambda s: s.score)
    assert (top.row, top.begin, top.end) == (3, at, at + hours + 1)
    assert top.value == values[3, at : at + hours].max()
    assert top.expected == values[3, at - 1]
    assert top.expected < top.silent_at < top.value


def test_a_level_that_rises_and_stays_is_told_after_its_plateau_and_at_its_end():
    """Both edges together score higher than the rise alone."""
    values = honest()
    at = 45 * DAY
    values[2, at : at + 12] *= 3

    signs = [s for s in screen("steep_rise", panel(values)) if s.row == 2 and s.end > at]

    rise, block = signs[0], max(signs, key=lambda s: s.score)
    assert rise.variant == "rise"
    assert rise.end == at + 5
    assert block.variant == "block"
    assert at + 12 < block.end <= at + 16
    assert block.score > rise.score
    assert abs(block.begin - at) <= 1


def test_values_held_under_the_limit_are_told_within_two_days():
    """A limiter turns what is above into values just beneath, half of the time."""
    rng = np.random.default_rng(5)
    values = honest()
    at, limit = 40 * DAY, 1.02 * values.max()
    raised = values[1, at:] * limit / np.median(values[1, at:])
    values[1, at:] = np.where(raised > limit, limit * rng.uniform(0.95, 0.998, raised.size), raised)

    signs = screen("bunching", limited(values, limit))

    assert {s.row for s in signs} == {1}
    assert min(s.end for s in signs) < at + 2 * DAY
    assert best(signs, 1) > 3


def test_a_plant_that_always_worked_at_its_limit_is_not_told():
    """The own record is taken off."""
    values = np.minimum(honest(1), 55.0) + np.random.default_rng(1).uniform(-1, 0, (1, 60 * DAY))

    signs = screen("bunching", limited(values, 55.5))

    assert best([s for s in signs if s.end > 30 * DAY]) < 3


@pytest.mark.parametrize(("factor", "variant"), [(0.5, "level"), (0.6, "level")])
def test_a_lowered_slope_breaks_the_record_of_quiet_days(factor, variant):
    """Rounded again: only the level tells."""
    values = steady()
    at = 42 * DAY
    values[4, at : at + 8 * DAY] = np.round(values[4, at : at + 8 * DAY] * factor, 2)

    signs = screen("scale_change", panel(values))

    top = max((s for s in signs if s.row == 4), key=lambda s: s.score)
    assert at < top.end <= at + 8 * DAY
    assert top.score > 3
    assert top.variant == variant
    assert top.value < top.silent_at < top.expected


def test_a_comb_that_moved_with_the_level_is_near_proof():
    """Integers times 0.6 step by 0.6: three points more, and said so."""
    values = np.round(steady())
    at = 42 * DAY
    values[0, at:] = np.round(values[0, at:] * 0.6, 4)

    top = max(screen("scale_change", panel(values)), key=lambda s: s.score)

    assert (top.row, top.variant) == (0, "comb")
    assert top.score > 6


def test_a_plant_that_runs_low_explains_its_low_level():
    """Where flow is at its own record low as well, nothing is said."""
    values = steady(2)
    values[:, 42 * DAY :] *= 0.5
    together = panel(values, outlets=["A", "A"], factors=["COD", "w00000"])
    apart = panel(values, outlets=["A", "B"], factors=["COD", "w00000"])

    assert best(screen("scale_change", apart)) > best(screen("scale_change", together)) + 2


def test_sisters_tell_a_factor_that_weather_would_hide():
    """The owner's other outlets wander alike: what they leave falls beneath its record."""
    rng = np.random.default_rng(10)
    common = wandering(1, 60 * DAY, 3) ** 2 / 50
    values = common * np.exp(0.05 * rng.standard_normal((3, 60 * DAY)))
    values[0, 45 * DAY :] *= 0.6
    owned = panel(np.round(values, 1), outlets=["A", "B", "C"], enterprise=["E"] * 3)
    apart = panel(np.round(values, 1), outlets=["A", "B", "C"])

    signs = [s for s in screen("scale_change", owned) if s.end > 45 * DAY]

    top = max(signs, key=lambda s: s.score)
    assert (top.row, top.variant, top.others) == (0, "alone", (1, 2))
    assert top.statistic == pytest.approx(0.6, abs=0.1)
    assert top.score > best(screen("scale_change", apart)) + 1


def test_a_straight_drift_is_told_and_sisters_take_their_share():
    """A drift common to the sisters is the process's; one that stands alone is the analyser's."""
    common = wandering(1, 60 * DAY, 8)
    rng = np.random.default_rng(9)
    noise = np.exp(0.02 * rng.standard_normal((3, 60 * DAY)))
    values = common * noise
    line = np.ones(60 * DAY)
    line[40 * DAY :] = np.linspace(1, 0.5, 20 * DAY)
    values[0] *= line
    values = np.round(values, 2)
    sisters = panel(values, outlets=["A"] * 3, factors=["COD", "NH3N", "TN"])

    signs = screen("level_drift", sisters)
    shared = screen(
        "level_drift", panel(values * line, outlets=["A"] * 3, factors=["COD", "NH3N", "TN"])
    )

    late = [s for s in signs if s.end > 46 * DAY]
    assert best(late) > 10
    assert max(late, key=lambda s: s.score).variant == "down_alone"
    assert best(late, 1) < 5
    assert best([s for s in shared if s.end > 46 * DAY], 1) < 5


def test_one_top_value_on_many_days_is_a_range():
    """Peaks cut at one value, flagged or not."""
    values = honest()
    top = float(np.round(np.quantile(values[5], 0.8), 2))
    values[5, 10 * DAY :] = np.minimum(values[5, 10 * DAY :], top)

    signs = screen("range_low", panel(values))

    assert {s.row for s in signs} == {5}
    assert max(signs, key=lambda s: s.score).value == top


def test_zeros_count_only_while_the_plant_runs():
    """Half of the running hours read zero; a stopped plant's zeros are its own."""
    values = honest(2, 30)
    values[0, ::2] = 0
    values[0] = np.round(values[0] / 10) * 10
    running = panel(values.copy(), outlets=["A", "A"], factors=["COD", "flow"])
    values[1, ::2] = 0
    stopped = panel(values, outlets=["A", "A"], factors=["COD", "flow"])

    signs = screen("range_high", running)

    assert best(signs) > 1
    assert signs[0].statistic == pytest.approx(50, abs=1)
    assert screen("range_high", stopped) == []


def test_an_exceedance_is_told_once_and_again_when_it_has_grown():
    """Marked hours are no exceedance."""
    values = honest(2, 20)
    limit = 1.05 * values.max()
    values[0, 300:304] = limit * np.array([1.1, 1.05, 1.6, 1.1])
    values[1, 300:304] = 2 * limit
    marked = np.zeros(values.shape, dtype=bool)
    marked[1, 300:304] = True
    block = replace(panel(values, marked=marked), limit=np.full(2, limit))

    signs = screen("over_limit", block)

    assert [(s.row, s.begin, s.end) for s in signs] == [(0, 300, 301), (0, 300, 303)]
    assert signs[1].statistic == pytest.approx(60)


def test_an_unreported_slope_is_told_and_the_level_confirms_it():
    """Reported changes are silent; the level that moved by the factor adds its score."""
    values = steady(3)
    at = 42 * DAY
    values[0, at:] *= 0.6
    log = [ParameterValue(row, -5, "slope", 1.0) for row in range(3)]
    log += [ParameterValue(row, at, "slope", 0.6, reported=row == 2) for row in range(3)]

    signs = screen("parameter_change", panel(values, parameters=log))

    assert [(s.row, s.variant) for s in sorted(signs, key=lambda s: (s.row, s.end))] == [
        (0, "unreported"), (0, "level_moved"), (1, "unreported"),
    ]  # fmt: skip
    assert best(signs) > best(signs, 1) + 2


def test_checks_that_all_lean_and_checks_too_good_are_told():
    """Honest errors of a third of the tolerance are not."""
    rng = np.random.default_rng(6)
    cells = np.arange(12) * DAY
    errors = {0: rng.uniform(6, 9, 12), 1: rng.normal(0, 3, 12), 2: rng.normal(0, 0.02, 12)}
    checks = [
        CheckResult(row, int(cell), "span", 100.0, 100.0 + error)
        for row, several in errors.items()
        for cell, error in zip(cells, several, strict=True)
    ]
    block = panel(honest(3, 20), checks=checks)

    leaning, perfect = screen("check_error", block), screen("qc_too_perfect", block)

    assert {s.row for s in leaning} == {0}
    assert {s.row for s in perfect} == {2}
    assert best(leaning) > 4
    assert best(perfect, 2) > 5


@pytest.mark.parametrize("test", LEVEL)
def test_honest_series_stay_beneath_what_cheats_reach(test):
    """Two months of twenty made series: few signs, none strong."""
    values = honest(20, 60, 11)

    signs = screen(test, limited(values, 1.2 * values.max()))

    assert len([s for s in signs if s.score > 8]) == 0
    assert len(signs) <= 20 * 6


@pytest.mark.parametrize("test", LEVEL)
@pytest.mark.parametrize("step_min", [60, 15, 1440])
def test_what_is_told_knows_nothing_of_later_cells(test, step_min):
    """The signs of a cut panel are those of the whole that end within it; the same by `since`."""
    per_day = 1440 // step_min
    days = 60 if step_min == 60 else 24 if step_min == 15 else 200
    values = wandering(4, days * per_day, 12)
    values[0, 3 * per_day * days // (4 * per_day) :] *= 0.5
    values[1, -6 * per_day : -5 * per_day] *= 3
    values[2, -5 * per_day :: 5] += 80
    whole = limited(values, 1.05 * values[3].max())
    cut = (days - 4) * per_day

    everything = screen(test, whole)
    before = screen(test, replace(whole, value=values[:, :cut], flag=whole.flag[:, :cut],
                                  marked=whole.marked[:, :cut]))  # fmt: skip
    after = screen(test, replace(whole, since=np.full(4, cut)))

    assert sorted(before) == sorted(s for s in everything if s.end <= cut)
    assert sorted(after) == sorted(s for s in everything if s.end > cut)


@pytest.mark.parametrize("test", [*LEVEL, "range_high", "over_limit"])
@pytest.mark.parametrize("cells", [0, 1, 24, 200])
def test_nothing_is_told_of_too_short_or_empty_series(test, cells):
    """Cold start is silent, and no shape breaks a test."""
    values = np.full((3, cells), np.nan)
    values[1] = 7.0
    values[2, ::2] = 1e300

    assert screen(test, panel(values)) == []

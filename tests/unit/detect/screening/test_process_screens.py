"""Tests of chemistry, process and timing find their cheats, spare honest plants, are causal."""

import dataclasses

import numpy as np
import pytest

from services.detect.packs.load import shipped_pack
from services.detect.screening.screens import SCREENS
from tests.unit.detect.screening import process_scenes as scenes
from tests.unit.detect.screening.panels import panel, wandering

#: Rule, honest plant, cheat, variant, factor of the sign, score that must be reached (and honest
#: plants never reach).
CASES = [
    ("o2_dilution", scenes.stack, scenes.diluted, "dilution", "a19001", 8),
    ("o2_dilution", scenes.stack, scenes.nitrogen, "nitrogen", "a19001", 8),
    ("o2_dilution", scenes.stack, scenes.oxygen_low, "oxygen_low", "a19001", 8),
    ("ambient_sample", scenes.stack, scenes.pulled_out, "ambient", "a19001", 12),
    ("zero_gas", scenes.stack, scenes.zeroed, "zero_gas", "a19001", 12),
    ("conversion_mismatch", scenes.stack, scenes.converted_low, "converted_low", "a21026_zs", 8),
    ("flow_mismatch", scenes.stack, scenes.flow_low, "flow_low", "a00000", 8),
    ("inlet_outlet_ratio", scenes.water, scenes.one_line, "outlet_high", "COD", 8),
    ("inlet_outlet_ratio", scenes.water, scenes.outlet_thinned, "outlet_low", "COD", 8),
    ("power_mismatch", scenes.water, scenes.treatment_off, "treatment_low", "elec_treat", 8),
    ("effluent_dilution", scenes.water, scenes.thinned, "with_flow", "COD", 3),
    ("cod_remover", scenes.water, scenes.remover, "cod_alone", "COD", 5),
    ("night_load", scenes.water, scenes.night_shift, "night_up", "flow", 6),
    ("clock_shift", scenes.water, scenes.clock_later, "later", "flow", 5),
    ("gaps_on_bad_hours", scenes.water, scenes.night_gaps, "same_hours", "COD", 14),
    ("furnace_sections", scenes.furnace, scenes.one_section, "sections_alike", "a01901", 8),
]
NAMES = [f"{rule}-{variant}" for rule, _, _, variant, _, _ in CASES]
OTHERS = ["marks_on_bad_hours", "calibrations_on_bad_hours", "slow_response"]
ALL = sorted({rule for rule, *_ in CASES} | set(OTHERS))


def _screen(rule_id, made):
    return SCREENS[rule_id](made, shipped_pack().book.versions(rule_id)[-1])


@pytest.mark.parametrize(("rule", "plant", "cheat", "variant", "factor", "least"), CASES, ids=NAMES)
def test_a_cheat_is_found_named_and_an_honest_plant_is_not(
    rule, plant, cheat, variant, factor, least
):
    """Beyond the score within the cheat and a day after it; three honest plants stay below."""
    cheated = plant()
    cheat(cheated)

    signs = [s for s in _screen(rule, scenes.of(cheated)) if s.score >= least]

    assert signs
    assert min(s.end for s in signs) > 34 * 24
    first = signs[0]
    assert scenes.of(cheated).keys[first.row].factor == factor
    assert variant in {s.variant for s in signs}
    assert all(s.test == rule and 0 <= s.begin < s.end <= 960 for s in signs)
    assert np.isfinite(
        [s.silent_at for s in signs if rule not in {"ambient_sample", "zero_gas"}]
    ).all()
    for seed in (11, 12, 13):
        assert [s for s in _screen(rule, scenes.of(plant(seed))) if s.score >= least] == []


@pytest.mark.parametrize(("rule", "plant", "cheat", "variant", "factor", "least"), CASES, ids=NAMES)
def test_a_sign_uses_no_cell_from_its_end_on(rule, plant, cheat, variant, factor, least):
    """The panel cut at midnight within the cheat gives the very signs that end by then."""
    cheated = plant()
    cheat(cheated)
    whole, cut = scenes.of(cheated), 37 * 24
    head = dataclasses.replace(
        whole, value=whole.value[:, :cut], flag=whole.flag[:, :cut], marked=whole.marked[:, :cut]
    )

    early = [s for s in _screen(rule, whole) if s.end <= cut]
    alone = _screen(rule, head)

    assert [(s.row, s.begin, s.end, s.variant) for s in early] == [
        (s.row, s.begin, s.end, s.variant) for s in alone
    ]
    assert [s.score for s in early] == pytest.approx([s.score for s in alone], rel=1e-6)


@pytest.mark.parametrize(("rule", "plant", "cheat", "variant", "factor", "least"), CASES, ids=NAMES)
def test_only_what_ends_after_since_is_judged(rule, plant, cheat, variant, factor, least):
    """A night judges its day: earlier cells are history."""
    cheated = plant()
    cheat(cheated)
    made, since = scenes.of(cheated), 37 * 24
    night = dataclasses.replace(made, since=np.full(len(made.keys), since))

    assert all(s.end > since for s in _screen(rule, night))
    strong = [s for s in _screen(rule, made) if s.score >= least and s.end > since]
    assert bool(strong) == bool([s for s in _screen(rule, night) if s.score >= least])


@pytest.mark.parametrize("rule", ALL)
def test_hostile_panels_give_no_strong_sign_and_no_error(rule):
    """All missing, one value, constant, zero, huge, negative; also daily and of one day."""
    names = list(scenes.stack()) + list(scenes.water()) + ["a01901", "a01901-2", "COD_zs"]
    shapes = [np.nan, 5.0, 0.0, 1e15, -3.0]
    for step_min, cells in ((60, 960), (60, 24), (1440, 60)):
        for number in shapes:
            made = panel(
                np.full((len(names), cells), number),
                step_min,
                outlets=["o"] * len(names),
                factors=names,
            )
            assert _screen(rule, made) == []
        single = np.full((len(names), cells), np.nan)
        single[:, cells // 2] = 7.0
        made = panel(single, step_min, outlets=["o"] * len(names), factors=names)
        assert _screen(rule, made) == []
    assert _screen(rule, panel(wandering(1, 48))) == []


@pytest.mark.parametrize("rule", sorted(set(ALL) - {"gaps_on_bad_hours", "marks_on_bad_hours"}))
def test_nothing_is_said_before_the_history_is_there(rule):
    """Cold start: the same cheats in days that are told as not evaluated."""
    needs = __import__(f"services.detect.screening.{rule}", fromlist=["needs_days"]).needs_days
    days = needs(shipped_pack().book.versions(rule)[-1])
    assert days >= 7
    for own, plant, cheat, *_ in CASES:
        if own == rule:
            made = plant()
            cheat(made)
            first = 39 * 24 - int((days / 2) * 24)
            late = {name: values[first:] for name, values in made.items()}
            assert _screen(rule, scenes.of(late)) == []


def test_marks_on_the_peaks_are_found_and_marks_anywhere_are_not():
    """Two weeks in which all that is high is marked M; then the same marks in reverse order."""
    plant = scenes.water()
    high = np.flatnonzero(plant["COD"] > np.quantile(plant["COD"][600:], 0.93))
    high = high[high >= 600]

    found = _screen("marks_on_bad_hours", scenes.of(plant, marks={"COD": high}))
    moved = _screen("marks_on_bad_hours", scenes.of(plant, marks={"COD": 1559 - high}))
    bottle = _screen("marks_on_bad_hours", scenes.of(plant, marks={"COD": high}, letter="C"))

    assert max(s.score for s in found) > 4
    assert max((s.score for s in moved), default=0) < 2
    assert bottle == []


def test_calibrations_before_peaks_are_found_and_a_fixed_schedule_is_not():
    """Each second day at the hour that is higher than yesterday's, against noon each second day."""
    rng = np.random.default_rng(6)
    level = 50 * np.exp(0.3 * rng.standard_normal(80))[:, None] * (1 + 0.3 * np.sin(np.arange(24)))
    level *= np.exp(0.05 * rng.standard_normal(level.shape))
    worst = np.flatnonzero(level.mean(axis=1) > np.quantile(level.mean(axis=1), 0.7)) * 24 + 12
    plan = np.arange(0, 80, 3) * 24 + 12

    def screened(cells):
        made = scenes.of({"COD": level.ravel()}, marks={"COD": cells}, letter="C")
        return _screen("calibrations_on_bad_hours", made)

    picked, planned = screened(worst), screened(plan)

    assert max(s.score for s in picked) > 4
    assert max((s.score for s in planned), default=0) < 2.5


@pytest.mark.parametrize(("lag", "variant"), [(4, "late"), (None, "lost")])
def test_a_line_that_answers_late_or_no_longer_is_found(lag, variant):
    """The gas follows the load by one cell of ten minutes, then by five, or not at all."""
    rng = np.random.default_rng(7)
    cells = 24 * 144
    load = 100 + np.cumsum(rng.standard_normal(cells)) % 40
    gas = 50 + 0.5 * np.roll(load, 1) + 0.3 * rng.standard_normal(cells)
    honest = gas.copy()
    gas[20 * 144 :] = (
        70 + rng.standard_normal(4 * 144) if lag is None else np.roll(gas, lag)[20 * 144 :]
    )

    signs = _screen("slow_response", scenes.of({"a21026": gas, "MW": load}, step_min=10))

    strong = [s for s in signs if s.score > 6]
    assert variant in {s.variant for s in strong}
    assert min(s.end for s in strong) > 20 * 144
    calm = _screen("slow_response", scenes.of({"a21026": honest, "MW": load}, step_min=10))
    assert max((s.score for s in calm), default=0) < 5

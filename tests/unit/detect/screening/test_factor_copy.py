"""因子互拷 and 电表作弊: a link that became exact is found; one that always was is not."""

import numpy as np
import pytest

from services.detect.packs.load import shipped_pack
from services.detect.screening.factor_copy import factor_copy
from services.detect.screening.power_copy import power_copy
from tests.unit.detect.screening.panels import panel, wandering

BOOK = shipped_pack().book
FACTOR, POWER = (BOOK.versions(name)[-1] for name in ("factor_copy", "power_copy"))


def _sisters(cells=1200):
    """Three factors of one outlet that share a process and keep noise of their own."""
    own, process = wandering(3, cells), wandering(1, cells, 9)
    return np.round(np.sqrt(own * process), 2)


def _outlet(values, factors=("COD", "NH3N", "TP"), **more):
    return panel(values, outlets=["one"] * len(values), factors=list(factors), **more)


@pytest.mark.parametrize(("scale", "offset", "variant"), [(1, 0, "exact"), (0.13, 2, "linear")])
def test_a_factor_copied_from_its_sister_is_found(scale, offset, variant):
    """Equal or a straight function of it, two days long; both factors are named."""
    values = _sisters()
    values[2, 1000:1060] = np.round(scale * values[0, 1000:1060] + offset, 2)

    signs = factor_copy(_outlet(values), FACTOR)

    assert {(s.row, s.others, s.variant) for s in signs if s.end <= 1060} == {
        (2, (0,), variant), (0, (2,), variant)
    }  # fmt: skip
    assert all(s.score > 30 for s in signs if 1030 <= s.end <= 1060)


def test_sisters_that_rise_together_are_no_copy():
    """Common process, own noise."""
    assert factor_copy(_outlet(_sisters()), FACTOR) == []


def test_a_factor_always_computed_from_another_stays_silent():
    """NOx from NO is a line by design: the own record says so."""
    values = _sisters()
    values[1] = np.round(1.53 * values[0], 2)

    assert factor_copy(_outlet(values, ("NO", "NOx", "SO2")), FACTOR) == []


def test_other_outlets_and_converted_values_are_not_paired():
    """A converted concentration is computed from the raw one."""
    values = _sisters()
    values[1, 900:] = values[0, 900:]

    assert factor_copy(panel(values, factors=["COD", "NH3N", "TP"]), FACTOR) == []
    assert factor_copy(_outlet(values, ("NOx", "NOx_zs", "O2")), FACTOR) == []


def test_a_treatment_meter_on_another_load_is_found():
    """The fan's meter shows the press line, scaled."""
    values = wandering(3, 1200)
    values[2, 1000:1080] = np.round(0.2 * values[0, 1000:1080], 2)
    meters = ("elec_prod", "elec_prod", "elec_treat")

    found = power_copy(
        panel(values, factors=list(meters), outlets=["a", "b", "a"], enterprise=["E"] * 3), POWER
    )

    assert {(s.row, s.others) for s in found if s.score > 30} == {(2, (0,)), (0, (2,))}


def test_two_production_lines_alike_are_no_matter_of_treatment():
    """Only a treatment meter hides anything."""
    values = wandering(2, 1200)
    values[1, 1000:] = values[0, 1000:]

    assert power_copy(panel(values, factor="elec_prod", enterprise=["E"] * 2), POWER) == []

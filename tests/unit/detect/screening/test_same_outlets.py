"""两口同数: copies between outlets are found, plants of one town are not."""

import numpy as np
import pytest

from services.detect.packs.load import shipped_pack
from services.detect.screening.same_outlets import same_outlets
from tests.unit.detect.screening.panels import panel, wandering

RULE = shipped_pack().book.versions("same_outlets")[-1]


def _town(seed=3):
    """Five outlets that share their weather: increments correlate at about one half."""
    own, weather = wandering(5, 1440, seed), wandering(1, 1440, seed + 50)
    return np.round(np.sqrt(own * weather), 2)


@pytest.mark.parametrize(("lag", "variant"), [(0, "exact"), (1, "shifted"), (300, "shifted")])
def test_equal_values_are_found_at_any_lag_between_strangers(lag, variant):
    """Both outlets are named, each with the other; no owner in common is needed."""
    values = _town()
    values[3, 1200:1300] = values[1, 1200 - lag : 1300 - lag]

    signs = [s for s in same_outlets(panel(values), RULE) if s.score > 20]

    assert {(s.row, s.others) for s in signs} == {(3, (1,)), (1, (3,))}
    assert {s.variant for s in signs} == {variant}
    assert min(s.end for s in signs) < 1215


@pytest.mark.parametrize("lag", [0, 2])
def test_a_scaled_copy_is_found_within_one_owner_or_operator(lag):
    """And nowhere else: without a reason to look, plants of one town look alike."""
    values = _town()
    values[3, 1200:1300] = np.round(1.1 * values[1, 1200 - lag : 1300 - lag], 2)
    served = ["", "S", "", "S", ""]

    def found(**who):
        return {s.row for s in same_outlets(panel(values, **who), RULE) if s.score > 10}

    assert found() == set()
    assert found(operator=served) == {1, 3}
    assert found(enterprise=["a", "b", "c", "b", "e"]) == {1, 3}


def test_plants_of_one_town_under_one_owner_are_not_copies():
    """What they share is weather; each keeps noise of its own."""
    signs = same_outlets(panel(_town(), enterprise=["one"] * 5), RULE)

    assert [s for s in signs if s.score > 8] == []


def test_different_factors_and_standstills_are_not_compared():
    """COD is not SO2; two plants that stand still send the same constant."""
    values = np.vstack([_town()[:1], _town()[:1], np.full((2, 1440), 3.0)])

    signs = same_outlets(panel(values, factors=["COD", "SO2", "COD", "COD"]), RULE)

    assert signs == []

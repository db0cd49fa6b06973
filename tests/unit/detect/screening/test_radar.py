"""串通雷达: rings of outlets of one operator with one hand, and none where there is none."""

import math

import numpy as np
import pytest

from services.detect.packs.load import shipped_pack
from services.detect.screening.radar import radar
from services.detect.screening.radar_picture import radar_svg
from services.detect.screening.traces import joint, poisson_tail, strength_of
from tests.unit.detect.screening.panels import panel, wandering

SAME = shipped_pack().book.versions("same_outlets")[-1]
CELLS, EACH = 960, 4


class Province:
    """Three operators with four outlets each; outlets share weather and a weekly calibration."""

    def __init__(self) -> None:
        weather, own = np.log(wandering(1, CELLS, 2)), np.log(wandering(12, CELLS, 5))
        self.values = np.round(np.exp(0.5 * weather + 0.5 * own), 2)
        self.marked = np.zeros(self.values.shape, bool)
        rng = np.random.default_rng(7)
        for row in range(12):
            for day in range(3, 40, 7):
                self.marked[row, day * 24 + 9 + int(rng.integers(0, 4))] = True

    def radar(self):
        names = [f"{row // EACH}-{row % EACH}" for row in range(12)]
        operators = [f"operator {row // EACH}" for row in range(12)]
        return radar(
            [panel(self.values, outlets=names, operator=operators, marked=self.marked)], SAME
        )


def _one_simulator(province):
    """Three outlets of operator 1 fed by one sequence, each from another place of it."""
    sequence = np.random.default_rng(3).standard_normal(800)
    for k, row in enumerate((4, 6, 7)):
        noise = np.zeros(440)
        for t in range(1, 440):
            noise[t] = 0.6 * noise[t - 1] + 0.1 * sequence[t + 53 * k]
        province.values[row, 500:940] = np.round(40 * (k + 1) * np.exp(noise), 2)


def _one_typist(province):
    """Two outlets of operator 2 whose last digits one person likes."""
    habit = np.random.default_rng(4).choice([0.0, 0.05, 0.05, 0.02], (2, CELLS))
    for row, digits in zip((8, 9), habit, strict=True):
        province.values[row] = np.round(np.floor(province.values[row] * 10) / 10 + digits, 2)


def _one_visit(province):
    """Two outlets of operator 0 marked at the same odd hours."""
    for cell in np.random.default_rng(6).integers(100, CELLS, 12):
        province.marked[[0, 3], cell] = True


def _one_copy(province):
    """An outlet of operator 1 that sends another's values."""
    province.values[5, 700:790] = province.values[4, 700:790]


@pytest.mark.parametrize(
    ("cheat", "kind", "outlets"),
    [(_one_simulator, "noise", ("1-0", "1-2", "1-3")), (_one_typist, "digits", ("2-0", "2-1")),
     (_one_visit, "moments", ("0-0", "0-3")), (_one_copy, "copy", ("1-0", "1-1"))],
)  # fmt: skip
def test_each_kind_of_one_hand_makes_a_ring_of_just_its_outlets(cheat, kind, outlets):
    """With the kind as the strongest evidence of each edge."""
    province = Province()
    cheat(province)

    found = province.radar()

    (ring,) = found.rings
    assert ring.outlets == outlets
    assert {edge.traces[0].kind for edge in ring.edges} == {kind}
    assert all(edge.strength >= 2 for edge in ring.edges)


def test_honest_outlets_of_one_operator_make_no_ring():
    """Common weather and a common calibration day are no hand."""
    found = Province().radar()

    assert found.rings == ()
    assert (found.pairs, found.control) == (18, 48)


def test_the_same_radar_is_the_same_picture_and_tells_what_it_saw():
    """Byte for byte; names of outlets where there are."""
    province = Province()
    _one_simulator(province)

    first, second = (radar_svg(province.radar(), {"1-0": "甲厂总排口"}) for _ in range(2))

    assert first == second
    assert "甲厂总排口" in first.decode()
    assert "残差噪声同源，错开53小时" in first.decode()
    assert "未见串通迹象" in radar_svg(Province().radar()).decode()


def test_evidence_is_joined_as_fisher_does():
    """Chi-square with four degrees of freedom has a closed tail."""
    half = (1.5 + 2.5) * math.log(10)

    assert joint([1.5, 2.5]) == pytest.approx(-math.log10(math.exp(-half) * (1 + half)))
    assert joint([]) == joint([0.0, 0.0]) == 0.0


def test_poisson_tails_are_sums_of_terms():
    """Oracle sums the lower terms."""
    below = sum(math.exp(-2.0) * 2.0**k / math.factorial(k) for k in range(5))

    assert poisson_tail(5, 2.0) == pytest.approx(-math.log10(1 - below))


def test_controls_widen_the_null_and_never_narrow_it():
    """What strangers reach as well is no evidence."""
    strangers = np.linspace(2, 9, 100)

    assert strength_of(8.0, strangers, 1) < 2
    assert strength_of(8.0, np.zeros(100), 1) == strength_of(8.0, np.array([]), 1)
    assert strength_of(40.0, strangers, 1) > 10

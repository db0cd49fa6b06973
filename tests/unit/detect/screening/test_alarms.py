"""What signs come to: rates from a table, evidence of several families, a dial that is kept."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import InputRejected
from services.detect.packs.load import load_pack, shipped_pack
from services.detect.screening.alarms import SISTER, Basis, alarms
from services.detect.screening.evidence import joined, log_e, p_of, p_value
from services.detect.screening.rates import FUSED, RatePoint, RateTable
from services.detect.screening.sign import Sign
from tests.unit.detect.screening.panels import panel

QUIET, STUCK, REPLAY = "low_variance_part_of_day", "constant_value", "exact_replay"
DAY = 24


def points(test, *pairs, name="any"):
    return [RatePoint(test, name, score, rate, "made") for score, rate in pairs]


#: Each test: 10 a station-year at score 1, 1 at 2, 0.1 at 3.
LADDER = ((1.0, 10.0), (2.0, 1.0), (3.0, 0.1))


def basis(*more):
    pack = shipped_pack()
    made = [p for test in (QUIET, STUCK, REPLAY) for p in points(test, *LADDER)]
    return dataclasses.replace(Basis.of(pack), rates=RateTable([*made, *more]), shares={})


def sign(row, test, score, day=10, days=1):
    return Sign(row, day * DAY, (day - days) * DAY, test, score, 1.0)


def scene(outlets=("A", "A", "B"), factors=("COD", "NH3", "COD")):
    return panel(np.ones((len(outlets), 40 * DAY)), outlets=list(outlets), factors=list(factors))


def test_rates_are_read_off_the_curve_and_fall_on_beyond_it_half_as_fast():
    """Log-linear between points, level below the first, a careful tail above the last."""
    table = RateTable(points("t", *LADDER))
    assert table.per_station_year("t", 60, np.array([0.0, 1.5, 3.0, 5.0])) == pytest.approx(
        [10.0, 10**0.5, 0.1, 0.01]
    )
    assert math.isnan(table.per_station_year("other", 60, np.array(2.0)))
    assert table.score_at("t", 60, 0.01) == pytest.approx(5.0)


def test_an_interval_has_its_own_curve_where_it_was_measured():
    """Few points have no slope of their own: the tail is that of all intervals together."""
    table = RateTable([*points("t", *LADDER), *points("t", (1.0, 3.0), name="day")])
    daily = table.per_station_year("t", 1440, np.array([0.0, 1.0, 3.0]))
    assert daily == pytest.approx([3.0, 3.0, 0.3])
    assert table.per_station_year("t", 15, np.array(2.0)) == pytest.approx(1.0)
    lone = RateTable(points("t", (1.0, 3.0)))
    assert lone.per_station_year("t", 60, np.array(9.0)) == pytest.approx(3.0), "no tail is known"
    among = RateTable([*points("t", (1.0, 3.0)), *points("other", *LADDER)])
    usual = among.per_station_year("t", 60, np.array(3.0))
    assert usual == pytest.approx(0.3), "the median tail of the tests that have one"


@given(st.lists(st.floats(1e-9, 0.5), min_size=2, max_size=20))
def test_evidence_rises_as_the_chance_falls_and_leads_back_to_it(chances):
    """Whatever two chances: the smaller is the stronger evidence, and p_of undoes log_e."""
    p = np.sort(np.array(chances))
    assert (np.diff(log_e(p)) <= 1e-9).all()
    assert np.allclose(np.log(p_of(log_e(p))), np.log(p), atol=2e-3)


def test_evidence_has_mean_one_when_nothing_is_wrong():
    """The promise of an e-value, integrated over a uniform p."""
    p = (np.arange(2_000_000) + 0.5) / 2_000_000
    p = p[p < 0.95]
    assert np.exp(log_e(p)).mean() * 0.95 < 1.0


def test_a_sign_alone_alarms_at_the_rate_of_all_tests_together():
    """A third of the dial each: three tests were measured."""
    signs = [sign(0, QUIET, 3.0), sign(2, QUIET, 2.0)]
    found = alarms(scene(), signs, basis(), per_station_year=0.31)
    assert [(a.row, a.test, a.families) for a in found] == [(0, QUIET, ("scatter",))]
    assert found[0].per_station_year == pytest.approx(0.3, rel=0.01)
    assert not found[0].is_clue


def test_two_families_at_one_outlet_are_worth_more_than_each_and_make_a_clue():
    """The same two signs at two outlets stay below the dial."""
    apart = [sign(0, QUIET, 2.5), sign(2, REPLAY, 2.5)]
    together = [sign(0, QUIET, 2.5), sign(1, REPLAY, 2.5, day=11)]
    assert alarms(scene(), apart, basis(), 0.5) == []
    (alarm,) = alarms(scene(), together, basis(), 0.5)
    assert (alarm.families, alarm.is_clue) == (("copy", "scatter"), True)
    assert (alarm.row, alarm.end, alarm.begin) == (1, 11 * DAY, 9 * DAY), "known with the later one"
    assert alarm.per_station_year < 0.5


def test_one_family_is_one_witness_but_a_sister_factor_of_the_line_is_another():
    """Two tests of scatter in one series add nothing; the same collapse in a sister does."""
    alone = alarms(scene(), [sign(0, QUIET, 2.9)], basis(), math.inf)[-1]
    twice = alarms(scene(), [sign(0, QUIET, 2.9), sign(0, STUCK, 2.9)], basis(), math.inf)[-1]
    sister = alarms(scene(), [sign(0, QUIET, 2.9), sign(1, QUIET, 2.9)], basis(), math.inf)[-1]
    assert twice.log_e == alone.log_e
    assert twice.families == ("scatter",)
    assert sister.log_e > alone.log_e
    assert sister.families == ("scatter", SISTER)
    lines = dataclasses.replace(scene(), line=("1", "2", ""))
    apart = alarms(lines, [sign(0, QUIET, 2.9), sign(1, QUIET, 2.9)], basis(), math.inf)[-1]
    assert apart.log_e == alone.log_e, "another line has another sampler"


def test_a_weak_sign_supports_but_is_not_named_and_a_far_one_does_neither():
    strong, weak, far = sign(0, QUIET, 3), sign(1, REPLAY, 1.0), sign(1, REPLAY, 3, day=4)
    lone = alarms(scene(), [strong], basis(), math.inf)[-1]
    helped = alarms(scene(), [strong, weak], basis(), math.inf)
    assert next(a for a in helped if a.row == 0).families == ("scatter",)
    assert alarms(scene(), [far, strong], basis(), math.inf)[-1].log_e == lone.log_e


def test_an_exact_copy_beyond_the_chance_of_the_network_is_decisive_alone():
    (near, beyond) = alarms(
        scene(), [sign(0, REPLAY, 3.0), sign(2, REPLAY, 30.0)], basis(), math.inf
    )
    assert (near.is_clue, beyond.is_clue) == (False, True)


def test_what_was_never_measured_raises_nothing():
    assert alarms(scene(), [sign(0, "o2_dilution", 99.0)], basis(), math.inf) == []


def test_joint_evidence_is_read_off_its_own_curve_where_it_was_measured():
    table = basis(*points(FUSED, (0.0, 7.0), (99.0, 7.0)))
    assert alarms(scene(), [sign(0, QUIET, 9.0)], table, 7.1)[0].per_station_year == pytest.approx(
        7.0
    )


def test_the_future_changes_no_alarm():
    """Alarms of what had ended by then are the same with and without later signs."""
    rng = np.random.default_rng(5)
    tests = (QUIET, STUCK, REPLAY)
    signs = [
        sign(int(rng.integers(3)), tests[rng.integers(3)], float(rng.uniform(1, 4)),
             day=int(rng.integers(3, 40)))
        for _ in range(120)
    ]  # fmt: skip
    whole = alarms(scene(), signs, basis(), 1.0)
    until = [one for one in signs if one.end <= 20 * DAY]
    assert alarms(scene(), until, basis(), 1.0) == [a for a in whole if a.end <= 20 * DAY]


def test_looking_at_many_tests_for_support_is_paid_for():
    """Eight tests, twice as dependent as chance: one that agrees counts a sixteenth."""
    assert joined(2.0, [], 8) == pytest.approx(2.0)
    assert joined(2.0, [math.log(160.0)], 8) == pytest.approx(2.0 + math.log(11.0))


def test_a_test_with_a_smaller_share_of_the_dial_needs_more_evidence():
    half = dataclasses.replace(basis(), shares={QUIET: 0.5})
    signs = [sign(0, QUIET, 3.0), sign(2, STUCK, 3.0)]
    rates = {a.test: a.per_station_year for a in alarms(scene(), signs, half, math.inf)}
    assert rates[QUIET] > 1.8 * rates[STUCK]


def test_a_pack_whose_stronger_scores_are_more_frequent_is_refused():
    """The dial would raise the weaker signs first."""
    files = dict(shipped_pack().files)
    head = b"test,interval_class,score,per_station_year,source\n"
    files["screening/rates.csv"] = head + b"exact_replay,any,1,0.1,a\nexact_replay,any,2,0.2,a\n"
    with pytest.raises(InputRejected, match="never more frequent"):
        load_pack(files)
    files["screening/rates.csv"] = head + b"exact_replay,week,1,0.1,a\n"
    with pytest.raises(InputRejected, match=r"rates\.csv, line 2, field interval_class"):
        load_pack(files)


def test_rates_become_chances_of_a_day():
    assert p_value(np.array([365.25, 0.0])) == pytest.approx([1 - math.exp(-1), 0.0])

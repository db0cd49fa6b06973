"""Amounts: units, and substitution against a slow oracle."""

import csv
import datetime as dt
import math
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detect.judgement.amounts import amounts
from services.detect.judgement.hours import judge_hours
from services.detect.judgement.parameters import AmountRule, Scope
from services.detect.judgement.pollutants import milligrams
from services.detect.judgement.row_rules import row_rules
from services.detect.kernels.last_valid import last_valid
from tests.unit.detect import hostile
from tests.unit.detect.judgement.oracles import E, S, hours_of, limits_of, rule

NAN = math.nan


def amount_rule(**more) -> AmountRule:
    """A row of amounts."""
    return AmountRule(
        key="a", scope=Scope(), since=dt.date(2020, 1, 1), until=None, source="test",
        confidence="sure", **more,
    )  # fmt: skip


def summed(values, flows, days, *, factor="a21026", effects=(), **more):
    """Amounts of one series with its flow; None = not received."""

    def cells(numbers):
        return [None if v is None else (v, NAN, "N") for v in numbers]

    hours = hours_of([cells(values), cells(flows)], days, flow=[1, -1], factors=[factor, "a00000"])
    effect = np.zeros(hours.value.shape, np.uint8)
    for column, one in effects:
        effect[0, column] = one
    result = judge_hours(hours, effect, row_rules([rule(), rule()]), limits_of([{}, {}], days))
    return amounts(hours, result, amount_rule(**more)), result


def test_kilograms_of_an_hour_in_the_units_of_hj_212():
    """100 mg/m3 in 50 m3/s is 18 kg/h; 50 mg/L in 20 L/s is 3.6 kg/h; ug/L a thousandth."""
    gas, _ = summed([100.0], [50.0], 1)
    water, _ = summed([50.0], [20.0], 1, factor="w01018")
    metal, _ = summed([50.0], [20.0], 1, factor="w20115")

    assert gas.kg[0, 0] == pytest.approx(18.0)
    assert water.kg[0, 0] == pytest.approx(3.6)
    assert metal.kg[0, 0] == pytest.approx(0.0036)


@pytest.mark.parametrize("factor", ["a19001", "a00000", "a01012", "w01001", "w01010", "w00000"])
def test_what_has_no_mass_has_no_amount(factor):
    """Oxygen, flow, temperature, pH: not zero, but nothing."""
    got, _ = summed([5.0], [5.0], 1, factor=factor)

    assert milligrams(factor) == 0
    assert np.isnan(got.kg[0, 0])
    assert np.isnan(got.substituted_kg[0, 0])


def test_units_of_mass_are_those_in_which_readings_are_kept():
    """Every air and water factor that ingest types: its unit in milligrams, or no mass."""
    per_unit = {"mg": 1.0, "ug": 1e-3, "ng": 1e-6}
    table = resources.files("services.ingest.hj212") / "factors.csv"
    with table.open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["medium"] in {"air", "gas", "water"}]

    found = {row["code"]: milligrams(row["code"]) for row in rows}

    assert len(rows) > 180
    oxygen = {"w01009"}  # dissolved oxygen is in mg/L, and nothing that is discharged
    for row in rows:
        unit, _, volume = row["unit"].partition("/")
        mass = per_unit.get(unit, 0.0) if volume in {"m3", "L"} else 0.0
        assert found[row["code"]] == (0.0 if row["code"] in oxygen else mass), row


def test_an_outlet_without_flow_has_no_amount():
    """Not known is not zero."""
    hours = hours_of([[(5.0, NAN, "N")]])
    rules = row_rules([rule()])
    result = judge_hours(hours, np.zeros((1, 24), np.uint8), rules, limits_of([{}]))

    assert np.isnan(amounts(hours, result, amount_rule()).kg).all()


def test_exempt_hours_emit_and_stopped_hours_do_not():
    """A start-up within its cap is measured and counted; a stopped hour is nothing at all."""
    got, _ = summed([100.0] * 24, [50.0] * 24, 1, effects=[(3, E.EXEMPT), (4, E.STOPPED)])

    assert got.kg[0, 0] == pytest.approx(23 * 18.0)
    assert got.substituted_kg[0, 0] == 0


def test_a_marked_hour_is_substituted_by_the_largest_of_those_before():
    """Maintenance while much is emitted costs at least as much as the worst valid hour."""
    got, _ = summed([10.0, 100.0, 50.0, 9999.0], [50.0] * 4, 1, effects=[(3, E.INVALID)],
                    low_share=0.0, high_share=0.0)  # fmt: skip

    assert got.kg[0, 0] == pytest.approx((10 + 100 + 50) * 0.18)
    # Twenty hours never came, and the marked one: each the largest valid hour, 18 kg.
    assert got.substituted_kg[0, 0] == pytest.approx(21 * 18.0)


def oracle(kg, missing, r, days):
    """Substituted kg by day; `kg` NaN where not known, `missing` running hours to fill."""
    total = [0.0] * days
    for column, lost in enumerate(missing):
        if not lost:
            continue
        day = column // 24
        known = [v for v in kg[:column] if not math.isnan(v)]
        if not known:
            continue
        first = column
        while first > 0 and math.isnan(kg[first - 1]):
            first -= 1
        last = column
        while last + 1 < day * 24 + 24 and math.isnan(kg[last + 1]):
            last += 1
        gap = sum(missing[first : last + 1])
        begin, end = max(0, (day - 89) * 24), day * 24 + 24
        good = sum(not math.isnan(v) for v in kg[begin:end])
        capture = good / (good + sum(missing[begin:end]))
        if capture >= r.high_share:
            window = r.short_window if gap <= r.short_gap_hours else r.long_window
        else:
            window = r.poor_window if capture >= r.low_share else r.below_window
        if window:
            recent = known[-window:]
            total[day] += max(recent) if r.statistic == "max" else sum(recent) / len(recent)
    return total


@given(
    st.lists(st.one_of(st.none(), st.sampled_from([0.0, -4.0, 7.5, 30.0, 100.0, NAN, math.inf])),
             min_size=96, max_size=96),
    st.lists(st.one_of(st.none(), st.sampled_from([0.0, -1.0, 2.0, 40.0])),
             min_size=96, max_size=96),
    st.lists(st.sampled_from(
        [E.NONE] * 20 + [E.STOPPED] * 2 + [E.INVALID, E.EXEMPT]), min_size=96, max_size=96),
    st.sampled_from(["max", "mean"]),
    st.sampled_from([(0.2, 0.1), (0.9, 0.75), (0.6, 0.3)]),
    st.sampled_from([0, 5]),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_substitution_is_what_the_slow_oracle_says(
    values, flows, effects, statistic, shares, below
):
    """Gaps within and across days, zero and negative flow, anything missing; small windows."""
    windows = {"short_gap_hours": 3, "short_window": 4, "long_window": 9, "poor_window": 14}
    high, low = shares
    more = windows | {"statistic": statistic, "high_share": high, "low_share": low,
                      "below_window": below}  # fmt: skip
    with np.errstate(all="raise"):
        got, result = summed(values, flows, 4, effects=enumerate(effects), **more)

    states, flow_states = result.state[0], result.state[1]
    kg, missing, begun = [], [], False
    for column, value in enumerate(values):
        begun = begun or value is not None
        usable = flow_states[column] == S.VALID and flows[column] >= 0
        known = states[column] in {S.VALID, S.EXEMPT} and usable
        kg.append(max(value * flows[column] * 0.0036, 0.0) if known else NAN)
        missing.append(begun and not known and states[column] != S.STOPPED)
    want = oracle(kg, missing, amount_rule(**more), 4)
    assert got.substituted_kg[0] == pytest.approx(want, rel=1e-9, abs=1e-9)
    by_day = [sum(v for v in kg[d * 24 : d * 24 + 24] if not math.isnan(v)) for d in range(4)]
    assert got.kg[0] == pytest.approx(by_day, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("gaps", "kg_each"), [((3,), 10.0), ((4,), 100.0), ((3, 2), 10.0), ((2, 3, 1), 10.0)]
)
def test_each_gap_has_its_own_length(gaps, kg_each):
    """Up to three hours the last valid hour counts, beyond them the largest of the day."""
    values = [100.0, 10.0]
    for gap in gaps:
        values += [None] * gap + [10.0]
    values += [10.0] * (24 - len(values))

    got, _ = summed(values, [1 / 0.0036] * 24, 1, short_gap_hours=3, short_window=1,
                    long_window=24, high_share=0.0)  # fmt: skip

    assert got.substituted_kg[0, 0] == pytest.approx(sum(gaps) * kg_each)


def test_a_day_that_was_summed_is_not_changed_by_what_comes_later():
    """The gap is as long as its day saw it: the first two days say the same without the rest."""
    values = [100.0] * 20 + [None] * 60 + [80.0] * 16
    flows = [50.0] * 96

    whole, _ = summed(values, flows, 4)
    early, _ = summed(values[:48], flows[:48], 2)

    np.testing.assert_array_equal(whole.substituted_kg[:, :2], early.substituted_kg)


@given(hostile.series(), st.integers(1, 70), st.booleans())
def test_last_valid_is_over_a_list_of_the_valid_values_so_far(block, count, mean):
    """Oracle: walk each row."""
    with np.errstate(all="raise"):
        got = last_valid(block, count, mean=mean)

    for i, row in enumerate(block.values):
        seen = []
        for j, value in enumerate(row):
            if block.valid[i, j]:
                seen.append(value)
            recent = seen[-count:]
            want = NAN if not recent else sum(recent) / len(recent) if mean else max(recent)
            assert got[i, j] == pytest.approx(want, rel=1e-9, abs=1e-9, nan_ok=True)

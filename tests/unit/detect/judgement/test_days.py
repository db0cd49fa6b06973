"""Daily means against the slow oracle, and the readings that the law distinguishes."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from services.detect.judgement.days import judge_days
from services.detect.judgement.hours import judge_hours
from services.detect.judgement.row_rules import row_rules
from tests.unit.detect.judgement import oracles
from tests.unit.detect.judgement.oracles import S, hours_of, limits_of, rule

NAN = math.nan


def day_of(values, flows=None, *, limit=None, **rules):
    """One day of one outlet from its hours; NaN = not received."""

    def cells(numbers):
        return [None if math.isnan(v) else (v, NAN, "N") for v in numbers]

    rows = [cells(values)] + ([cells(flows)] if flows else [])
    hours = hours_of(rows, flow=[1, -1] if flows else [-1])
    of_rows, limits = row_rules([rule(**rules), rule()][: len(rows)]), [limit or {}, {}]
    limits = limits_of(limits[: len(rows)])
    result = judge_hours(hours, np.zeros(hours.value.shape, np.uint8), of_rows, limits)
    return judge_days(hours, result, of_rows, limits)


def test_water_is_weighted_by_its_flow(vectors):
    """The vectors of flow-weighted means (HJ 356-2019)."""
    for case in vectors["daily_mean_water"]["cases"]:
        got = day_of([float(c) for c in case["c"]], [float(q) for q in case["q"]], weight="flow")

        assert got.mean[0, 0] == case["want"]
        assert got.valid_hours[0, 0] == len(case["c"])


def test_a_pair_needs_both_and_without_discharge_there_is_no_mean():
    """A missing or negative flow takes its hour out; flows of zero give no mean."""
    got = day_of([10.0, 20.0, 30.0], [1.0, NAN, -5.0], weight="flow")
    still = day_of([10.0, 20.0], [0.0, 0.0], weight="flow")

    assert (got.mean[0, 0], got.valid_hours[0, 0]) == (10.0, 1)
    assert math.isnan(still.mean[0, 0])
    assert not still.enough[0, 0]


def test_an_outlet_without_a_flow_meter_has_a_plain_mean_unless_the_rule_says_none():
    """Leaving the meter out is no way round the daily limit; the pack may say otherwise."""
    assert day_of([10.0, 30.0], weight="flow").mean[0, 0] == 20.0
    assert math.isnan(day_of([10.0, 30.0], weight="flow", without_flow="none").mean[0, 0])


@pytest.mark.parametrize(("valid", "judged"), [(20, True), (19, False)])
def test_an_incinerator_day_needs_twenty_valid_hours(valid, judged):
    """GB 18484-2020; domain.md B.4 step 6."""
    got = day_of([90.0] * valid, limit={"daily": 80.0}, day_min_valid_hours=20)

    assert (got.enough[0, 0], got.over[0, 0]) == (judged, judged)
    assert math.isnan(got.mean[0, 0]) is not judged


def test_both_readings_of_the_multiple():
    """(c - L) / L is kept, c / L is one more: 3.5 times the limit is 2.5 beyond it."""
    got = day_of([105.0] * 24, limit={"daily": 30.0})

    assert got.multiple[0, 0] == 2.5
    assert got.multiple[0, 0] + 1 == 105 / 30


def test_the_rounded_reading_of_a_day():
    """A mean of 80.5 rounds to 80 and passes; compared in full it exceeds (GB/T 8170)."""
    limit = {"daily": 80.0}

    full = day_of([80.0, 81.0] * 12, limit=limit)
    rounded = day_of([80.0, 81.0] * 12, limit=limit, comparison="rounded_value")

    assert (full.mean[0, 0], full.over[0, 0], rounded.over[0, 0]) == (80.5, True, False)
    assert rounded.mean[0, 0] == 80.5


@pytest.mark.parametrize("value", [30.1, 0.3, 0.07, 80.7])
def test_hours_that_all_lie_at_the_limit_do_not_exceed_it(value):
    """The sum of 24 floats is not 24 times the float; its noise is no exceedance."""
    got = day_of([value] * 23, [0.1 * i for i in range(23)], weight="flow", limit={"daily": value})

    assert (got.mean[0, 0], got.over[0, 0]) == (value, False)


@given(oracles.scenes())
@settings(deadline=None, max_examples=60)
def test_days_are_what_the_slow_oracle_says(scene):
    """Mean, hours, exceedance by day; limits change between days, a year turns, all is missing."""
    with np.errstate(all="raise"):
        result = judge_hours(scene.hours, scene.effect, scene.rules, scene.limits)
        got = judge_days(scene.hours, result, scene.rules, scene.limits)

    for row in range(3):
        for day in range(scene.days):
            mean, enough, valid, running, over = scene.day(row, day)
            assert got.mean[row, day] == pytest.approx(mean, rel=1e-9, nan_ok=True)
            assert bool(got.enough[row, day]) == bool(enough)
            assert (got.valid_hours[row, day], got.running_hours[row, day]) == (valid, running)
            assert bool(got.over[row, day]) == bool(over)
            cells = [scene.hour(row, day * 24 + hour) for hour in range(24)]
            judged = [c[1] for c in cells if c[0] == S.VALID]
            assert got.low[row, day] == pytest.approx(min(judged, default=NAN), nan_ok=True)
            assert got.high[row, day] == pytest.approx(max(judged, default=NAN), nan_ok=True)

"""Warnings: runs near the limit, projected daily means and ultra-low months, by slow oracles."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detect.judgement.hours import judge_hours
from services.detect.judgement.parameters import Scope, WarningRule
from services.detect.judgement.row_rules import row_rules
from services.detect.judgement.warnings import near_limit, projected_mean, ultra_low_share
from tests.unit.detect.judgement import oracles
from tests.unit.detect.judgement.oracles import S, hours_of, limits_of, rule

NAN = math.nan


def warning_rule(**more) -> WarningRule:
    """A row of warnings."""
    return WarningRule(
        key="w", scope=Scope(), since=dt.date(2020, 1, 1), until=None, source="test",
        confidence="sure", **more,
    )  # fmt: skip


def scene_result(scene):
    """The scene as judged."""
    return judge_hours(scene.hours, scene.effect, scene.rules, scene.limits)


def test_three_hours_in_a_row_above_nine_tenths_are_near():
    """A lower hour, or one that is not valid, begins the count anew; so 36 > 0.9 x 35 = 31.5."""
    values = [32, 32, 31, 32, 33, 36, 34, NAN, 32, 32, 32]
    hours = hours_of([[None if math.isnan(v) else (float(v), NAN, "N") for v in values]])
    limits = limits_of([{"upper": 35.0}])
    result = judge_hours(hours, np.zeros((1, 24), np.uint8), row_rules([rule()]), limits)

    got = near_limit(result, limits, warning_rule())

    assert np.flatnonzero(got[0]).tolist() == [5, 6, 10]


@given(oracles.scenes(), st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_near_hours_are_what_the_slow_oracle_says(scene, hours):
    """Oracle: a counter that any other hour sets back; runs go on over midnight and new limits."""
    with np.errstate(all="raise"):
        got = near_limit(scene_result(scene), scene.limits, warning_rule(near_hours=hours))

    for row in range(3):
        run = 0
        for column in range(24 * scene.days):
            _, judged, *_ = scene.hour(row, column)
            limit = scene.by_day[row][column // 24].get("upper", NAN)
            run = run + 1 if judged > 0.9 * limit else 0
            assert bool(got[row, column]) == (run >= hours)


def test_a_bad_morning_warns_before_the_day_is_over():
    """Six hours at 60 project 60 against 50; after a good afternoon, nothing."""
    values = [60.0] * 6 + [10.0] * 18
    hours = hours_of([[(v, NAN, "N") for v in values]])
    rules, limits = row_rules([rule()]), limits_of([{"daily": 50.0}])
    result = judge_hours(hours, np.zeros((1, 24), np.uint8), rules, limits)

    got = projected_mean(hours, result, rules, limits, warning_rule())

    assert np.isnan(got.mean[0, :5]).all()
    assert got.mean[0, 5] == pytest.approx(60.0)
    assert got.over[0].tolist() == [False] * 5 + [True] * 2 + [False] * 17
    assert got.mean[0, 23] == pytest.approx(sum(values) / 24)


@given(oracles.scenes(), st.integers(1, 8))
@settings(deadline=None, max_examples=40)
def test_projected_means_are_what_the_slow_oracle_says(scene, recent):
    """Oracle: at the end of each hour, sums over lists; weighted by flow where the mean is."""
    with np.errstate(all="raise"):
        got = projected_mean(
            scene.hours, scene_result(scene), scene.rules, scene.limits,
            warning_rule(projected_min_hours=recent),
        )  # fmt: skip

    for row in range(3):
        for column in range(24 * scene.days):
            limit = scene.by_day[row][column // 24]
            want = projected(scene, row, column, recent)
            limited = "daily" in limit or "daily_lower" in limit
            if not limited or not scene.list_of_rules[row].averaged:
                want = NAN
            assert got.mean[row, column] == pytest.approx(want, rel=1e-7, abs=1e-9, nan_ok=True)


def projected(scene, row, column, recent):
    """The mean that the day is heading for, as seen at the end of one hour."""
    r, has_flow = scene.list_of_rules[row], scene.flow_rows[row] >= 0
    pairs = {}
    for at in range(column // 24 * 24, column + 1):
        _, judged, *_ = scene.hour(row, at)
        weight = 1.0
        if r.weight == "flow" and has_flow:
            state, flow, *_ = scene.hour(4, at)
            weight = flow if state == S.VALID and flow >= 0 else NAN
        elif r.weight == "flow" and r.without_flow == "none":
            weight = NAN
        if math.isfinite(judged) and math.isfinite(weight):
            pairs[at] = (judged * weight, weight)
    last = [pairs[at] for at in pairs if at > column - recent]
    rest = 23 - column % 24
    if len(pairs) < recent or not last:
        return NAN
    product = sum(p for p, _ in pairs.values()) + rest * sum(p for p, _ in last) / len(last)
    weight = sum(w for _, w in pairs.values()) + rest * sum(w for _, w in last) / len(last)
    return product / weight if weight > 0 else NAN


def test_a_month_needs_95_percent_of_its_hours_within_the_ultra_low_value():
    """19 of 20 is enough, 18 of 19 is not; December and January are two months in Beijing."""
    december = [12.0] + [9.0] * 19 + [None] * 4
    january = [12.0] + [9.0] * 18 + [None] * 5
    row = [None if v is None else (v, NAN, "N") for v in december + january]
    hours, limits = hours_of([row], 2, start=oracles.MIDNIGHTS[0]), limits_of([{"warn": 10.0}], 2)
    result = judge_hours(hours, np.zeros((1, 48), np.uint8), row_rules([rule()]), limits)

    got = ultra_low_share(hours, result, limits, warning_rule())

    assert got.months.tolist() == [(2026 - 1970) * 12 + 11, (2027 - 1970) * 12]
    assert (got.valid_hours.tolist(), got.within_hours.tolist()) == ([[20, 19]], [[19, 18]])
    assert got.low.tolist() == [[False, True]]


@given(oracles.scenes())
@settings(deadline=None, max_examples=30)
def test_ultra_low_shares_are_those_of_lists(scene):
    """Oracle: the valid hours of each month in lists, by the calendar of Beijing."""
    with np.errstate(all="raise"):
        got = ultra_low_share(scene.hours, scene_result(scene), scene.limits, warning_rule())

    begin = dt.datetime(1970, 1, 1) + dt.timedelta(hours=int(scene.hours.start[0]) + 8)
    for row in range(3):
        lists = {}
        for column in range(24 * scene.days):
            day = begin + dt.timedelta(hours=column)
            month = (day.year - 1970) * 12 + day.month - 1
            r, limit = scene.list_of_rules[row], scene.by_day[row][column // 24]
            _, judged, *_ = scene.hour(row, column)
            if math.isfinite(judged) and "warn" in limit:
                compared = oracles.rounded(judged, limit.get("decimals", 0), r)
                lists.setdefault(month, []).append(compared <= 10.0)
        for at, month in enumerate(got.months.tolist()):
            within = lists.get(month, [])
            assert (got.valid_hours[row, at], got.within_hours[row, at]) == (
                len(within), sum(within),
            )  # fmt: skip
            share = sum(within) / len(within) if within else NAN
            assert got.share[row, at] == pytest.approx(share, nan_ok=True)
            assert bool(got.low[row, at]) == (share < 0.95)

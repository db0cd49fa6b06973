"""Validity, transmission and capture rates; checks that reach back."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.effective_rate import effective
from services.detect.judgement.hours import judge_hours
from services.detect.judgement.rates import (
    CAPTURE_NEEDED,
    QcCheck,
    capture_rate,
    count_hours,
    qc_failed,
    validity,
)
from services.detect.judgement.row_rules import row_rules
from tests.unit.detect.judgement import oracles
from tests.unit.detect.judgement.oracles import E, S, hours_of, limits_of, rule

NAN = math.nan
FREE = {"w01018"}  # of the vectors; COD, NH3-N, TP and TN have one free hour a day


def counted(cells, effects=(), **rules):
    """Counts of one day of one series."""
    hours = hours_of([cells])
    effect = np.zeros((1, 24), np.uint8)
    effect[0, : len(effects)] = effects
    of_rows = row_rules([rule(**rules)])
    result = judge_hours(hours, effect, of_rows, limits_of([{}]))
    counts = count_hours(
        result.state,
        result.notes,
        hours.present,
        of_rows.numbers("free_hours_a_day").astype(np.int64),
    )
    return {name: int(part[0, 0]) for name, part in vars(counts).items()}


def test_effective_rates_follow_the_vectors(vectors):
    """Received x valid over 24, the hour of the standard check free where it alone was lost."""
    for case in vectors["transmission"]["cases"]:
        valid, received = case["valid"], case["received"]
        cells = [(5.0, NAN, "N")] * valid + [(5.0, NAN, "C")] * (received - valid)

        got = counted(cells, free_hours_a_day=int(case["factor"] in FREE))

        share = validity(got["received"], got["valid"], got["free"])
        rate = effective(received / case["expected"], 1.0, float(share))
        assert rate.realtime == pytest.approx(case["want"], abs=5e-5)


def test_capture_rates_follow_the_vectors(vectors):
    """HJ 75-2017: stopped hours leave both sides; three quarters are needed."""
    for case in vectors["capture_rate"]["cases"]:
        got = float(capture_rate(case["hours"], case["invalid"], case["shutdown"]))

        assert got == pytest.approx(case["want"], abs=5e-5)
        assert (got >= CAPTURE_NEEDED) is case["ok"]


def test_stopped_and_excused_hours_leave_the_denominator():
    """Half a day stopped, some hours not the plant's fault, the rest valid: all that was due."""
    cells = [(5.0, NAN, "N")] * 8 + [(0.0, NAN, "F")] * 12 + [None] * 4

    got = counted(cells, [E.NONE] * 20 + [E.EXCUSED] * 4)

    assert (got["hours"], got["stopped"], got["excused"]) == (24, 12, 4)
    assert (got["received"], got["valid"], got["free"]) == (8, 8, 0)
    assert float(validity(got["received"], got["valid"], got["free"])) == 1.0


def test_nothing_due_is_no_rate():
    """A day wholly stopped is neither good nor bad."""
    got = counted([(0.0, NAN, "F")] * 24)

    assert np.isnan(validity(got["received"], got["valid"], got["free"]))
    assert np.isnan(capture_rate(24, 0, 24))
    assert all(math.isnan(rate) for rate in effective(NAN, NAN, 1.0))


@given(oracles.scenes())
@settings(deadline=None, max_examples=40)
def test_counts_are_those_of_a_counter(scene):
    """Oracle: count the oracle's states by day."""
    result = judge_hours(scene.hours, scene.effect, scene.rules, scene.limits)

    got = count_hours(result.state, result.notes, scene.hours.present, np.arange(5) % 3)

    for row in range(3):
        for day in range(scene.days):
            columns = range(day * 24, day * 24 + 24)
            states = [scene.hour(row, c)[0] for c in columns]
            excused = [
                scene.effect[row, c] == E.EXCUSED and state != S.STOPPED
                for c, state in zip(columns, states, strict=True)
            ]
            number = Counter(states)
            came = sum(
                scene.rows[row][c] is not None and state != S.STOPPED and not out
                for c, state, out in zip(columns, states, excused, strict=True)
            )
            valid = number[S.VALID] + number[S.EXEMPT]
            lost = 24 - number[S.STOPPED] - sum(excused) - valid
            want = {
                "hours": 24, "stopped": number[S.STOPPED], "excused": sum(excused),
                "received": came, "valid": valid, "marked": number[S.MARKED],
                "exempt": number[S.EXEMPT], "free": came - valid if lost <= row % 3 else 0,
            }  # fmt: skip
            assert {name: int(part[row, day]) for name, part in vars(got).items()} == want


START = oracles.MIDNIGHTS[0]


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(-60, 80), st.booleans()), max_size=12),
    st.randoms(),
)
@settings(deadline=None)
def test_a_failed_check_reaches_back_to_the_last_passed_one(drawn, random):
    """Oracle: walk the checks of each row in order of time; order and repetition change nothing."""
    start = np.array([START, START + 24])
    checks = [QcCheck(row, (START + hour) * 3600 + 900, ok) for row, hour, ok in drawn]
    twice = checks * 2
    random.shuffle(twice)

    got = qc_failed(twice, start, 48)

    want = np.zeros((2, 48), dtype=bool)
    for row in (0, 1):
        passed = None
        for check in sorted({c for c in checks if c.row == row}, key=lambda c: (c.at_s, c.passed)):
            slot = check.at_s // 3600 - int(start[row])
            if check.passed:
                passed = slot
            else:
                since = passed if passed is not None else slot - 24
                for column in range(max(0, since), min(48, slot + 1)):
                    want[row, column] = True
    np.testing.assert_array_equal(got, want)


def test_hours_since_the_last_good_check_are_not_valid():
    """HJ 356-2019: passed at 02:30, failed at 05:30: the hours from two to five are out."""
    hours = hours_of([[(5.0, NAN, "N")] * 24])
    at = [(START + h) * 3600 + 1800 for h in (2, 5)]
    mask = qc_failed([QcCheck(0, at[1], passed=False), QcCheck(0, at[0], passed=True)],
                     hours.start, 24)  # fmt: skip

    got = judge_hours(
        hours, np.where(mask, E.QC_FAILED, E.NONE).astype(np.uint8), row_rules([rule()]),
        limits_of([{}]),
    )  # fmt: skip

    assert np.flatnonzero(got.state[0] == S.QC_FAILED).tolist() == [2, 3, 4, 5]

"""Hours: each decision by an example, and all of them against the slow oracle."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detect.judgement.hours import judge_hours
from services.detect.judgement.model import Hours, HourState, LimitGrid, MarkEffect, Note
from services.detect.judgement.row_rules import row_rules
from services.detect.kernels.series import Series
from services.detect.kernels.sudden import sudden
from tests.unit.detect import hostile
from tests.unit.detect.judgement import oracles
from tests.unit.detect.judgement.oracles import E, S, hours_of, limits_of, rule

NAN = math.nan


def judge_one(cell, effect=E.NONE, *, limit=None, o2=None, at=0, **rules):
    """One hour of one outlet: the result, narrowed to that hour."""
    row = [None] * at + [cell]
    hours = hours_of([row, [None] * at + [o2]], oxygen=[1, -1])
    effects = np.zeros((2, 24), dtype=np.uint8)
    effects[0, at] = effect
    got = judge_hours(
        hours, effects, row_rules([rule(**rules), rule()]), limits_of([limit or {}, {}])
    )
    return {f.name: getattr(got, f.name)[0, at] for f in fields(got)}


@pytest.mark.parametrize(
    ("cell", "effect", "state"),
    [
        (None, E.NONE, S.MISSING),
        ((5.0, NAN, "N"), E.NONE, S.VALID),
        ((NAN, NAN, "N"), E.NONE, S.MISSING),
        ((math.inf, NAN, "N"), E.NONE, S.MISSING),
        ((5.0, NAN, "B"), E.NONE, S.MISSING),
        ((5.0, NAN, "F"), E.NONE, S.STOPPED),
        ((5.0, NAN, "D"), E.NONE, S.FLAGGED),
        ((5.0, NAN, "?"), E.NONE, S.FLAGGED),
        ((5.0, NAN, "T"), E.NONE, S.VALID),
        ((5.0, NAN, "N"), E.INVALID, S.MARKED),
        ((5.0, NAN, "M"), E.INVALID, S.MARKED),
        (None, E.INVALID, S.MISSING),
        ((5.0, NAN, "N"), E.MISSING, S.VALID),
        (None, E.STOPPED, S.STOPPED),
        ((5.0, NAN, "N"), E.STOPPED, S.STOPPED),
        ((5.0, NAN, "N"), E.EXEMPT, S.EXEMPT),
        ((5.0, NAN, "D"), E.EXEMPT, S.FLAGGED),
        ((5.0, NAN, "N"), E.OVER_CAP, S.VALID),
        ((5.0, NAN, "N"), E.PM_HIGH, S.VALID),
        ((5.0, NAN, "N"), E.QC_FAILED, S.QC_FAILED),
        (None, E.QC_FAILED, S.MISSING),
    ],
)
def test_flag_and_mark_decide_the_state(cell, effect, state):
    """Every row of the table in docs/judgement.md that needs no neighbour."""
    assert judge_one(cell, effect)["state"] == state


@pytest.mark.parametrize(
    ("cell", "effect", "note"),
    [
        ((5.0, NAN, "T"), E.NONE, Note.OVER_RANGE),
        (None, E.EXCUSED, Note.EXCUSED),
        ((5.0, NAN, "D"), E.EXCUSED, Note.EXCUSED),
        ((5.0, NAN, "N"), E.INVALID, Note.CONFLICT),
        ((5.0, NAN, "M"), E.INVALID, Note.NONE),
        ((5.0, NAN, "N"), E.STOPPED, Note.CONFLICT),
        ((5.0, NAN, "F"), E.EXEMPT, Note.CONFLICT),
        (None, E.STOPPED, Note.NONE),
        ((5.0, NAN, "N"), E.OVER_CAP, Note.OVER_CAP),
        ((5.0, NAN, "N"), E.PM_HIGH, Note.PM_HIGH),
    ],
)
def test_notes_say_what_else_holds(cell, effect, note):
    """Over range, excused, contradictions of flag and mark, and why an exemption was refused."""
    assert Note(int(judge_one(cell, effect)["notes"])) == note


def test_an_hour_over_range_exceeds_and_a_marked_one_stays_visible():
    """T removes nothing; of a marked hour the value that is hidden stands beside it."""
    over = judge_one((50.0, NAN, "T"), limit={"upper": 35.0})
    marked = judge_one((50.0, NAN, "N"), E.INVALID, limit={"upper": 35.0})

    assert (over["over"], over["multiple"]) == (True, pytest.approx(15 / 35))
    assert (marked["over"], marked["exempted"], marked["received"]) == (False, 50.0, 50.0)
    assert math.isnan(marked["judged"])


def test_a_policy_value_only_warns():
    """Ultra-low is no limit: a warning, no exceedance, no multiple."""
    got = judge_one((12.0, NAN, "N"), limit={"upper": 35.0, "warn": 10.0})

    assert (got["over"], got["over_warn"], math.isnan(got["multiple"])) == (False, True, True)


def test_what_was_converted_is_judged_and_ours_where_nothing_was_sent():
    """The reported converted mean first; leaving it out hides nothing; near air nothing counts."""
    o2, limit = (8.0, NAN, "N"), {"upper": 45.0, "ref_o2": 6.0}

    sent = judge_one((40.0, 44.0, "N"), limit=limit, o2=o2)
    own = judge_one((40.0, NAN, "N"), limit=limit, o2=o2)
    air = judge_one((40.0, 44.0, "N"), limit=limit, o2=(20.5, NAN, "N"))
    blind = judge_one((40.0, NAN, "N"), limit=limit)

    assert (sent["judged"], sent["over"]) == (44.0, False)
    assert sent["check"] == own["judged"] == pytest.approx(46.1538, abs=1e-4)
    assert own["over"]
    assert Note(int(own["notes"])) == Note.OWN_CONVERSION
    assert (air["state"], math.isnan(air["judged"])) == (S.GUARDED, True)
    assert blind["state"] == S.SUSPECT


def test_oxygen_that_is_not_valid_converts_nothing():
    """A calibrating oxygen analyser gives no conversion of ours."""
    got = judge_one((40.0, NAN, "N"), limit={"upper": 1.0, "ref_o2": 6.0}, o2=(8.0, NAN, "C"))

    assert (got["state"], got["over"]) == (S.SUSPECT, False)


@pytest.mark.parametrize(
    ("value", "recomputed", "differs"),
    [(50.0, 50.4, False), (50.0, 51.1, True), (10.0, 10.9, False), (10.0, 11.5, True)],
)
def test_reported_and_recomputed_hour_differ_beyond_share_and_resolution(
    value, recomputed, differs
):
    """D29: one per cent of the reported value, but never finer than its steps (here 1)."""
    got = judge_one((value, NAN, "N", recomputed))

    assert bool(got["notes"] & Note.DIFFERS) is differs
    assert got["check"] == recomputed


def test_the_rounded_reading_is_a_switch():
    """80.4, 80.5 and 80.6 against 80, as domain.md B.4 works it out."""
    values = [80.4, 80.5, 80.6]

    strict = [judge_one((v, NAN, "N"), limit={"upper": 80.0})["over"] for v in values]
    loose = [
        judge_one((v, NAN, "N"), limit={"upper": 80.0}, comparison="rounded_value")["over"]
        for v in values
    ]

    assert strict == [True, True, True]
    assert loose == [False, False, True]


def test_ph_is_judged_by_the_hour_against_the_daily_range():
    """What is never averaged meets the daily limit each hour; there is no multiple below it."""
    limit = {"daily_lower": 6.0, "daily": 9.0}

    low = judge_one((5.9, NAN, "N"), limit=limit, averaged=False)
    high = judge_one((9.1, NAN, "N"), limit=limit, averaged=False)
    fine = judge_one((9.0, NAN, "N"), limit=limit, averaged=False)

    assert [x["over"] for x in (low, high, fine)] == [True, True, False]
    assert math.isnan(low["multiple"])


@pytest.mark.parametrize(("minutes", "state"), [(45, S.VALID), (44, S.SHORT), (255, S.VALID)])
def test_an_hour_received_whole_needs_45_valid_minutes(minutes, state):
    """HJ 75-2017; 255 = not known how many."""
    hours = replace(
        hours_of([[(5.0, NAN, "N")]]), valid_minutes=np.full((1, 24), minutes, dtype=np.uint8)
    )

    got = judge_hours(hours, np.zeros((1, 24), np.uint8), row_rules([rule()]), limits_of([{}]))

    assert got.state[0, 0] == state


@given(oracles.scenes())
@settings(deadline=None, max_examples=60)
def test_hours_are_what_the_slow_oracle_says(scene):
    """State, judged value, exceedance and hidden value, hour by hour, on hostile input."""
    with np.errstate(all="raise"):
        got = judge_hours(scene.hours, scene.effect, scene.rules, scene.limits)

    for row in range(3):
        want = [scene.hour(row, column) for column in range(24 * scene.days)]
        assert got.state[row].tolist() == [w[0] for w in want]
        np.testing.assert_allclose(got.judged[row], [w[1] for w in want], rtol=1e-12)
        assert got.over[row].tolist() == [w[2] for w in want]
        np.testing.assert_allclose(got.exempted[row], [w[3] for w in want], rtol=1e-12)


@given(oracles.scenes(days=1), st.permutations(range(5)))
@settings(deadline=None, max_examples=30)
def test_the_order_of_series_changes_nothing(scene, order):
    """Rows in any order, and each twice, give each series the same judgement."""
    twice = [*order, *order]
    place = {row: at for at, row in enumerate(order)}

    def taken(whole):
        parts = {f.name: getattr(whole, f.name) for f in fields(whole)}
        return {n: p[twice] for n, p in parts.items() if isinstance(p, np.ndarray)}

    changed = Hours(
        **taken(scene.hours) | {
            name: np.array([place.get(int(r), -1) for r in getattr(scene.hours, name)[twice]])
            for name in ("oxygen", "flow", "temperature")
        },
        factors=tuple(scene.hours.factors[r] for r in twice),
    )  # fmt: skip
    straight = judge_hours(scene.hours, scene.effect, scene.rules, scene.limits)

    got = judge_hours(
        changed,
        scene.effect[twice],
        row_rules([scene.list_of_rules[r] for r in twice]),
        LimitGrid(**taken(scene.limits)),
    )

    for name, part in taken(straight).items():
        np.testing.assert_array_equal(getattr(got, name), part)


@given(hostile.series(max_columns=30), st.sampled_from([0.0, 1.5, 3.0]), st.integers(1, 5))
def test_sudden_is_against_the_median_of_the_valid_values_before(block, times, before):
    """Oracle: walk each row with a list of what was valid so far."""
    with np.errstate(all="raise"):
        got = sudden(block, times, before=before)

    for i, row in enumerate(block.values):
        seen = []
        for j, value in enumerate(row):
            want = False
            if block.valid[i, j]:
                if len(seen) >= before and times > 0:
                    level = float(np.median(seen[-before:]))
                    want = level > 0 and (value > times * level or value * times < level)
                seen.append(value)
            assert bool(got[i, j]) == want


def test_sudden_hours_are_noted_and_judged_all_the_same():
    """A jump to five times the level is a note, not a way out."""
    row = [(10.0, NAN, "N")] * 30 + [(50.0, NAN, "N")]
    hours = hours_of([row], days=2)

    got = judge_hours(
        hours, np.zeros((1, 48), np.uint8), row_rules([rule(sudden_factor=3.0)]),
        limits_of([{"upper": 35.0}], 2),
    )  # fmt: skip

    assert np.flatnonzero(got.notes[0] & Note.SUDDEN).tolist() == [30]
    assert (got.state[0, 30], got.over[0, 30]) == (HourState.VALID, True)
    assert not Series.of(got.judged).valid[0, 31]


def test_codes_that_are_stored_never_change():
    """Stored day judgements carry these numbers."""
    assert [s.value for s in HourState] == list(range(10))
    assert [e.value for e in MarkEffect] == list(range(9))
    assert [n.value for n in Note] == [1, 2, 4, 8, 16, 32, 64, 128]

"""Failed standard checks over hours: any order, repetition, tolerance, and what findings say."""

import dataclasses
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detect.domain.describe import withdrawn_text
from services.detect.domain.digest import check_inputs, inputs_digest
from services.detect.domain.standard_checks import Said, StandardCheck, causes, passed
from services.detect.judgement.marks import Status
from services.detect.judgement.model import HourState
from tests.unit.detect.law import SEWAGE, day, mark
from tests.unit.detect.scene import BOOK, MONDAY, Scene, columns, limit

COD, NH3N, LEAD = "w01018", "w21003", "w20120"
HOURLY = "hourly_exceedance"
NAN = math.nan


def check(hour: float, error=0.0, *, factor=COD, said=Said.NOTHING, outlet="A") -> StandardCheck:
    """A check so many hours after Monday 00:00, its error a share of 40 mg/L."""
    at_s = int((MONDAY + hour) * 3600)
    return StandardCheck(
        outlet, factor, at_s, 40 * (1 + error), 40.0, abs(error), said, at_s + 60, b"\1" * 32
    )


def _scene(values, factor=COD, **known) -> Scene:
    scene = Scene({("A", factor): (limit(100),)}, facts={"A": SEWAGE}, frozen_until=day(0), **known)
    scene.send(columns({("A", factor): (MONDAY, values)}))
    return scene


def _states(scene: Scene, factor=COD, hours=48):
    judged = scene.judged({"A": MONDAY})
    (row,) = [at for key, at in judged.row_of.items() if key.factor == factor]
    column = MONDAY - int(judged.hours.start[row])
    return judged.result.state[row, column : column + hours]


def test_numbers_decide_and_the_word_only_where_there_are_none():
    """Within 10 % passes, the bound itself too; the logger's word counts only without numbers."""
    wordy = dataclasses.replace(check(1), error_share=NAN)

    assert passed(check(1, 0.1), 0.1)
    assert not passed(check(1, 0.1001), 0.1)
    assert passed(check(1, 0.02, said=Said.FAILED), 0.1)
    assert passed(check(1, 0.5, said=Said.PASSED), 0.1) is False
    assert passed(dataclasses.replace(wordy, said=Said.FAILED), 0.1) is False
    assert passed(dataclasses.replace(wordy, said=Said.PASSED), 0.1)
    assert passed(wordy, 0.1) is None


CHECKS = st.tuples(
    st.integers(-30, 60), st.sampled_from([0.02, 0.1, 0.3]), st.sampled_from([COD, NH3N])
)


@given(st.lists(CHECKS, max_size=10, unique_by=lambda c: (c[0], c[2])), st.randoms())
@settings(deadline=None, max_examples=60)
def test_hours_are_those_of_a_walk_in_any_order_and_told_twice(drawn, random):
    """Oracle: walk the checks of the factor in order of time; those of others change nothing."""
    checks = [check(hour + 0.5, error, factor=factor) for hour, error, factor in drawn] * 2
    random.shuffle(checks)
    scene = _scene(np.full(48, 50.0), checks={"A": tuple(checks)})

    failed = set()
    last = None
    for hour, error, factor in sorted(drawn):
        if factor == COD and error <= 0.1:
            last = hour
        elif factor == COD:
            failed |= set(range(hour - 24 if last is None else last, hour + 1))
    want = {hour for hour in failed if 0 <= hour < 48}

    assert set(np.flatnonzero(_states(scene) == HourState.QC_FAILED).tolist()) == want
    judged = scene.judged({"A": MONDAY})
    row = judged.row_of[next(key for key in judged.row_of if key.factor == COD)]
    found = judged.failed_checks(row, [(MONDAY, MONDAY + 48)])
    assert sorted(slot - MONDAY for _, slots in found for slot in slots.tolist()) == sorted(want)
    for one, slots in found:
        between = [
            h for h, error, f in drawn if f == COD and error > 0.1 and h >= slots.max() - MONDAY
        ]
        assert one.at_s // 3600 - MONDAY == min(between)


def test_a_factor_without_a_tolerance_has_no_checks():
    """Heavy metals have no daily check: the rule has none, so a failed one changes nothing."""
    scene = _scene(np.full(24, 50.0), LEAD, checks={"A": (check(5, 0.5, factor=LEAD),)})

    assert (_states(scene, LEAD, 24) == HourState.VALID).all()


def test_what_a_plant_states_stays():
    """An hour that is marked as maintenance stays that."""
    scene = _scene(
        np.full(24, 50.0), marks={"A": (mark(MONDAY + 3, 1, factors=(COD,)),)},
        checks={"A": (check(1.5), check(5.5, 0.3))},
    )  # fmt: skip

    states = _states(scene, hours=24)

    assert np.flatnonzero(states == HourState.QC_FAILED).tolist() == [1, 2, 4, 5]
    assert states[3] == HourState.MARKED


def _exceeding(**known) -> Scene:
    values = np.full(24, 50.0)
    values[[5, 6]] = 150.0
    return _scene(values, **known)


def test_a_failed_check_withdraws_an_exceedance_and_says_why():
    """Passed at 02:30, failed at 08:30: the hours between prove nothing."""
    scene = _exceeding()
    assert len(scene.of(HOURLY, factor=COD)) == 1

    scene.learn(checks={"A": (check(2.5), check(8.5, 0.3))})

    gone = [one for one in scene.changes if one.key.rule_id == HOURLY][-1]
    assert (gone.open, len(gone.hits)) == (False, 0)
    assert gone.reason == "w01018于2026-07-27 08:30标样核查不合格，上次合格以来的数据无效"
    assert gone.reason in withdrawn_text(gone, BOOK)


def test_a_later_passed_check_does_not_bring_them_back_and_repetition_changes_nothing():
    """What failed stays failed; the same checks again, in another order, revise nothing."""
    scene = _exceeding()
    known = (check(2.5), check(8.5, 0.3))
    scene.learn(checks={"A": known})
    said, told = scene.everything(), len(scene.changes)

    scene.learn(checks={"A": (check(10.5), *reversed(known), *known)})

    assert not scene.of(HOURLY, factor=COD)
    assert (scene.everything(), len(scene.changes)) == (said, told)


def test_a_passed_check_that_comes_late_gives_hours_back():
    """A check passed at 07:30, told after the failed one: what lies before it counts again."""
    scene = _exceeding()
    scene.learn(checks={"A": (check(2.5), check(8.5, 0.3))})

    scene.learn(checks={"A": (check(2.5), check(8.5, 0.3), check(7.5))})

    (finding,) = scene.of(HOURLY, factor=COD)
    assert finding.hits["slot"].tolist() == [MONDAY + 5, MONDAY + 6]


def test_the_earlier_failed_check_is_the_cause():
    """Of two failed checks in a row each hour has one cause, so a third changes no digest."""
    two = (check(2.5), check(8.5, 0.3), check(10.5, 0.3))
    slots = np.arange(MONDAY + 2, MONDAY + 9, dtype=np.int64)

    ((one, hours),) = causes(two, slots, 0.1)
    assert (one.at_s, hours.tolist()) == (two[1].at_s, slots.tolist())

    digests = set()
    for checks in (two, two[:2], two[::-1]):
        judged = _scene(np.full(24, 50.0), checks={"A": checks}).judged({"A": MONDAY})
        row = next(at for key, at in judged.row_of.items() if key.factor == COD)
        span = [(MONDAY + 2, MONDAY + 9)]
        digests.add(inputs_digest(check_inputs(judged.failed_checks(row, span))))
    assert len(digests) == 1


def test_a_rejected_mark_leaves_the_hours_to_the_check():
    """Nothing stands over the check once the mark is gone."""
    scene = _scene(
        np.full(24, 50.0),
        marks={"A": (mark(MONDAY + 3, 1, factors=(COD,), status=Status.REJECTED),)},
        checks={"A": (check(1.5), check(5.5, 0.3))},
    )

    assert np.flatnonzero(_states(scene, hours=24) == HourState.QC_FAILED).tolist() == [
        1,
        2,
        3,
        4,
        5,
    ]

"""Warnings, pools and states of hours: what raises them, and what is one too few."""

import dataclasses

import numpy as np
import pytest

from tests.unit.detect.law import (
    FURNACE,
    HCL,
    POWER,
    SEWAGE,
    day,
    mark,
    minutes,
    pack_with,
    timeline,
)
from tests.unit.detect.scene import MONDAY, O2, SO2, M, N, Scene, limit

DAY = 24
COD, FLOW, PH = "w01018", "w00000", "w01001"


def _scene(limits=None, facts=POWER, **known) -> Scene:
    """An outlet A with an SO2 limit of 100 an hour, frozen for a month."""
    known = {"facts": {"A": facts}, "frozen_until": day(27)} | known
    return Scene(limits or {("A", SO2): (limit(100),)}, **known)


def _daily(value: float, **other):
    return limit(value, averaging="daily", **other)


def _sent(scene: Scene, values, factor: str = SO2, first: int = MONDAY) -> Scene:
    scene.send({("A", factor): (first, values)})
    return scene


# --- warnings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "raised"),
    [([91, 91, 91], 1), ([91, 91], 0), ([90, 90, 90], 0), ([91, 50, 91, 91], 0)],
)
def test_three_hours_above_ninety_percent_are_near_the_limit(values, raised):
    """Three in a row, above and not at; never called an exceedance."""
    scene = _sent(_scene(), np.array(values, float))

    found = scene.of("near_limit")
    assert len(found) == raised
    assert scene.of("hourly_exceedance") == []
    if found:
        text = scene.describe(found[0])
        assert "连续3小时以上高于排放限值100 mg/m3的90%（90 mg/m3）" in text.seen
        assert "未超标" in text.seen


def test_hours_over_the_limit_are_left_to_the_exceedance():
    """101 is near as well, but exceedance says more."""
    scene = _sent(_scene(), [101.0] * 4)

    assert scene.of("near_limit") == []
    assert len(scene.of("hourly_exceedance")) == 1


@pytest.mark.parametrize(("hours", "raised"), [(5, 0), (6, 1)])
def test_six_valid_hours_project_the_day(hours, raised):
    """From the sixth valid hour on; one hit a day."""
    scene = _scene({("A", SO2): (_daily(80),)}, frozen_until=None)

    _sent(scene, np.full(hours, 90.0))

    found = scene.of("projected_daily_mean")
    assert [f.hits["slot"].tolist() for f in found] == [[MONDAY + 5]] * raised
    if found:
        assert "预计为90 mg/m3，将超过日均限值80" in scene.describe(found[0]).seen


def test_a_whole_day_says_the_same_as_its_hours_one_by_one():
    """The warning is a function of the day up to its hour, so a replay warns alike."""
    values = np.r_[np.full(8, 95.0), np.full(16, 20.0)]
    once = _sent(_scene({("A", SO2): (_daily(80),)}), values)
    hourly = _scene({("A", SO2): (_daily(80),)})

    for at in range(DAY):
        _sent(hourly, values[at : at + 1], first=MONDAY + at)

    assert once.everything() == hourly.everything()
    assert once.of("projected_daily_mean")


@pytest.mark.parametrize(("over", "raised"), [(2, 0), (3, 1)])
def test_ten_minute_values_above_the_limit_only_warn(over, raised):
    """Three in a row; the hour's own mean is below the limit, so nothing else is raised."""
    scene = _scene()
    values = np.full(12, 60.0)
    values[5 : 5 + over] = 130.0
    scene.send(minutes(values))

    _sent(scene, [70.0, 75.0])

    found = scene.of("minute_over_limit")
    assert [f.hits["slot"].tolist() for f in found] == [[MONDAY + 1]] * raised
    assert scene.of("hourly_exceedance") == []
    if found:
        assert "不构成超标" in scene.describe(found[0]).seen


def test_ten_minute_values_are_converted_like_their_limit():
    """60 at 12 % oxygen is 100 converted to 6 %: at the limit; 61 is above."""
    for value, raised in ((60.0, 0), (61.0, 1)):
        scene = _scene({("A", SO2): (limit(100, ref_o2=6.0),)})
        scene.send(minutes(np.full(6, value)))
        scene.send(minutes(np.full(6, 12.0), factor=O2))

        scene.send({("A", SO2): (MONDAY, [30.0]), ("A", O2): (MONDAY, [12.0])})

        assert len(scene.of("minute_over_limit")) == raised


def test_what_ten_minute_values_warned_of_stays_when_they_are_gone():
    """They are kept two days; the warning must not vanish because time passed."""
    scene = _scene()
    scene.send(minutes(np.full(6, 130.0)))
    _sent(scene, [70.0])
    before = scene.of("minute_over_limit")[0].hits.tobytes()

    _sent(scene, np.full(120, 70.0), first=MONDAY + 1)

    assert scene.of("minute_over_limit")[0].hits.tobytes() == before


# --- pools -----------------------------------------------------------------------------------


def _pool_pack(cap: float = 10.0):
    pools = tuple(
        dataclasses.replace(one, cap_hours=cap, event_cap_hours=0.0) if one.key == "mswi_a" else one
        for one in pack_with().pools
    )
    return timeline((day(-300), pack_with(pools=pools)))


@pytest.mark.parametrize(("hours", "shares"), [(7, []), (8, [0.8]), (11, [0.8, 0.9, 1.0, 1.0])])
def test_a_pool_warns_from_eighty_percent_on_and_counts_refused_hours(hours, shares):
    """Cap of ten hours: the eighth warns, the eleventh is refused and still a hit."""
    marks = {"A": (mark(MONDAY, hours, family=7, condition="mswi_gz"),)}
    scene = _scene({("A", HCL): (limit(60),)}, FURNACE, marks=marks, timeline=_pool_pack())

    _sent(scene, np.full(DAY, 10.0), HCL)

    found = scene.of("pool_usage", factor="")
    assert [f.hits["statistic"].tolist() for f in found] == ([shares] if shares else [])
    if shares:
        facts = scene.describe(found[0]).facts
        assert facts["used_share"] == shares[-1]
        assert (facts["pool"], facts["period"]) == ("mswi_a", "2026")


# --- states of hours -------------------------------------------------------------------------


@pytest.mark.parametrize(("hour", "raised"), [(101.0, 0), (101.1, 1)])
def test_an_hour_that_differs_from_its_minutes_is_raised(hour, raised):
    """D29: more than 1 % and more than the step of the day; 101 and 100 differ by one step."""
    scene = _scene({("A", SO2): (limit(1000),)}, timeline=timeline())
    scene.send(minutes(np.full(6, 100.0)))

    _sent(scene, [hour])

    found = scene.of("hour_mismatch")
    assert len(found) == raised
    if found:
        assert "上报101.1 mg/m3，复算100 mg/m3" in scene.describe(found[0]).seen


def test_a_mismatch_is_told_of_frozen_days_only():
    """A maintenance mark may still explain it."""
    scene = _scene({("A", SO2): (limit(1000),)}, frozen_until=day(-1))
    scene.send(minutes(np.full(6, 100.0)))
    _sent(scene, [150.0])
    before = scene.of("hour_mismatch")

    scene.learn(MONDAY, frozen_until=day(0))

    assert before == []
    assert len(scene.of("hour_mismatch")) == 1


@pytest.mark.parametrize(("value", "raised"), [(0.0, 1), (-1.0, 1), (0.1, 0)])
def test_zero_and_negative_water_values_wait_for_a_check(value, raised):
    """HJ 356-2019: suspect, not judged; the same of a flue gas is a value."""
    scene = _scene({("A", COD): (limit(50),)}, SEWAGE)

    _sent(scene, [value], COD)

    assert len(scene.of("suspect_values", factor=COD)) == raised


def test_a_maintenance_mark_over_normal_hours_is_a_conflict():
    """The flag says N, the mark says maintenance: told when the day is frozen, with its mark."""
    scene = _scene(marks={"A": (mark(MONDAY + 2, 3),)})

    scene.send({("A", SO2): (MONDAY, np.full(DAY, 50.0))})

    (finding,) = scene.of("mark_conflict")
    assert finding.hits["slot"].tolist() == [MONDAY + 2, MONDAY + 3, MONDAY + 4]
    facts = scene.describe(finding).facts
    assert (facts["flag"], facts["marks"]) == ("N", "m1")


def test_a_maintenance_mark_over_maintenance_hours_is_none():
    """Machine and plant agree."""
    scene = _scene(marks={"A": (mark(MONDAY + 2, 3),)})
    flags = np.full(DAY, N)
    flags[2:5] = M

    scene.send({("A", SO2): (MONDAY, np.full(DAY, 50.0), np.full(DAY, np.nan), flags)})

    assert scene.of("mark_conflict") == []


# --- edges that the rules share ----------------------------------------------------------------


def test_a_pool_without_a_confirmed_cap_warns_of_nothing():
    """cap_hours 0: counted and shown, never refused."""
    marks = {"A": (mark(MONDAY, 20, family=7, condition="mswi_gz"),)}
    scene = _scene(
        {("A", HCL): (limit(60),)}, FURNACE, marks=marks, timeline=_pool_pack(0.0)
    )  # fmt: skip

    _sent(scene, np.full(DAY, 10.0), HCL)

    assert scene.of("pool_usage", factor="") == []


def test_the_last_hour_of_a_day_projects_nothing():
    """Two days that pass the limit by their last hour alone: that is a mean, not a projection."""
    scene = _scene({("A", SO2): (_daily(80),)}, frozen_until=None)

    _sent(scene, np.tile([*[79.0] * 23, 200.0], 2))

    assert scene.of("projected_daily_mean") == []


def test_hits_of_hours_are_an_hour_long():
    """Near, minute, conflict, mismatch: what is counted are hours."""
    scene = _scene(marks={"A": (mark(MONDAY, 1),)})
    scene.send(minutes(np.full(24, 130.0), first=MONDAY + 1))

    _sent(scene, np.full(5, 95.0))

    rules = {"near_limit", "minute_over_limit", "mark_conflict", "hour_mismatch"}
    found = [one for one in scene.findings.values() if one.key.rule_id in rules]
    assert {one.key.rule_id for one in found} == rules
    for one in found:
        assert (one.hits["end"] - one.hits["slot"] == 1).all()

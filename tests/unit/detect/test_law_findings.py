"""Each rule of the law: what raises it, what is one too few, and what it says."""

import dataclasses

import numpy as np
import pytest

from services.detect.domain.describe_judged import days_in_30, days_in_row
from services.detect.domain.rule import RuleBook
from services.detect.packs.timeline import Timeline
from tests.unit.detect.law import (
    CO,
    FURNACE,
    HCL,
    POWER,
    SEWAGE,
    day,
    furnace_day,
    mark,
    pack_with,
)
from tests.unit.detect.scene import MONDAY, SO2, F, M, N, Scene, limit

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


# --- daily mean ------------------------------------------------------------------------------


@pytest.mark.parametrize(("level", "raised"), [(80.0, 0), (80.001, 1)])
def test_a_day_whose_mean_is_above_the_daily_limit_is_raised_when_it_is_frozen(level, raised):
    """Equal is not over; the day is one hit of 24 hours."""
    scene = _scene({("A", SO2): (_daily(80),)})

    _sent(scene, np.full(DAY, level))

    found = scene.of("daily_exceedance")
    assert [(f.begin, f.end) for f in found] == [(MONDAY, MONDAY + DAY)] * raised


def test_an_unfrozen_day_is_not_raised_but_warned_of_and_raised_by_the_freeze():
    """Only warnings before noon of the next day; the freeze alone raises the finding."""
    scene = _scene({("A", SO2): (_daily(80),)}, frozen_until=day(-1))
    _sent(scene, np.full(DAY, 90.0))
    before = scene.of("daily_exceedance")

    scene.learn(MONDAY, frozen_until=day(0))

    assert before == []
    assert scene.of("projected_daily_mean")
    (finding,) = scene.of("daily_exceedance")
    assert finding.open
    assert finding.reason == ""


def test_a_daily_finding_says_days_multiple_both_ways_and_what_would_have_silenced_it():
    """Wording, facts in both readings, days in a row and in thirty."""
    scene = _scene({("A", SO2): (_daily(80),)})
    levels = [90.0, 100.0, 70.0, 85.0]

    _sent(scene, np.repeat(levels, DAY))

    (finding,) = scene.of("daily_exceedance")
    text = scene.describe(finding)
    assert text.seen == (
        "二氧化硫日均值自2026年7月27日至2026年7月30日有3日超过排放限值80 mg/m3（permit 1.2），"
        "最高100 mg/m3，出现在2026年7月28日（有效小时24个），超标0.25倍"
    )
    assert (
        text.silenced_by
        == "最高日均值不超过80 mg/m3（即低20 mg/m3），且其余2日也不超过，则不会提出"
    )
    facts = text.facts
    assert (facts["multiple"], facts["multiple_full"]) == (0.25, 1.25)
    assert (facts["days_in_row"], facts["days_in_30"]) == (2.0, 3.0)
    assert facts["pack"] == "base@2026-11-22.2"
    assert len(facts["inputs_sha256"]) == 64


def test_days_in_a_row_and_in_thirty_are_counted_at_the_edge():
    """Day 0 and day 29 lie within thirty days, day 30 does not; a gap breaks a row."""
    hits = np.zeros(4, dtype=[("slot", "<i8")])
    hits["slot"] = [0, 29 * DAY, 30 * DAY, 31 * DAY]

    assert days_in_30(hits[:2]) == 2
    assert days_in_30(hits[[0, 2]]) == 1
    assert days_in_row(hits) == 3


def test_too_few_valid_hours_make_no_day():
    """Gas needs 75 % of the running hours: 18 of 24 are enough, 17 are not."""
    for valid, raised in ((18, 1), (17, 0)):
        scene = _scene({("A", SO2): (_daily(80),)})
        flags = np.full(DAY, N)
        flags[valid:] = M

        scene.send({("A", SO2): (MONDAY, np.full(DAY, 90.0), np.full(DAY, np.nan), flags)})

        assert len(scene.of("daily_exceedance")) == raised


def test_water_days_are_weighted_by_flow():
    """40 at 100 L/s and 60 at 300 L/s are 55, not 50 (vectors, daily_mean_water)."""
    flow = np.where(np.arange(DAY) % 2 == 0, 100.0, 300.0)
    values = np.where(np.arange(DAY) % 2 == 0, 40.0, 60.0)
    for bound, raised in ((54.9, 1), (55.0, 0)):
        scene = _scene({("A", COD): (_daily(bound),)}, SEWAGE)

        scene.send({("A", COD): (MONDAY, values), ("A", FLOW): (MONDAY, flow)})

        found = scene.of("daily_exceedance", factor=COD)
        assert [f.hits["value"].tolist() for f in found] == [[55.0]] * raised


def test_ph_is_judged_by_the_hour_against_its_daily_range():
    """GB 18918: 6 to 9, never averaged; below the range there is no multiple."""
    scene = _scene({("A", PH): (_daily(9, lower=6.0),)}, SEWAGE)

    _sent(scene, [5.9, 6.0, 9.0, 9.1], PH)

    (finding,) = scene.of("hourly_exceedance", factor=PH)
    assert finding.hits["value"].tolist() == [5.9, 9.1]
    assert finding.hits["threshold"].tolist() == [6.0, 9.0]
    assert scene.of("daily_exceedance", factor=PH) == []
    assert scene.describe(finding).limit.averaging == "daily"


# --- incineration ----------------------------------------------------------------------------


def test_the_five_pollutants_of_a_furnace_have_a_rule_of_their_own():
    """HCl of an incinerator is direct evidence; of a boiler it is an ordinary day."""
    for facts, rule in ((FURNACE, "mswi_daily_exceedance"), (POWER, "daily_exceedance")):
        scene = _scene({("A", HCL): (_daily(50),)}, facts)

        _sent(scene, np.full(DAY, 60.0), HCL)

        raised = {f.key.rule_id for f in scene.findings.values()} - {"projected_daily_mean"}
        assert raised == {rule}


@pytest.mark.parametrize(("level", "raised"), [(80.4, 0), (80.5, 0), (80.6, 1)])
def test_a_furnace_day_is_rounded_before_it_is_compared(level, raised):
    """MEE order 10, GB/T 8170: 80.5 rounds to the even 80 and passes (domain.md B.4)."""
    scene = _scene({("A", CO): (_daily(80),)}, FURNACE)

    _sent(scene, np.full(DAY, level), CO)

    assert len(scene.of("mswi_daily_exceedance", factor=CO)) == raised


@pytest.mark.parametrize(("low", "raised"), [(5, 0), (6, 1)])
def test_more_than_five_low_means_a_day_are_raised(low, raised):
    """Vectors, mswi_temperature: five are none, six are."""
    scene = _scene(
        {("A", HCL): (_daily(50),)}, FURNACE, furnaces={"A": {day(0): furnace_day(low, 801.5)}}
    )

    _sent(scene, np.full(DAY, 10.0), HCL)

    found = scene.of("mswi_low_temperature", factor="")
    assert len(found) == raised
    if found:
        seen = scene.describe(found[0]).seen
        assert "低于850℃超过5次，最多6次" in seen
        assert "最低801.5℃" in seen


def test_a_low_day_that_is_not_frozen_is_not_raised():
    """A mark may still come."""
    scene = _scene(
        {("A", HCL): (_daily(50),)}, FURNACE,
        furnaces={"A": {day(0): furnace_day(9)}}, frozen_until=day(-1),
    )  # fmt: skip

    _sent(scene, np.full(DAY, 10.0), HCL)

    assert scene.of("mswi_low_temperature", factor="") == []


@pytest.mark.parametrize(("days", "raised"), [(2, 0), (3, 1)])
def test_the_month_counts_days_whatever_the_pollutant(days, raised):
    """Two pollutants on one day are one day; three days of a month are raised."""
    limits = {("A", HCL): (_daily(50),), ("A", CO): (_daily(80),)}
    scene = _scene(limits, FURNACE)
    hcl = np.where(np.arange(5) < days - 1, 60.0, 10.0).repeat(DAY)
    co = np.where((np.arange(5) == 0) | (np.arange(5) == days - 1), 90.0, 10.0).repeat(DAY)

    scene.send({("A", HCL): (MONDAY, hcl), ("A", CO): (MONDAY, co)})

    found = scene.of("mswi_month", factor="")
    assert len(found) == raised
    if found:
        text = scene.describe(found[0])
        assert (text.count, text.statistic, text.threshold, text.unit) == (3, 3.0, 3.0, "日")
        assert text.seen == "2026年7月焚烧炉任一污染物日均值超标累计3日（27日、28日、29日）"


def test_months_stay_apart_and_a_month_reaches_back_beyond_the_judged_weeks():
    """Three days at the end of July and three in August: two findings, the first one closed."""
    scene = _scene({("A", HCL): (_daily(50),)}, FURNACE, frozen_until=day(40))
    values = np.full(40, 10.0)
    values[[2, 3, 4, 5, 12, 33]] = 60.0  # 29, 30, 31 July; 1, 8, 29 August

    for at in range(40):
        _sent(scene, np.full(DAY, values[at]), HCL, MONDAY + at * DAY)

    found = scene.of("mswi_month", factor="")
    assert [len(f.hits) for f in found] == [3, 3]
    assert [f.hits["statistic"].tolist() for f in found] == [[3, 3, 3], [3, 3, 3]]
    assert not found[0].open


def test_a_rule_says_nothing_about_days_before_it_was_in_force():
    """Daily mean, low temperature and month begin with their rule."""
    rules = [
        dataclasses.replace(rule, in_force_from=max(rule.in_force_from, day(1)))
        for rule in pack_with().book.all_versions
    ]
    book = RuleBook(rules, pack_with().book.clue_rule, pack_with().book.factors)
    scene = _scene(
        {("A", HCL): (_daily(50),)}, FURNACE,
        timeline=Timeline([(day(-300), pack_with(book=book))]),
        furnaces={"A": {day(number): furnace_day(6) for number in range(4)}},
    )  # fmt: skip

    _sent(scene, np.full(4 * DAY, 60.0), HCL)

    for rule_id, factor in (
        ("mswi_daily_exceedance", HCL), ("mswi_low_temperature", ""), ("mswi_month", ""),
    ):  # fmt: skip
        (finding,) = scene.of(rule_id, factor=factor)
        assert finding.hits["slot"].tolist() == [MONDAY + DAY * n for n in (1, 2, 3)]


# --- months of policy, marks of ninety days --------------------------------------------------


def _policy(value: float):
    return dataclasses.replace(limit(value), basis="policy", limit_id="P-35")


@pytest.mark.parametrize(("over", "raised"), [(37, 0), (38, 1)])
def test_a_month_with_fewer_than_95_percent_within_the_policy_value_is_warned_of(over, raised):
    """August has 744 hours: 37 over are 95.03 %, 38 are 94.89 %."""
    scene = _scene({("A", SO2): (limit(1000), _policy(35))}, frozen_until=day(36))
    values = np.full(37 * DAY, 30.0)
    first = 5 * DAY  # 1 August
    values[first : first + over] = 40.0

    _sent(scene, values)

    found = scene.of("ultra_low_share")
    assert len(found) == raised
    if found:
        text = scene.describe(found[0])
        assert "2026年8月小时均值在超低排放限值35 mg/m3以内的有706个" in text.seen
        assert "当月另有1个小时" in text.silenced_by
        assert text.facts["month"] == "2026-08"


def test_a_month_is_warned_of_when_its_last_day_is_frozen_and_not_before():
    """31 August frozen: said; 30 August: not yet."""
    values = np.full(37 * DAY, 40.0)
    for last, raised in ((34, 0), (35, 1)):
        scene = _scene({("A", SO2): (limit(1000), _policy(35))}, frozen_until=day(last))

        _sent(scene, values)

        assert len(scene.of("ultra_low_share")) == raised


def _marks_on(hours, first: int):
    return tuple(mark(first + at, 1, f"m{at}") for at in hours)


@pytest.mark.parametrize(("count", "raised"), [(4, 0), (5, 1)])
def test_marks_that_lie_on_exceedances_are_a_confidential_sign(count, raised):
    """Five marked hours, each on a lone exceedance among ninety quiet days; four are too few."""
    hours = 92 * DAY
    first = MONDAY + 7 * DAY - hours
    at = [200 + 311 * number for number in range(count)]
    values = np.full(hours, 50.0)
    values[at] = 150.0
    marks = {"A": _marks_on(at, first)}
    scene = _scene(marks=marks, frozen_until=day(6))

    _sent(scene, values, first=first)

    found = scene.of("mark_abuse")
    assert len(found) == raised
    if found:
        assert found[-1].confidential
        assert f"有{count}个被标记小时的标记前数值超过小时限值" in scene.describe(found[-1]).seen


def test_marks_beside_exceedances_are_no_sign():
    """As many marks, a day apart from what exceeds."""
    hours = 92 * DAY
    first = MONDAY + 7 * DAY - hours
    at = [200 + 311 * number for number in range(6)]
    values = np.full(hours, 50.0)
    values[at] = 150.0
    scene = _scene(marks={"A": _marks_on([one + 24 for one in at], first)}, frozen_until=day(6))

    _sent(scene, values, first=first)

    assert scene.of("mark_abuse") == []


def test_a_stopped_plant_raises_nothing():
    """Flag F through the day: no hour, no day, no suspect value."""
    limits = {("A", SO2): (limit(100), _daily(80))}
    scene = _scene(limits)

    scene.send({("A", SO2): (MONDAY, np.full(DAY, 900.0), np.full(DAY, np.nan), np.full(DAY, F))})

    raised = {f.key.rule_id for f in scene.findings.values() if len(f.hits)}
    assert raised <= {"mark_conflict"}

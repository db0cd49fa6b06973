"""A mark, a back-fill, a limit or a pack changes findings by revision, with the reason."""

import dataclasses
import itertools
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detect.domain.describe import withdrawn_text
from services.detect.judgement.marks import Decision, Status
from tests.unit.detect.law import FURNACE, HCL, POWER, day, mark, minutes, pack_with, timeline
from tests.unit.detect.scene import BOOK, MONDAY, NOX, O2, SO2, N, Scene, columns, limit

DAY = 24
HOURLY, DAILY = "hourly_exceedance", "daily_exceedance"
LIMITS = {("A", SO2): (limit(100), dataclasses.replace(limit(80, averaging="daily")))}


def _scene(limits=None, facts=POWER, **known) -> Scene:
    known = {"facts": {"A": facts}, "frozen_until": day(0)} | known
    return Scene(limits or LIMITS, **known)


def _exceeding(**known) -> Scene:
    """Two hours over the limit of 100 on the first day, which is frozen."""
    scene = _scene(**known)
    values = np.full(DAY, 50.0)
    values[[5, 6]] = 150.0
    scene.send({("A", SO2): (MONDAY, values)})
    return scene


def _last(scene: Scene, rule_id: str = HOURLY):
    return [one for one in scene.changes if one.key.rule_id == rule_id][-1]


def test_a_mark_takes_an_exceedance_back_and_says_so():
    """Both hours marked in time: the finding closes empty, its reason names mark and revision."""
    scene = _exceeding()

    scene.learn(marks={"A": (mark(MONDAY + 5, 2),)})

    gone = _last(scene)
    assert (gone.revision, gone.open, len(gone.hits)) == (2, False, 0)
    assert gone.reason == "标记m1第1版生效"
    assert withdrawn_text(gone, BOOK) == "因标记m1第1版生效，不再超过限值，本疑似问题撤回"


def test_a_mark_over_one_hour_leaves_the_other():
    """The finding shrinks by revision."""
    scene = _exceeding()

    scene.learn(marks={"A": (mark(MONDAY + 5, 1),)})

    (finding,) = scene.of(HOURLY)
    assert finding.hits["slot"].tolist() == [MONDAY + 6]
    assert scene.describe(finding).facts["reason"] == "标记m1第1版生效"


def test_a_mark_after_the_freeze_counts_only_when_its_objection_stands():
    """12:00 of the next day: afterwards the authority decides (announcement 21 of 2022)."""
    late = mark(MONDAY + 5, 2, received_at_s=(MONDAY + 36) * 3600)
    scene = _exceeding()

    scene.learn(marks={"A": (late,)})
    before = len(scene.of(HOURLY))
    accepted = dataclasses.replace(late, decision=int(Decision.ACCEPTED))
    scene.learn(marks={"A": (accepted,)})

    assert before == 1
    assert scene.of(HOURLY) == []
    assert _last(scene).reason == "标记m1第1版生效"


def test_a_mark_that_the_authority_rejects_brings_the_finding_back():
    """The same finding, a third revision."""
    scene = _exceeding()
    first = mark(MONDAY + 5, 2)
    scene.learn(marks={"A": (first,)})
    rejected = mark(MONDAY + 5, 2, revision=2, status=int(Status.REJECTED))

    scene.learn(marks={"A": (first, rejected)})

    (finding,) = scene.of(HOURLY)
    assert finding.finding_id == scene.changes[0].finding_id
    assert finding.hits["slot"].tolist() == [MONDAY + 5, MONDAY + 6]


def test_a_corrected_limit_takes_back_and_says_which():
    """The limit was 200 all the time."""
    scene = _exceeding()

    scene.learn(limits={("A", SO2): (limit(200),)})

    assert scene.of(HOURLY) == []
    assert "限值L-100、L-200" in _last(scene).reason


def test_a_back_fill_changes_a_day_and_says_so():
    """Six late hours bring the mean from 90 to 77: the day's finding is withdrawn."""
    scene = _scene()
    scene.send({("A", SO2): (MONDAY, np.full(18, 90.0))})
    before = len(scene.of(DAILY))

    scene.send({("A", SO2): (MONDAY + 18, np.full(6, 40.0))})

    assert before == 1
    assert scene.of(DAILY) == []
    assert _last(scene, DAILY).reason == "数据补传或更正"


def test_another_pack_judges_from_its_day_on_and_is_named():
    """Rounded comparison from the second day: 100.4 is over on the first day only."""
    scene = _scene(frozen_until=day(1))
    scene.send({("A", SO2): (MONDAY, np.tile([100.4, *[50.0] * 23], 2))})
    rounded = tuple(
        dataclasses.replace(r, comparison="rounded_value") for r in pack_with().validity
    )

    scene.learn(timeline=timeline((day(1), pack_with(validity=rounded))))

    (finding,) = scene.of(HOURLY)
    assert finding.hits["slot"].tolist() == [MONDAY]
    assert finding.reason == "规则包由base@2026-11-22.2改为base@2026-11-22.2、base@2027-01-01"
    assert scene.describe(finding).facts["pack"] == "base@2026-11-22.2"


def test_a_pool_used_up_by_another_mark_is_a_reason_of_its_own():
    """An earlier fault empties the pool: the later fault's hour is judged after all."""
    pools = tuple(
        dataclasses.replace(one, cap_hours=2.0) if one.key == "mswi_a" else one
        for one in pack_with().pools
    )
    fault = {"family": 7, "condition": "mswi_gz"}
    later = mark(MONDAY + 5, 2, "later", **fault)
    scene = _scene(
        {("A", HCL): (limit(60),)}, FURNACE,
        marks={"A": (later,)}, timeline=timeline((day(-300), pack_with(pools=pools))),
    )  # fmt: skip
    values = np.full(DAY, 10.0)
    values[[5, 6]] = 90.0
    scene.send({("A", HCL): (MONDAY, values)})
    before = scene.of(HOURLY, factor=HCL)

    earlier = mark(MONDAY + 1, 1, "earlier", **fault)
    scene.learn(marks={"A": (earlier, later)})
    grown = scene.of(HOURLY, factor=HCL)
    scene.learn(marks={"A": (later,)})

    assert before == []
    assert grown[0].hits["slot"].tolist() == [MONDAY + 6]
    assert "豁免时段" in _last(scene).reason


def test_growing_has_no_reason():
    """New hours are no change of what was said."""
    scene = _exceeding()

    scene.send({("A", SO2): (MONDAY + DAY, [150.0])})

    assert [one.reason for one in scene.changes if one.key.rule_id == HOURLY] == ["", ""]


def test_what_rests_on_other_inputs_is_revised_even_if_it_says_the_same():
    """A judgement stores the digest of its inputs; a late hour of the day is one of them."""
    scene = _scene()
    scene.send({("A", SO2): (MONDAY, np.full(20, 90.0))})
    (before,) = scene.of(DAILY)

    scene.send({("A", SO2): (MONDAY + 20, [90.0])})

    (after,) = scene.of(DAILY)
    assert after.hits["statistic"].tolist() == before.hits["statistic"].tolist()
    assert after.inputs != before.inputs
    assert after.reason == "数据补传或更正"


def test_a_limit_that_ends_later_than_it_did_changes_nothing():
    """Its period is no part of what hours rest on."""
    scene = _exceeding()
    count = len(scene.changes)

    scene.learn(limits={k: tuple(dataclasses.replace(one, until=2**30) for one in v)
                        for k, v in LIMITS.items()})  # fmt: skip

    assert len(scene.changes) == count


def test_a_finding_stored_without_inputs_is_not_revised_for_want_of_them():
    """Rows from before digests were kept."""
    scene = _exceeding()
    for name, one in scene.findings.items():
        scene.findings[name] = dataclasses.replace(one, inputs="")
    count = len(scene.changes)

    scene.learn()

    assert len(scene.changes) == count


# --- any order, any repetition ---------------------------------------------------------------

SPAN = 96


def _values(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    so2 = np.round(rng.uniform(20, 130, SPAN), 0)
    nox = np.round(rng.uniform(20, 60, SPAN), 0)
    oxygen = np.round(rng.uniform(6, 10, SPAN), 1)
    so2[rng.integers(0, SPAN, 6)] = np.nan
    return {SO2: so2, NOX: nox, O2: oxygen}


class _Story:
    """What arrives, in any order: newest limit revision, latest freeze, all marks count."""

    limits = (
        {("A", SO2): (limit(90), limit(70, averaging="daily"))},
        {("A", SO2): (limit(100), limit(70, averaging="daily")),
         ("A", NOX): (limit(60, ref_o2=6.0),)},
    )  # fmt: skip

    def __init__(self) -> None:
        self.scene = _scene(self.limits[0], frozen_until=None, timeline=timeline())
        self.revision = 0
        self.marks: set = set()

    def take(self, event) -> None:
        """One event."""
        kind, body = event
        known = self.scene.known
        if kind == "values":
            self.scene.send(body)
        elif kind == "marks":
            self.marks |= {body}
            self._learn(marks={"A": tuple(self.marks)})
        elif kind == "frozen":
            last = max(known.frozen_until or body, body)
            self._learn(frozen_until=last)
        elif body >= self.revision:
            self.revision = body
            self._learn(limits=self.limits[body])

    def _learn(self, **what) -> None:
        if self.scene.windows.index.outlets():
            self.scene.learn(**what)
        else:
            self.scene.known = dataclasses.replace(
                self.scene.known, **{k: v for k, v in what.items() if k != "limits"}
            )

    def ended(self):
        """What stands, with what it rests on."""
        self._learn(limits=self.limits[self.revision])
        found = self.scene.findings.values()
        return sorted(
            (k.key, k.open, k.confidential, k.hits.tobytes(), k.inputs)
            for k in found
            if len(k.hits)
        )


def _events(seed: int):
    values = _values(seed)
    pieces = [
        ("values", columns({("A", factor): (MONDAY + at, values[factor][at : at + 24])}))
        for factor in values
        for at in range(0, SPAN, 24)
    ]
    pieces += [
        ("values", minutes(np.full(36, 20.0 * number + 40), MONDAY + SPAN - 30 + 6 * number))
        for number in range(4)
    ]
    first = mark(MONDAY + 3, 5)
    late = mark(MONDAY + 30, 4, "m2", received_at_s=(MONDAY + 90) * 3600)
    second = mark(MONDAY + 4, 6, revision=2, received_at_s=(MONDAY + 20) * 3600)
    return [
        *pieces,
        *(("marks", one) for one in (first, second, late, mark(MONDAY + 80, 3, "m3"))),
        *(("frozen", day(number)) for number in range(3)),
        ("limits", 0),
        ("limits", 1),
    ]


@cache
def _told_in_order(seed: int):
    calm = _Story()
    for event in _events(seed):
        calm.take(event)
    return calm.ended()


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 3), st.data())
def test_any_order_and_repetition_gives_the_same_findings_and_digests(seed, data):
    """Batches, minutes, marks, freezes, limits, shuffled and repeated: the same in every field."""
    events = _events(seed)
    wild = _Story()

    order = data.draw(st.permutations(events))
    again = data.draw(st.lists(st.sampled_from(events), max_size=4))
    for event in itertools.chain(order, again):
        wild.take(event)

    calm = _told_in_order(seed)
    assert wild.ended() == calm
    assert {key.rule_id for key, *_ in calm} >= {HOURLY, DAILY, "mark_conflict", "hour_mismatch"}


@pytest.mark.parametrize("level", [np.nan, 0.0, 50.0, 1e6])
@pytest.mark.parametrize("marked", [False, True])
def test_hostile_days_are_survived(level, marked):
    """All missing, all marked, one value: no exception, and nothing of it when all is marked."""
    marks = {"A": (mark(MONDAY, 4 * DAY),)} if marked else {}
    scene = _scene(marks=marks, frozen_until=day(3))
    values = np.full(4 * DAY, level)
    values[-1] = 60.0

    scene.send({("A", SO2): (MONDAY, values), ("A", O2): (MONDAY, [8.0])})

    raised = {one.key.rule_id for one in scene.findings.values() if len(one.hits)}
    if marked:
        assert raised <= {"mark_conflict", "silence", "mark_abuse"}
    elif level == 1e6:
        assert raised >= {HOURLY, DAILY}


def test_one_value_and_nothing_else():
    """A single hour of a single series, everything frozen."""
    scene = _scene(frozen_until=day(20))

    scene.send({("A", SO2): (MONDAY, [150.0], [np.nan], [N])})

    assert {one.key.rule_id for one in scene.findings.values()} == {HOURLY}


def test_each_hour_is_warned_of_by_the_pack_of_its_day():
    """90 % on the first day, 50 % from the second: its very first hour is near, at 50."""
    scene = _scene({("A", SO2): (limit(100),)})
    scene.send({("A", SO2): (MONDAY + 20, np.full(5, 60.0))})
    rows = tuple(dataclasses.replace(row, near_share=0.5) for row in pack_with().warnings)

    scene.learn(timeline=timeline((day(1), pack_with(warnings=rows))))

    (finding,) = scene.of("near_limit")
    assert finding.hits["slot"].tolist() == [MONDAY + DAY]
    assert finding.hits["threshold"].tolist() == [50.0]


def test_a_pool_is_counted_by_the_pack_of_each_marked_hour():
    """A cap of 10 on the first day, of 5 on the second: hours 4 and 5 are 80 % of the latter."""
    small, large = (
        pack_with(pools=tuple(dataclasses.replace(one, cap_hours=cap, event_cap_hours=0.0)
                              for one in pack_with().pools), version=version)
        for cap, version in ((5.0, "small"), (10.0, "large"))
    )  # fmt: skip
    fault = mark(MONDAY + 21, 5, family=7, condition="mswi_gz")
    scene = _scene(
        {("A", HCL): (limit(60),)}, FURNACE, marks={"A": (fault,)}, frozen_until=day(1),
        timeline=timeline((day(-300), large), (day(1), small)),
    )  # fmt: skip

    scene.send({("A", HCL): (MONDAY, np.full(2 * DAY, 10.0))})

    (finding,) = scene.of("pool_usage", factor="")
    assert finding.hits["slot"].tolist() == [MONDAY + DAY, MONDAY + DAY + 1]
    assert finding.hits["check"].tolist() == [5.0, 5.0]

"""标记: what counts of revisions, and what marks make of hours, against slow obvious oracles."""

import datetime as dt
import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.marks import Decision, MarkRevision, Status, counting, mark_effects
from services.detect.judgement.model import MarkEffect
from services.detect.judgement.parameters import MarkKind, OutletFacts, PoolRule, Scope
from services.detect.judgement.periods import first_hour, period_of
from services.detect.judgement.pools import pool_uses

OUTLET = "91130100FARX0001AA-DA001"
FACTS = OutletFacts(OUTLET, "130100", "91130100FARX0001AA", "4417", "air", "mswi")
ROW = {
    "scope": Scope(), "since": dt.date(2020, 1, 1), "until": None, "source": "test",
    "confidence": "sure",
}  # fmt: skip
MIDNIGHT = first_hour(dt.date(2027, 1, 1))  # year and quarter border in the middle of the block
SO2, NOX, PM = "a21026", "a21002", "a34013"


def kind(key, effect, **more):
    """A row of marks."""
    return MarkKind(key=key, effect=effect, **ROW, **more)


@dataclass(frozen=True)
class Rules:
    """As much of a pack as marks need; caps small, so that random marks run into them."""

    marks: tuple = (
        kind("maint", "invalid", family=2, pool="device", min_overlap_minutes=10),
        kind("lost", "missing", family=1),
        kind("excused", "excused", family=4),
        kind("ty", "stopped", family=7, condition="ty", min_overlap_minutes=45),
        kind("ql", "exempt", family=7, condition="ql", pool="a"),
        kind("gz", "exempt", family=7, condition="gz", pool="a"),
        kind("cm", "exempt", family=7, condition="cm", pool="each", factors=(SO2, NOX)),
    )
    pools: tuple = (
        PoolRule(key="a", conditions=("ql", "gz"), cap_hours=9, event_cap_hours=4,
                 event_cap_conditions=("gz",), pm_bound=150, **ROW),
        PoolRule(key="device", cap_hours=6, period="quarter", **ROW),
        PoolRule(key="each", conditions=("cm",), cap_hours=3, period="event", **ROW),
    )  # fmt: skip


RULES = Rules()
MEANINGS = [(2, ""), (1, ""), (4, ""), *((7, x) for x in ("ty", "ql", "gz", "cm", "what"))]


def mark(mark_id="m", start_h=0.0, end_h=1.0, *, family=7, condition="ql", **more):
    """A revision whose times are hours from the midnight of 2027-01-01."""
    fields = {
        "revision": 1, "subtype": 0, "facility": "", "factors": (), "status": Status.ACTIVE,
        "received_at_s": 0,
    }  # fmt: skip
    return MarkRevision(
        OUTLET, mark_id, family=family, condition=condition,
        start_s=int((MIDNIGHT + start_h) * 3600), end_s=int((MIDNIGHT + end_h) * 3600),
        **(fields | more),
    )  # fmt: skip


def effects(marks, *, factors=(SO2, PM), particulate=None, facts=FACTS, days=4):
    """Effects of a block of four days around New Year."""
    rows = [SeriesKey(OUTLET, factor) for factor in factors]
    start = np.full(len(rows), MIDNIGHT - 48)
    pm = {OUTLET: particulate or {}}
    return mark_effects(rows, start, 24 * days, {OUTLET: marks}, {OUTLET: facts}, RULES, pm)


def row(marks, factor=SO2, **more):
    """Effects of one factor by hour from the midnight, only hours that have one."""
    codes = effects(marks, factors=(factor,), **more).effect[0]
    return {hour - 48: MarkEffect(int(code)) for hour, code in enumerate(codes) if code}


# -- oracle of effects and pools -------------------------------------------------------------------

ORDER = ["NONE", "OVER_CAP", "PM_HIGH", "MISSING", "STOPPED", "EXEMPT", "EXCUSED", "INVALID"]


def oracle(marks, factor, particulate):
    """Hour by hour and minute by minute, in the order in which a clerk would do it."""
    kinds = {(k.family, k.condition): k for k in RULES.marks}
    pools = {p.key: p for p in RULES.pools}
    used, run, event_run = Counter(), Counter(), Counter()
    found = {}
    for hour in range(-60, 48):  # no mark begins before
        covering = {}
        for m in marks:
            k = kinds.get((m.family, m.condition))
            if k is None:
                continue
            begin = (MIDNIGHT + hour) * 3600
            minutes = {t for t in range(begin, begin + 3600, 60) if m.start_s <= t < m.end_s}
            covering.setdefault((k.key, m.factors), (k, set()))[1].update(minutes)
        covering = {
            key: k for key, (k, minutes) in covering.items()
            if minutes and len(minutes) >= k.min_overlap_minutes
        }  # fmt: skip
        best, lost = "NONE", False
        verdicts = {}
        for pool_key in ("device", "a", "each"):
            own = [k for k in covering.values() if k.pool == pool_key]
            pool = pools[pool_key]
            run[pool_key] = run[pool_key] + 1 if own else 0
            capped = [
                k
                for k in own
                if not pool.event_cap_conditions or k.condition in pool.event_cap_conditions
            ]
            event_run[pool_key] = event_run[pool_key] + 1 if capped else 0
            if not own:
                continue
            day = dt.date(2027, 1, 1) + dt.timedelta(days=hour // 24)
            period = (pool_key, period_of(day, pool.period)[0])
            if pool_key != "device" and lost:
                verdicts[pool_key] = ""
            elif pool.pm_bound and particulate.get(MIDNIGHT + hour, 0) > pool.pm_bound:
                verdicts[pool_key] = "PM_HIGH"
            elif pool.event_cap_hours and event_run[pool_key] > pool.event_cap_hours:
                verdicts[pool_key] = "OVER_CAP"
            elif pool.period == "event":
                verdicts[pool_key] = "OVER_CAP" if run[pool_key] > pool.cap_hours else ""
            else:
                used[period] += 1
                verdicts[pool_key] = "OVER_CAP" if used[period] > pool.cap_hours else ""
            if pool_key == "device" and not verdicts["device"]:
                lost = any(not factors for (key, factors) in covering if key == "maint")
        for (_, factors), k in covering.items():
            if k.effect != "stopped" and factors and factor not in factors:
                continue
            if k.factors and factor not in k.factors:
                continue
            effect = verdicts.get(k.pool, "") or k.effect.upper()
            best = max(best, effect, key=ORDER.index)
        if best != "NONE" and hour >= -48:
            found[hour] = MarkEffect[best]
    return found


@st.composite
def hostile_marks(draw):
    """Overlapping, touching, empty and reversed marks around New Year, of any kind and factors."""
    found = []
    for number in range(draw(st.integers(0, 7))):
        family, condition = draw(st.sampled_from(MEANINGS))
        start = draw(st.integers(-50 * 60, 50 * 60))
        length = draw(st.sampled_from([-60, 0, 1, 9, 10, 44, 45, 60, 61, 240, 300, 700, 6000]))
        found.append(
            mark(
                f"m{number}", start / 60, (start + length) / 60, family=family, condition=condition,
                factors=draw(st.sampled_from([(), (SO2,), (PM, NOX)])),
            )
        )  # fmt: skip
    return found


@settings(deadline=None)
@given(
    hostile_marks(),
    st.dictionaries(
        st.integers(MIDNIGHT - 48, MIDNIGHT + 47), st.sampled_from([149.0, 150.0, 151.0])
    ),
    st.randoms(use_true_random=False),
)
def test_effects_are_what_a_clerk_would_find_hour_by_hour(marks, particulate, random):
    """Effects of two factors equal the oracle, in whatever order and how often marks come."""
    for factor in (SO2, PM):
        expected = oracle(marks, factor, particulate)

        shuffled = marks * 2
        random.shuffle(shuffled)

        assert row(marks, factor, particulate=particulate) == expected
        assert row(shuffled, factor, particulate=particulate) == expected


# -- pools ----------------------------------------------------------------------------------------


def test_an_event_over_new_year_charges_both_years():
    """Three hours before midnight and two after it: each year pays its own."""
    uses = effects([mark(start_h=-3, end_h=2)]).uses[OUTLET]

    by_period = Counter(one.period for one in uses if one.charged)
    assert by_period == {"2026": 3, "2027": 2}


def test_the_cap_of_a_year_starts_again_at_new_year():
    """Nine hours of the old year are used up; the tenth is judged, the new year's first is not."""
    found = row([mark(start_h=-10, end_h=1)])

    assert [found[h] for h in range(-10, -1)] == [MarkEffect.EXEMPT] * 9
    assert found[-1] is MarkEffect.OVER_CAP
    assert found[0] is MarkEffect.EXEMPT


def test_two_faults_that_touch_are_one_event():
    """A fault of six hours cut into two marks has four hours, as if it were one."""
    cut = [mark("a", 0, 3, condition="gz"), mark("b", 3, 6, condition="gz")]

    found = row(cut)

    assert found == row([mark("c", 0, 6, condition="gz")])
    assert [found[h] for h in range(6)] == [MarkEffect.EXEMPT] * 4 + [MarkEffect.OVER_CAP] * 2


def test_high_particulate_is_judged_and_costs_nothing():
    """The hour above 150 mg/m3 is judged; the pool keeps it for another hour."""
    result = effects([mark(start_h=0, end_h=3)], particulate={MIDNIGHT + 1: 150.1})

    assert result.effect[0, 48:51].tolist() == [
        MarkEffect.EXEMPT, MarkEffect.PM_HIGH, MarkEffect.EXEMPT
    ]  # fmt: skip
    assert [one.why for one in result.uses[OUTLET]] == ["", "pm", ""]


def test_hours_that_a_device_mark_takes_whole_cost_no_condition():
    """Device-invalid hours are dropped first; maintenance of one factor leaves the hour charged."""
    start = mark("ql", 0, 9)
    whole = mark("dev", 2, 4, family=2, condition="")

    dropped = effects([start, whole]).uses[OUTLET]
    kept = effects([start, replace(whole, factors=(SO2,))]).uses[OUTLET]

    assert Counter(one.pool for one in dropped) == {"a": 7, "device": 2}
    assert Counter(one.pool for one in kept) == {"a": 9, "device": 2}


def test_an_hour_with_much_dust_late_in_an_event_is_told_as_dust():
    """Too long and too much dust: judged either way, the dust is named."""
    found = row([mark(end_h=6, condition="gz")], particulate={MIDNIGHT + 5: 151.0})

    assert (found[4], found[5]) == (MarkEffect.OVER_CAP, MarkEffect.PM_HIGH)


def test_cement_start_leaves_dust_to_be_judged():
    """A kind that exempts SO2 and NOx only does nothing to PM."""
    marks = [mark(condition="cm", end_h=2)]

    assert set(row(marks, SO2).values()) == {MarkEffect.EXEMPT}
    assert row(marks, PM) == {}


def test_an_unknown_kind_has_no_effect_and_is_named():
    """A condition that the pack does not know stays visible."""
    result = effects([mark(condition="what")])

    assert not result.effect.any()
    assert [one.condition for one in result.unknown] == ["what"]


def test_a_facility_that_the_registry_does_not_know_opens_no_pool_of_its_own():
    """Two spellings of one furnace share its hours; two furnaces of the registry do not."""
    marks = [mark("a", 0, 6, facility="1#"), mark("b", 10, 16, facility="1号炉")]
    two = replace(FACTS, traits={"facilities": "1#;1号炉"})

    assert sum(one.charged for one in effects(marks).uses[OUTLET]) == 9
    assert sum(one.charged for one in effects(marks, facts=two).uses[OUTLET]) == 12


def test_an_outlet_of_two_furnaces_is_stopped_when_both_are():
    """One furnace at rest does not excuse the other one's smoke."""
    two = replace(FACTS, traits={"facilities": "1;2"})
    first = mark("a", 0, 4, condition="ty", facility="1")
    second = mark("b", 2, 6, condition="ty", facility="2")

    assert set(row([first, second], facts=two)) == {2, 3}


def test_pool_uses_tell_what_is_left_and_warn():
    """Used, refused and remaining hours at the end of a day; a pool without use is listed too."""
    charges = effects([mark(start_h=24, end_h=32), mark("x", 33, 37, condition="gz")]).uses[OUTLET]

    uses = {u.pool: u for u in pool_uses(charges, RULES.pools, FACTS, dt.date(2027, 1, 2))}

    assert (uses["a"].used_hours, uses["a"].refused_hours, uses["a"].remaining_hours) == (9, 3, 0)
    assert uses["a"].warn
    assert (uses["device"].period, uses["device"].remaining_hours) == ("2027Q1", 6)
    assert "each" not in uses  # an event that did not happen has no hours
    before = pool_uses(charges, RULES.pools, FACTS, dt.date(2027, 1, 1))
    assert [u.used_hours for u in before] == [0, 0]


def test_a_cap_that_is_not_confirmed_counts_and_refuses_nothing():
    """cap_hours 0: hours are told, none is refused, nothing remains to be told."""
    rules = replace(RULES, pools=(PoolRule(key="a", conditions=("ql",), **ROW),))
    rows, start = [SeriesKey(OUTLET, SO2)], np.array([MIDNIGHT - 48])
    marks = {OUTLET: [mark(end_h=40)]}
    result = mark_effects(rows, start, 96, marks, {OUTLET: FACTS}, rules, {})

    (use,) = pool_uses(result.uses[OUTLET], rules.pools, FACTS, dt.date(2027, 1, 2))

    assert (use.used_hours, use.refused_hours, use.warn) == (40, 0, False)
    assert math.isnan(use.remaining_hours)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_vectors_of_the_pool(vectors, number):
    """The published cases: 58 hours used, then an event; and one with too much dust."""
    case = vectors["mswi_pool"]["cases"][number]
    pool = PoolRule(key="a", conditions=("ql",), cap_hours=60, pm_bound=150, **ROW)
    rules = replace(RULES, pools=(pool,))
    event = range(72, 72 + case["event_hours"])
    marks = [mark("before", 0, case["used_before"]), mark("event", event.start, event.stop)]
    pm = {OUTLET: {MIDNIGHT + hour: float(case["pm_max"]) for hour in event}}

    result = mark_effects(
        [SeriesKey(OUTLET, SO2)], np.array([MIDNIGHT]), 120, {OUTLET: marks}, {OUTLET: FACTS},
        rules, pm,
    )  # fmt: skip

    exempt = int((result.effect[0, 72:] == MarkEffect.EXEMPT).sum())
    everything = case["event_hours"] if case.get("exempt") else 0
    assert exempt == case.get("exempt_hours", everything)


# -- what counts ----------------------------------------------------------------------------------

DAY = dt.date(2027, 1, 1)
NOON = (MIDNIGHT + 36) * 3600  # freeze of 2027-01-01


def objects(own, one):
    """Whether a rejection stands before a revision: the last word of the authority is no."""
    words = [
        r.status == Status.REJECTED
        for r in sorted(own, key=lambda r: r.revision)
        if r.revision < one.revision
        and (r.status == Status.REJECTED or r.decision == Decision.ACCEPTED)
    ]
    return bool(words) and words[-1]


def naive_counting(revisions, frozen_until):
    """Mark by mark and minute by minute: the interface of the brief, read aloud."""
    found = {}
    for mark_id in {r.mark_id for r in revisions}:
        own = [r for r in revisions if r.mark_id == mark_id]
        first, last = min(r.start_s for r in own), max(r.end_s for r in own)
        for second in range(first, last, 1800):
            day = DAY + dt.timedelta(days=(second - MIDNIGHT * 3600) // 86400)
            freeze = (first_hour(day) + 36) * 3600
            candidates = [
                r for r in own
                if (
                    (day > frozen_until or r.received_at_s < freeze) and not objects(own, r)
                )
                or r.decision == Decision.ACCEPTED
                or r.status == Status.REJECTED
            ]  # fmt: skip
            top = max(candidates, key=lambda r: r.revision, default=None)
            if top and top.status == Status.ACTIVE and top.start_s <= second < top.end_s:
                found[mark_id, second] = top.revision
    return found


revisions = st.lists(
    st.builds(
        lambda name, number, start, length, status, received, decision: mark(
            name, start / 2, (start + length) / 2, revision=number, status=status,
            received_at_s=(MIDNIGHT * 2 + received) * 1800, decision=decision,
        ),
        st.sampled_from("ab"), st.integers(1, 4), st.integers(-100, 100), st.integers(-1, 120),
        st.sampled_from(list(Status)), st.integers(-100, 250), st.sampled_from(list(Decision)),
    ),
    max_size=7,
    unique_by=lambda r: (r.mark_id, r.revision),
)  # fmt: skip


@settings(deadline=None)
@given(revisions, st.integers(-3, 5), st.randoms(use_true_random=False))
def test_what_counts_is_found_half_hour_by_half_hour(told, days, random):
    """Pieces equal the slow reading of the freeze rule, in any order and repetition."""
    frozen_until = DAY + dt.timedelta(days=days)
    expected = naive_counting(told, frozen_until)

    pieces = counting(told, frozen_until)
    shuffled = told * 2
    random.shuffle(shuffled)

    found = {
        (p.mark_id, second): p.revision
        for p in pieces
        for second in range(p.start_s, p.end_s, 1800)
    }
    assert found == expected
    assert counting(shuffled, frozen_until) == pieces


def test_a_decision_reaches_back_and_a_refused_objection_does_not():
    """After the freeze only an accepted objection, or a rejection by the authority, changes it."""
    first = mark(end_h=2, received_at_s=NOON - 1)
    late = mark(end_h=5, revision=2, received_at_s=NOON)

    def spans(*more):
        return [(p.revision, (p.end_s - p.start_s) // 3600) for p in counting([first, *more], DAY)]

    assert spans(late) == [(1, 2)]
    assert spans(late, replace(late, decision=Decision.REFUSED, decided_at_s=NOON + 9)) == [(1, 2)]
    assert spans(late, replace(late, decision=Decision.ACCEPTED, decided_at_s=NOON + 9)) == [(2, 5)]
    assert spans(replace(late, status=Status.REJECTED)) == []
    assert counting([first, late], None)[0].revision == 2


def test_an_objection_to_a_rejection_counts_once_it_is_accepted():
    """Before the freeze too: the plant does not overrule the authority by stating it again."""
    first = mark(end_h=2, received_at_s=NOON - 9)
    rejected = replace(first, revision=2, status=Status.REJECTED)
    again = replace(first, revision=3)

    assert counting([first, rejected, again], None) == ()
    accepted = replace(again, decision=Decision.ACCEPTED, decided_at_s=NOON)
    assert [one.revision for one in counting([first, rejected, accepted], DAY)] == [3]

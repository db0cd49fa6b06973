"""Supervision 督办: who confirms and reopens, one request for time, listings, terms that differ."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from services.cases import rules
from services.cases.domain import steps
from services.cases.domain.matter import SYSTEM, ClockState, Doer, Kind, Level, Matter, Officer
from services.cases.domain.notices import leaders_told
from services.cases.domain.overrides import Circumstance, narrowed, read_overrides
from services.cases.domain.sheet import overdue_steps
from services.chassis.errors import FarsightError, RuleViolated
from tests.unit.cases.region import NOW, PEOPLE, PLANT, attempt, blank, doer

ORDER, LISTED, TERMS = rules.life_cycle(Kind.ORDER), rules.life_cycle(Kind.LISTED), rules.terms()
ANSWER = {"cause": "故障", "measure": "已更换", "evidence": "维修单"}
VERDICT = {"verdict": "rectified", "opinion": "已恢复", "evidence": "照片"}
CITY = Doer("c-1", "市甲", "officer", "130400")
CITY_LEADER = Doer("cl-1", "市乙", "leader", "130400")
LEADER = doer("l-1")
OFFICERS = {
    **PEOPLE,
    **{
        one.person_id: Officer(
            one.person_id, one.name, one.division, one.role, "t", dt.date(2030, 1, 1)
        )
        for one in (CITY, CITY_LEADER)
    },
}
LISTING = {
    "level_of": "city",
    "problem": "多次超标",
    "requirements": "完成脱硫改造",
    "until": "2027-03-31",
    "responsible": "邯山区分局",
}


def act(matter: Matter, key: str, who: Doer, reason: str = "", /, **fields: str) -> Matter:
    """The matter after an act."""
    now = NOW
    if "now" in fields:
        now = dt.datetime.fromisoformat(fields.pop("now"))
    life = rules.life_cycle(matter.kind)
    tried = replace(attempt(matter, who, fields, reason, now=now), officers=OFFICERS)
    return steps.take(life, key, tried, TERMS).matter


def checked(level: Level, **verdict: str) -> Matter:
    """An order that the plant answered and officer 1 checked."""
    matter = act(blank(Kind.ORDER, level), "issue", SYSTEM)
    matter = act(matter, "answer", PLANT, **ANSWER)
    return act(matter, "check", doer("o-1"), **{**VERDICT, **verdict})


def missing(call: Any, *args: Any, **fields: str) -> str:
    """What a refused act lacks."""
    with pytest.raises(RuleViolated) as caught:
        call(*args, **fields)
    return str(caught.value.facts["missing"])


def test_supervision_is_confirmed_by_the_city_as_a_third_person():
    """County checks, a second person reports, the city closes in two working days."""
    matter = act(checked(Level.SUPERVISION), "close", doer("o-2"), opinion="同意")
    assert matter.state == "reported"
    clock = matter.open_clock("order_confirm_city")
    assert clock is not None
    assert str(clock.due_at) == "2026-11-04 16:00:00+00:00"
    assert leaders_told(clock)[0] == "city_leaders"

    assert "市级" in missing(act, matter, "confirm_report", doer("o-3"), opinion="同意")
    closed = act(matter, "confirm_report", CITY, opinion="同意")

    assert closed.state == "closed"
    assert {c.key for c in closed.clocks if c.open} == {"followup_7", "followup_30"}
    back = act(matter, "return_report", CITY, "证据不足")
    assert back.state == "answered"
    assert back.open_clock("order_check") is not None


def test_a_dispatch_is_closed_by_the_county_alone():
    """Only supervision goes to the city."""
    assert act(checked(Level.DISPATCH), "close", doer("o-2"), opinion="同意").state == "closed"


def test_a_close_needs_a_cause_from_somebody():
    """The plant never answered, who checked said none: who closes has to."""
    matter = act(blank(Kind.ORDER, Level.DISPATCH), "issue", SYSTEM)
    clock = matter.open_clock("order_answer")
    assert clock is not None
    late = attempt(matter, SYSTEM, now=NOW + dt.timedelta(hours=25))
    step = steps.end_clock(ORDER, late, clock, TERMS)
    assert step is not None
    matter = act(step.matter, "check", doer("o-1"), **VERDICT)

    assert missing(act, matter, "close", doer("o-2"), opinion="同意") == "原因"
    assert act(matter, "close", doer("o-2"), opinion="同意", cause="停电").state == "closed"


def test_a_violation_is_closed_with_a_case_or_a_reason():
    """A link to a case that exists stands for the reason."""
    matter = checked(Level.DISPATCH, verdict="violation")

    assert missing(act, matter, "close", doer("o-2"), opinion="同意") == "理由"
    linked = act(matter, "close", doer("o-2"), opinion="同意", case_number="案〔2026〕130402-0001")
    assert linked.state == "closed"
    assert missing(act, matter, "cancel", LEADER, "误发") == "“核查”为其他结论"


def test_a_plant_may_ask_for_more_time_once():
    """Asked, granted by a day; a second request is refused; a refusal needs a reason."""
    matter = act(blank(Kind.ORDER, Level.DISPATCH), "issue", SYSTEM)
    with pytest.raises(RuleViolated):
        act(matter, "grant_time", doer("o-1"))
    asked = act(matter, "request_time", PLANT, why="配件在途")

    granted = act(asked, "grant_time", doer("o-1"))

    clock = granted.open_clock("order_answer")
    assert clock is not None
    assert clock.due_at == NOW + dt.timedelta(hours=48)
    assert "尚未" in missing(act, granted, "request_time", PLANT, why="再延")
    with pytest.raises(RuleViolated):
        act(granted, "grant_time", doer("o-1"))
    assert act(asked, "refuse_time", doer("o-1"), "理由不充分").open_clock("order_answer")


@pytest.mark.parametrize(
    ("whom", "state", "clock"),
    [("county", "answered", "order_check"), ("plant", "issued", "order_answer")],
)
def test_a_leader_reopens_within_half_a_year(whom: str, state: str, clock: str):
    """New clocks, no end of the matter any more; after 180 days a new order is needed."""
    closed = act(checked(Level.DISPATCH), "close", doer("o-2"), opinion="同意")

    again = act(closed, "reopen", LEADER, "群众反映仍有异味", whom=whom)

    assert (again.state, again.closed_at) == (state, None)
    assert again.open_clock(clock) is not None
    assert again.open_clock("followup_7") is None
    late = (NOW + dt.timedelta(days=181)).isoformat()
    assert "180" in missing(act, closed, "reopen", LEADER, "晚", whom=whom, now=late)
    with pytest.raises(FarsightError):
        act(closed, "reopen", doer("o-1"), "不是负责人", whom=whom)


def test_a_reopened_order_is_closed_again_with_new_follow_ups():
    """The second closing counts from its own day."""
    closed = act(checked(Level.DISPATCH), "close", doer("o-2"), opinion="同意")
    again = act(closed, "reopen_recurred", SYSTEM)
    again = act(again, "check", doer("o-1"), **VERDICT)

    closed = act(again, "close", doer("o-2"), opinion="同意", now="2026-11-20T10:00+08:00")

    clock = closed.open_clock("followup_7")
    assert clock is not None
    assert str(clock.due_at) == "2026-11-27 16:00:00+00:00"
    assert closed.closed_at == dt.datetime.fromisoformat("2026-11-20T10:00+08:00")


def test_a_sampled_check_is_not_made_by_who_handled_the_order():
    """Checker, closer: both are hands of the order."""
    closed = act(checked(Level.DISPATCH), "close", doer("o-2"), opinion="同意")
    sample = {"result": "good", "opinion": "查阅资料", "evidence": "台账"}

    for who in ("o-1", "o-2"):
        assert "以外" in missing(act, closed, "spot_check", doer(who), **sample)
    assert act(closed, "spot_check", CITY, **sample).state == "closed"


def test_a_breach_climbs_in_three_steps():
    """In time 0, breached 1, a day later 2, then 3 and no more; met late it stays where it was."""
    matter = act(blank(Kind.ORDER, Level.DISPATCH), "issue", SYSTEM)
    clock = matter.open_clock("order_answer")
    assert clock is not None
    assert clock.due_at is not None
    day = dt.timedelta(hours=24)
    late = replace(clock, state=ClockState.BREACHED)

    assert overdue_steps(clock, NOW, day, 3) == 0
    assert [overdue_steps(late, clock.due_at + n * day, day, 3) for n in range(5)] == [
        1, 2, 3, 3, 3,
    ]  # fmt: skip
    met = replace(late, ended_at=clock.due_at + day / 2)
    assert overdue_steps(met, clock.due_at + 9 * day, day, 3) == 1


def listed() -> Matter:
    """A plant that the city's leader listed."""
    return act(blank(Kind.LISTED), "list_plant", CITY_LEADER, **LISTING)


def test_a_plant_is_listed_by_the_level_that_lists_until_a_day_that_is_decided():
    """City as city, province as province; the term ends on the day of the decision."""
    matter = listed()
    clock = matter.open_clock("listed_term")
    assert clock is not None

    assert str(clock.due_at) == "2027-03-31 16:00:00+00:00"
    assert not matter.confidential
    fresh = blank(Kind.LISTED)
    assert "市级" in missing(act, fresh, "list_plant", LEADER, **LISTING)
    wrong = {**LISTING, "level_of": "province"}
    assert "省级" in missing(act, fresh, "list_plant", CITY_LEADER, **wrong)
    past = {**LISTING, "until": "2026-11-02"}
    assert "晚于今天" in missing(act, fresh, "list_plant", CITY_LEADER, **past)


def test_a_listing_is_extended_once_by_who_listed():
    """Later than before, by the city, one time."""
    matter = listed()

    assert "市级" in missing(act, matter, "extend_term", LEADER, "雨季", until="2027-06-30")
    early = missing(act, matter, "extend_term", CITY_LEADER, "雨季", until="2027-03-31")
    assert "2027-03-31" in early
    longer = act(matter, "extend_term", CITY_LEADER, "雨季", until="2027-06-30")
    clock = longer.open_clock("listed_term")
    assert clock is not None
    assert str(clock.due_at) == "2027-06-30 16:00:00+00:00"
    with pytest.raises(RuleViolated):
        act(longer, "extend_term", CITY_LEADER, "再延", until="2027-09-30")


def test_a_listing_is_lifted_by_its_level_after_a_check_by_two():
    """Who applied does not check, who checked does not lift, the county never does."""
    matter = act(listed(), "apply_lifting", doer("o-1"), done="完成", report="验收 1 号")
    check = {"officer_2": "o-3", "visited_on": "2026-11-02", "found": "met", "record": "笔录 9"}
    assert "以外" in missing(act, matter, "check_on_site", doer("o-1"), **check)
    inspected = act(matter, "check_on_site", doer("o-2"), **check)
    lifting = {"opinion": "同意", "number": "邯环督〔2027〕1号"}
    assert "市级" in missing(act, inspected, "lift", LEADER, **lifting)

    lifted = act(inspected, "lift", CITY_LEADER, **lifting)

    assert lifted.state == "lifted"
    assert {c.key for c in lifted.clocks if c.open} == {"listed_publish_lifting"}
    back = act(matter, "check_on_site", doer("o-2"), **{**check, "found": "not_met"})
    assert (back.state, back.open_clock("listed_progress") is not None) == ("listed", True)


def test_a_listing_whose_term_passed_leads_to_talks_and_limits():
    """The breach moves it; only measures that others decided are noted."""
    matter = listed()
    clock = matter.open_clock("listed_term")
    assert clock is not None
    assert clock.due_at is not None
    step = steps.end_clock(LISTED, attempt(matter, SYSTEM, now=clock.due_at), clock, TERMS)
    assert step is not None
    assert step.matter.state == "unmet"
    later = clock.due_at.isoformat()
    talk = {"held_on": "2027-03-30", "who": "分管副区长", "record": "纪要 1", "now": later}
    limit = {
        "measure": "eia_limit", "number": "冀环〔2027〕1号", "decided_on": "2027-03-31",
        "account": "暂停审批", "now": later,
    }  # fmt: skip

    matter = act(step.matter, "interview", CITY_LEADER, **talk)
    matter = act(matter, "note_limit", CITY_LEADER, **limit)

    ended = {"number": "冀环〔2027〕2号", "ended_on": "2027-03-31", "now": later}
    assert act(matter, "end_limit", CITY_LEADER, **ended).state == "unmet"


OVERRIDES = {
    "version": "1",
    "overrides": [
        {"id": "province", "key": "order_answer", "divisions": ["13"], "length": 36,
         "source": "冀"},
        {"id": "city", "key": "order_answer", "divisions": ["1304"], "length": 12, "source": "邯"},
        {"id": "power", "key": "order_answer", "divisions": ["1304"], "industries": ["44"],
         "length": 1, "unit": "day", "days": "working", "source": "邯 火电"},
        {"id": "warning", "key": "order_confirm", "levels": ["warning"],
         "items": ["silence"], "length": 4, "source": "传输"},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("there", "length", "source"),
    [
        (Circumstance("370102"), 24, "operational start value for dispatch and supervision"),
        (Circumstance("130102"), 36, "冀"),
        (Circumstance("130402"), 12, "邯"),
        (Circumstance("130402", industry="4411"), 1, "邯 火电"),
        (Circumstance("130402", industry="2221"), 12, "邯"),
    ],
)
def test_the_most_specific_row_decides_a_term(there: Circumstance, length: int, source: str):
    """City before province, industry inside the city before the city."""
    table = rules.clock_table()
    here = narrowed(table, read_overrides(OVERRIDES, table), there)

    found = here.find("order_answer", NOW.date())

    assert (found.length, found.source) == (length, source)
    assert here.find("filing", NOW.date()) == table.find("filing", NOW.date())


def test_an_override_of_a_level_and_item_holds_for_them_only():
    """A warning about missing data, and nothing else."""
    table = rules.clock_table()
    rows = read_overrides(OVERRIDES, table)
    where = Circumstance("370102", item="silence", level=Level.WARNING)

    assert narrowed(table, rows, where).find("order_confirm", NOW.date()).length == 4
    other = replace(where, level=Level.DISPATCH)
    assert narrowed(table, rows, other) is table


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "filing"},
        {"key": "nonsense"},
        {"length": 0},
        {"colour": "red"},
    ],
)
def test_an_override_of_law_or_with_a_typing_error_is_refused(wrong: dict[str, object]):
    """Statutory clocks are no configuration."""
    row = {"id": "x", "key": "order_answer", "length": 1, "source": "s", **wrong}

    with pytest.raises(ValueError, match="override x"):
        read_overrides({"overrides": [row]}, rules.clock_table())


def test_an_order_runs_by_the_terms_of_its_region():
    """The clock of a power plant in Handan, with the row's source in its derivation."""
    table = rules.clock_table()
    here = narrowed(table, read_overrides(OVERRIDES, table), Circumstance("130402", "4411"))
    terms = replace(TERMS, clocks=here)

    step = steps.take(ORDER, "issue", attempt(blank(Kind.ORDER), SYSTEM), terms)

    clock = step.matter.open_clock("order_answer")
    assert clock is not None
    assert str(clock.due_at) == "2026-11-03 16:00:00+00:00"
    assert "邯 火电" in clock.source_zh

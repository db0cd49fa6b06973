"""Findings to supervision orders on a real PostgreSQL: levels, answers, checks, clocks."""

import datetime as dt

import pytest

from services.cases.app import handle_due
from services.cases.app.act_on_matter import Request, act_on_matter
from services.cases.app.handle_clue import handle_clue
from services.cases.app.handle_finding import handle_finding
from services.cases.domain import history
from services.cases.domain.matter import ClockState, Level
from services.chassis.clock import BEIJING
from services.chassis.errors import (
    Conflict,
    Forbidden,
    NotFound,
    RuleViolated,
    Unavailable,
)
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.detect.v1 import detect_pb2
from tests.integration.cases_rig import (
    ANSWER,
    LI,
    MANAGER,
    NEIGHBOUR,
    OTHER_PLANT,
    OUTLET,
    VERDICT,
    WANG,
    Region,
    bottle,
    finding,
    region,
)

NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)


@pytest.fixture
def place(migrated_db):
    """A fresh region."""
    with region(migrated_db("cases"), NOW) as fresh:
        yield fresh


def dispatch(place: Region):
    """An order of level dispatch."""
    place.run(handle_finding, finding(NOW, hours=3))
    return place.only()


def due_payload(matter, key: str) -> dict[str, object]:
    """The payload of a clock's due row."""
    clock = matter.open_clock(key)
    return {
        "matter_id": matter.matter_id,
        "clock_id": clock.clock_id,
        "schedule": clock.schedule,
    }


def test_an_exceedance_becomes_an_order_and_is_closed_by_a_second_person(place: Region):
    """Finding, order, the plant's answer, the county's check, closing: with every clock."""
    matter = dispatch(place)
    assert (matter.level, matter.state) == (Level.DISPATCH, "issued")
    assert matter.number == "督〔2026〕130402-0001"
    assert matter.title == "二氧化硫小时均值超标"
    assert matter.assignee_id == "o-li"
    assert matter.open_clock("order_answer").due_at == NOW + dt.timedelta(hours=24)

    matter = place.act(MANAGER, matter, "answer", **ANSWER)
    matter = place.act(WANG, matter, "check", **VERDICT)
    matter = place.act(LI, matter, "close", opinion="同意")

    assert matter.state == "closed"
    assert [event.act for event in matter.events] == ["issue", "answer", "check", "close"]
    states = {clock.key: clock.state for clock in matter.clocks}
    assert states["order_answer"] is ClockState.SATISFIED
    assert states["order_review"] is ClockState.SATISFIED
    assert states["followup_7"] is ClockState.RUNNING
    assert history.first_break(matter.matter_id, matter.events) is None


def test_the_plant_and_the_county_are_told_by_template(place: Region):
    """Keys and parameters, never free text; each cause id once."""
    matter = dispatch(place)

    notices = place.sent(pb.NoticeRequested)

    assert [n.template for n in notices] == ["order_issued", "order_issued_officer"]
    assert notices[0].parameters["plant"] == "示范热电"
    assert notices[0].parameters["due"] == "11-03 10:30"
    assert notices[0].parameters["number"] == matter.number
    assert [(r.kind, r.key) for r in notices[0].recipients] == [("enterprise", matter.credit_code)]
    assert [(r.kind, r.key) for r in notices[1].recipients] == [("division", "130402")]
    assert len({n.cause_id for n in notices}) == 2


def test_one_open_order_takes_every_finding_of_its_item(place: Region):
    """A second finding adds a row; a growing one changes its row and no line of the timeline."""
    first = finding(NOW, hours=1)
    place.run(handle_finding, first)
    place.run(handle_finding, finding(NOW, hours=1))
    first.revision, first.seen = 2, "更新"

    place.run(handle_finding, first)

    matter = place.only()
    assert matter.rows[0].seen == "更新"
    assert len(matter.rows) == 2
    assert [event.act for event in matter.events] == ["issue", "add_finding"]


def test_the_level_rises_with_the_finding_and_never_falls(place: Region):
    """1 h warns, 3 h a day dispatch; a later, smaller finding does not lower it."""
    grown = finding(NOW, hours=1)
    place.run(handle_finding, grown)
    assert place.only().level is Level.WARNING
    grown.revision, grown.count, grown.count_today = 2, 3, 3

    place.run(handle_finding, grown)
    place.run(handle_finding, finding(NOW, hours=1))

    matter = place.only()
    assert matter.level is Level.DISPATCH
    assert matter.open_clock("order_confirm") is None
    assert matter.open_clock("order_answer") is not None
    assert [e.act for e in matter.events] == ["issue", "raise_level", "add_finding"]


def test_repeated_and_older_revisions_change_nothing(place: Region):
    """The bus may repeat and reorder; an order does not notice."""
    newer = finding(NOW, hours=3, revision=2)
    place.run(handle_finding, newer)
    older = detect_pb2.Finding.FromString(newer.SerializeToString())
    older.revision, older.count_today = 1, 1

    place.run(handle_finding, newer)
    place.run(handle_finding, older)

    assert place.only().version == 1
    assert place.only().rows[0].revision == 2


def test_another_factor_is_another_order(place: Region):
    """The key of an open order is outlet, item and factor."""
    place.run(handle_finding, finding(NOW))
    place.run(handle_finding, finding(NOW, factors=["a21002"]))

    assert [matter.factors for matter in place.matters()] == [("a21026",), ("a21002",)]


def test_a_confidential_finding_opens_no_order(place: Region):
    """One vote against a plant's data is told to nobody."""
    place.run(handle_finding, finding(NOW, hours=9, confidential=True))

    assert place.matters() == []
    assert place.sent(pb.NoticeRequested) == []


def test_history_that_was_loaded_later_opens_no_order(place: Region):
    """A finding that closed 60 days ago is kept; nobody is chased for it."""
    old = finding(NOW - dt.timedelta(days=60), hours=5, state=detect_pb2.FINDING_STATE_CLOSED)

    place.run(handle_finding, old)

    assert place.matters() == []


def test_a_finding_dealt_with_opens_a_new_order_only_at_a_higher_level(place: Region):
    """A closed order is not reopened by every further hour of the same finding."""
    grown = finding(NOW, hours=3)
    place.run(handle_finding, grown)
    matter = place.only()
    place.act(MANAGER, matter, "answer", **ANSWER)
    place.act(WANG, matter, "check", **VERDICT)
    place.act(LI, matter, "close", opinion="同意")
    grown.revision, grown.count = 2, 4

    place.run(handle_finding, grown)

    assert len(place.matters()) == 1


def test_a_confirmed_warning_closes_when_its_finding_is_over(place: Region):
    """The plant confirms, the exceedance ends, nobody has to type anything."""
    warning = finding(NOW)
    place.run(handle_finding, warning)
    place.act(MANAGER, place.only(), "confirm", cause="启炉")
    assert place.only().state == "confirmed"
    warning.revision, warning.state = 2, detect_pb2.FINDING_STATE_CLOSED

    place.run(handle_finding, warning)

    assert place.only().state == "closed"
    assert place.only().last("settle").doer.role == "system"


def withdrawn(seen: detect_pb2.Finding) -> detect_pb2.Finding:
    """The next revision, in which detect takes the finding back."""
    seen.revision, seen.state = seen.revision + 1, detect_pb2.FINDING_STATE_CLOSED
    seen.facts.update({"withdrawn": True})
    return seen


def test_an_order_without_a_finding_left_is_withdrawn(place: Region):
    """Data arrived late and the gap was none: nobody is chased, and the plant hears that."""
    first, second = finding(NOW, hours=3), finding(NOW, hours=1)
    for seen in (first, second, withdrawn(first)):
        place.run(handle_finding, seen)
    assert place.only().state == "issued"

    place.run(handle_finding, withdrawn(second))

    matter = place.only()
    assert (matter.state, matter.events[-1].act) == ("closed", "withdraw")
    assert not any(clock.open for clock in matter.clocks)
    assert place.sent(pb.NoticeRequested)[-1].template == "order_closed"


def test_an_answered_order_is_ended_by_people_even_when_its_finding_is_withdrawn(place: Region):
    """The county's verdict is then a false alarm; no machine ends what people began."""
    seen = finding(NOW, hours=3)
    place.run(handle_finding, seen)
    place.act(MANAGER, place.only(), "answer", **ANSWER)

    place.run(handle_finding, withdrawn(seen))

    assert place.only().state == "answered"


def test_a_finding_that_comes_withdrawn_opens_nothing(place: Region):
    """The bus may deliver the last revision only."""
    place.run(handle_finding, withdrawn(finding(NOW, hours=3)))

    assert place.matters() == []


def test_a_breach_is_noted_once_and_climbs(place: Region):
    """After 24 hours: one line, the county told, the next step armed; a second look idles."""
    matter = dispatch(place)
    payload = due_payload(matter, "order_answer")
    place.now = NOW + dt.timedelta(hours=24)

    place.run(handle_due.breach, payload)
    place.run(handle_due.breach, payload)

    matter = place.only()
    assert matter.state == "unanswered"
    assert [e.act for e in matter.events] == ["issue", "answer_overdue"]
    assert matter.open_clock("order_answer").state is ClockState.BREACHED
    assert matter.open_clock("order_check") is not None
    told = [n.template for n in place.sent(pb.NoticeRequested)][2:]
    assert told == ["clock_breached_enterprise", "clock_breached"]

    place.now += dt.timedelta(hours=24)
    place.run(handle_due.escalate, {**payload, "step": 2})

    last = place.sent(pb.NoticeRequested)[-1]
    assert [(r.key, r.role) for r in last.recipients] == [("130400", "leader")]


def test_a_late_answer_keeps_the_breach(place: Region):
    """The plant may still answer; the record says that it was late."""
    matter = dispatch(place)
    place.now = NOW + dt.timedelta(hours=30)
    payload = due_payload(matter, "order_answer")
    place.run(handle_due.breach, payload)

    matter = place.act(MANAGER, matter, "answer", **ANSWER)

    clock = next(c for c in matter.clocks if c.key == "order_answer")
    assert (clock.state, clock.ended_at) == (ClockState.BREACHED, place.now)
    place.run(handle_due.escalate, {**payload, "step": 2})
    assert place.sent(pb.NoticeRequested)[-1].template == "order_answered"


def test_the_checker_cannot_close(place: Region):
    """Four eyes: refused with the rule and what is missing."""
    matter = dispatch(place)
    place.act(MANAGER, matter, "answer", **ANSWER)
    place.act(WANG, matter, "check", **VERDICT)

    with pytest.raises(RuleViolated) as caught:
        place.act(WANG, matter, "close", opinion="同意")

    assert "复核人不得为核查人" in caught.value.facts["article"]
    assert place.only().state == "checked"


def test_a_violation_is_not_closed_without_a_reason(place: Region):
    """Either a case or the reason for none."""
    matter = dispatch(place)
    place.act(MANAGER, matter, "answer", **ANSWER)
    place.act(WANG, matter, "check", **{**VERDICT, "verdict": "violation"})

    with pytest.raises(RuleViolated, match="理由"):
        place.act(LI, matter, "close", opinion="同意")
    closed = place.act(LI, matter, "close", "首次轻微并及时改正", opinion="同意")

    assert closed.state == "closed"


def test_a_violation_becomes_a_case_that_the_checker_may_not_file(place: Region):
    """The order is closed as a case; the leader decides within 15 days."""
    order = dispatch(place)
    place.act(MANAGER, order, "answer", **ANSWER)
    place.act(WANG, order, "check", **{**VERDICT, "verdict": "violation"})
    place.act(WANG, order, "propose_filing", facts="三小时超标", violation="exceed_air")
    case, closed = place.matters()

    assert (closed.state, case.state) == ("case_opened", "verified")
    assert case.parent_matter_id == order.matter_id
    assert case.confidential
    assert case.open_clock("filing").statutory
    assert str(case.open_clock("filing").due_at) == "2026-11-17 16:00:00+00:00"


def test_missing_fields_are_named(place: Region):
    """The plant learns what the answer lacks."""
    matter = dispatch(place)

    with pytest.raises(RuleViolated) as caught:
        place.act(MANAGER, matter, "answer", cause="故障")

    assert caught.value.facts["missing"] == "措施、证据（照片、记录、报告编号）"


def test_nobody_else_sees_or_moves_it(place: Region):
    """Another plant and another county do not even learn that it exists; a role is refused."""
    matter = dispatch(place)

    for stranger in (OTHER_PLANT, NEIGHBOUR):
        with pytest.raises(NotFound):
            place.act(stranger, matter, "answer", **ANSWER)
    with pytest.raises(Forbidden):
        place.act(WANG, matter, "answer", **ANSWER)
    assert place.only().version == 1


def test_two_people_at_once_do_not_overwrite_each_other(place: Region):
    """The slower one learns that the matter has moved on."""
    matter = dispatch(place)
    place.act(MANAGER, matter, "answer", **ANSWER)

    request = Request(matter.matter_id, "check", VERDICT, "", expected_version=1)
    with pytest.raises(Conflict) as caught:
        place.run(act_on_matter, WANG, request)

    assert caught.value.facts == {"expected": "1", "present": "2"}


def test_an_unknown_outlet_waits_for_the_registry(place: Region):
    """The finding comes again once the copy has the outlet."""
    stranger = finding(NOW, outlet_id="91130402MA000T0344-DA009")

    with pytest.raises(Unavailable):
        place.run(handle_finding, stranger)


def test_an_open_clue_and_an_order_of_one_outlet_stay_apart(place: Region):
    """The plant's order says nothing of the clue next to it."""
    dispatch(place)
    place.run(handle_clue, bottle(NOW))

    told = [n for n in place.sent(pb.NoticeRequested) if n.recipients[0].kind == "enterprise"]
    assert {n.template for n in told} == {"order_issued"}
    assert all(n.outlet_id == OUTLET for n in told)

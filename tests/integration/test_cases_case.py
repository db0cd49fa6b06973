"""A confidential clue on a real PostgreSQL: verified, filed, investigated, reviewed, referred."""

import datetime as dt

import pytest

from services.cases import rules, wire
from services.cases.app import handle_due
from services.cases.app.handle_clue import handle_clue
from services.cases.app.handle_notice_outcome import handle_notice_outcome
from services.cases.app.handle_referral import handle_referral
from services.cases.domain import history
from services.cases.domain.matter import ClockState, Kind, Matter
from services.chassis.clock import BEIJING, to_timestamp
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.notify.v1 import notify_pb2
from services.chassis.pb.referral.v1 import referral_pb2
from tests.integration.cases_rig import (
    COUNTY,
    EXPIRED,
    FINDINGS,
    FOUR,
    LEADER,
    LEGAL,
    LI,
    MANAGER,
    PROPOSAL,
    REPORT,
    TECHNICAL,
    VISIT,
    WANG,
    ZHAO,
    Region,
    actor,
    bottle,
    region,
)

NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)


@pytest.fixture
def place(migrated_db):
    """A fresh region."""
    with region(migrated_db("cases"), NOW) as fresh:
        yield fresh


def opened(place: Region) -> Matter:
    """A case that a clue opened."""
    place.run(handle_clue, bottle(NOW))
    return place.only()


def reviewed(place: Region) -> Matter:
    """A case whose electronic record passed both reviews."""
    matter = opened(place)
    place.act(WANG, matter, "verify", **VISIT)
    place.act(LEADER, matter, "file_case", **FOUR)
    place.act(WANG, matter, "finish_investigation", **FINDINGS)
    place.act(ZHAO, matter, "review_technical", **TECHNICAL)
    return place.act(LEADER, matter, "review_legal", **LEGAL)


def referred(place: Region) -> Matter:
    """A case whose referral the leader approved."""
    matter = reviewed(place)
    place.act(WANG, matter, "request_referral", **REPORT)
    return place.act(LEADER, matter, "approve_referral")


def referral_of(matter: Matter, **changes: object) -> referral_pb2.Referral:
    """The referral as its service tells it."""
    return referral_pb2.Referral(
        referral_id="r-1", number="移〔2026〕1", matter_id=matter.matter_id, **changes
    )


def test_a_clue_walks_to_the_police_and_is_closed(place: Region):
    """Every step with its clock, to the outcome and the closing; the chain holds to the end."""
    matter = referred(place)
    handed = referral_of(matter, handed_over_at=to_timestamp(NOW))
    place.run(handle_referral, handed)
    filed = referral_of(matter, handed_over_at=to_timestamp(NOW), outcome="filed")
    place.run(handle_referral, filed)
    place.act(WANG, matter, "hand_over_items", items="样品瓶 1 个")
    matter = place.act(actor(LEADER.role, "o-leader"), matter, "close_after_police", "刑事立案")

    assert matter.state == "closed"
    assert matter.referral_id == "r-1"
    assert [event.act for event in matter.events] == [
        "receive_clue", "verify", "file_case", "finish_investigation", "review_technical",
        "review_legal", "request_referral", "approve_referral", "link_referral", "hand_over",
        "police_file", "hand_over_items", "close_after_police",
    ]  # fmt: skip
    assert {clock.key for clock in matter.clocks if clock.open} == {"file_archive"}
    assert history.first_break(matter.matter_id, matter.events) is None


def test_the_clue_starts_the_filing_clock_and_tells_officers_only(place: Region):
    """15 days by order 30 art 18; nobody of the plant is a recipient of anything."""
    matter = opened(place)

    filing = matter.open_clock("filing")
    assert (filing.statutory, str(filing.due_at)) == (True, "2026-11-17 16:00:00+00:00")
    assert matter.confidential
    recipients = [r for notice in place.sent(pb.NoticeRequested) for r in notice.recipients]
    assert recipients
    assert {r.kind for r in recipients} == {"division"}


def test_the_plant_is_never_told_at_any_step_of_a_case(place: Region):
    """From the clue to the police no notice goes to the enterprise, whatever breaches."""
    matter = referred(place)
    for clock in matter.clocks:
        payload = {
            "matter_id": matter.matter_id,
            "clock_id": clock.clock_id,
            "schedule": clock.schedule,
        }
        place.run(handle_due.warn, payload)
        place.run(handle_due.breach, payload)

    recipients = {r.kind for n in place.sent(pb.NoticeRequested) for r in n.recipients}

    assert recipients == {"division", "officer"}


def test_the_plant_cannot_find_its_own_case(place: Region):
    """Not even by its id."""
    matter = opened(place)

    with pytest.raises(NotFound):
        place.act(MANAGER, matter, "verify", **VISIT)


def test_one_vote_is_no_clue(place: Region):
    """A single sign is a question of data quality."""
    clue = bottle(NOW)
    del clue.finding_ids[1:], clue.findings[1:]

    place.run(handle_clue, clue)

    assert place.matters() == []


def test_a_second_clue_joins_the_open_case(place: Region):
    """Its findings become rows and one line; the same revision again changes nothing."""
    opened(place)
    second = bottle(NOW)

    place.run(handle_clue, second)
    place.run(handle_clue, second)

    matter = place.only()
    assert len(matter.rows) == 4
    assert [event.act for event in matter.events] == ["receive_clue", "add_clue"]


def test_a_growing_clue_keeps_its_case_after_the_review(place: Region):
    """A revision that comes while the police have the case opens no second one."""
    clue = bottle(NOW)
    place.run(handle_clue, clue)
    matter = place.only()
    place.act(WANG, matter, "verify", **VISIT)
    place.act(LEADER, matter, "no_filing", "样品瓶为比对试验")
    clue.revision = 2

    place.run(handle_clue, clue)

    assert place.only().state == "no_filing"


@pytest.mark.parametrize(
    ("who", "fields", "missing"),
    [
        (WANG, {"officer_2": "o-wang"}, "另一人"),
        (WANG, {"officer_2": "o-expired"}, "没有有效执法证件"),
        (WANG, {"officer_2": "o-neighbour"}, "不在本辖区"),
        (WANG, {"officer_2": "nobody"}, "不是在册执法人员"),
        (EXPIRED, {}, "没有有效执法证件"),
        (WANG, {"visited_on": "2026-11-03"}, "不得晚于今天"),
    ],
)
def test_a_visit_needs_two_certified_officers(place: Region, who, fields, missing: str):
    """Penalty Law art 42: refused with the article and what is missing."""
    matter = opened(place)

    with pytest.raises(RuleViolated) as caught:
        place.act(who, matter, "verify", **{**VISIT, **fields})

    assert missing in caught.value.facts["missing"]
    assert "行政处罚法" in caught.value.facts["article"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"visited_on": "2026-13-01"}, InputRejected),
        ({"found": "maybe"}, InputRejected),
        ({"weather": "sunny"}, InputRejected),
        ({"record": " "}, RuleViolated),
        ({"record": "字" * 4001}, InputRejected),
    ],
)
def test_what_is_no_value_of_a_field_is_refused(place: Region, fields, error):
    """A date that is none, an unknown choice, an unknown field, nothing, too much."""
    matter = opened(place)

    with pytest.raises(error):
        place.act(WANG, matter, "verify", **{**VISIT, **fields})


def test_filing_needs_confirmed_facts_and_four_conditions(place: Region):
    """Order 30 art 19: each condition answered with yes, and the visit confirmed the facts."""
    matter = opened(place)
    with pytest.raises(RuleViolated, match="待现场核实"):
        place.act(LEADER, matter, "file_case", **FOUR)
    place.act(WANG, matter, "verify", **{**VISIT, "found": "device"})

    with pytest.raises(RuleViolated) as unconfirmed:
        place.act(LEADER, matter, "file_case", **FOUR)
    with pytest.raises(Forbidden):
        place.act(ZHAO, matter, "file_case", **FOUR)

    assert unconfirmed.value.facts["missing"] == "现场核实结果为属实"


def test_a_condition_answered_with_no_stops_the_filing(place: Region):
    """The refusal names the condition."""
    matter = opened(place)
    place.act(WANG, matter, "verify", **VISIT)

    with pytest.raises(RuleViolated) as caught:
        place.act(LEADER, matter, "file_case", **{**FOUR, "within_limitation": "no"})

    assert caught.value.facts["missing"] == "within_limitation"
    assert caught.value.facts["article"] == "生态环境行政处罚办法第十九条"


def test_no_filing_needs_its_reason(place: Region):
    """The decision not to file is written down."""
    matter = opened(place)
    place.act(WANG, matter, "verify", **{**VISIT, "found": "not_confirmed"})

    with pytest.raises(RuleViolated, match="理由"):
        place.act(LEADER, matter, "no_filing")
    matter = place.act(LEADER, matter, "no_filing", "比对试验期间")

    assert matter.state == "no_filing"
    assert not any(clock.open for clock in matter.clocks)


def test_an_investigator_reviews_nothing(place: Region):
    """Order 30 art 38 for either investigator, on the technical and on the legal side."""
    matter = opened(place)
    place.act(WANG, matter, "verify", **VISIT)
    place.act(LEADER, matter, "file_case", **FOUR)
    place.act(WANG, matter, "finish_investigation", **FINDINGS)

    for investigator in (WANG, LI):
        with pytest.raises(RuleViolated, match="第三十八条"):
            place.act(investigator, matter, "review_technical", **TECHNICAL)
    place.act(ZHAO, matter, "review_technical", **TECHNICAL)
    with pytest.raises(RuleViolated, match="第三十八条"):
        place.act(LI, matter, "review_legal", **LEGAL)


def test_an_unfit_record_goes_back(place: Region):
    """Penalty Law art 41: what fails the review is no evidence."""
    matter = opened(place)
    place.act(WANG, matter, "verify", **VISIT)
    place.act(LEADER, matter, "file_case", **FOUR)
    place.act(WANG, matter, "finish_investigation", **FINDINGS)

    with pytest.raises(RuleViolated, match="第四十一条"):
        place.act(ZHAO, matter, "review_technical", **{**TECHNICAL, "record_ok": "no"})
    matter = place.act(ZHAO, matter, "return_record", "缺少参数照片")

    assert matter.state == "investigating"


def test_an_approved_referral_is_handed_over_with_findings(place: Region):
    """3 days for the leader, then 24 hours; the request carries the evidence's findings."""
    matter = reviewed(place)
    matter = place.act(WANG, matter, "request_referral", **REPORT)
    assert str(matter.open_clock("crime_approve").due_at) == "2026-11-05 16:00:00+00:00"
    matter = place.act(LEADER, matter, "approve_referral")

    assert matter.open_clock("crime_hand_over").due_at == NOW + dt.timedelta(hours=24)
    (request,) = place.sent(pb.ReferralRequested)
    assert (request.charge, request.requested_by, request.approved_by) == (
        "338",
        "o-wang",
        "o-leader",
    )
    assert list(request.officer_ids) == ["o-wang", "o-li"]
    assert [list(f.factors) for f in request.findings] == [["w01018"], ["w21003"]]


def test_a_refused_referral_goes_back_with_the_reason(place: Region):
    """The reason is on the record; the case is where it was."""
    matter = reviewed(place)
    place.act(WANG, matter, "request_referral", **REPORT)

    matter = place.act(LEADER, matter, "refuse_referral", "证据不足")

    assert (matter.state, matter.last("refuse_referral").reason) == ("reviewed", "证据不足")
    assert place.sent(pb.ReferralRequested) == []


def test_the_penalty_clock_stands_still_while_the_police_have_the_case(place: Region):
    """2017-17 art 16: from the hand-over to the refusal no day is counted."""
    matter = referred(place)
    # Filed on 2 November: 90 days end on Sunday 31 January 2027 and roll to Monday.
    assert str(matter.open_clock("decision").due_at) == "2027-02-01 16:00:00+00:00"
    place.run(handle_referral, referral_of(matter, handed_over_at=to_timestamp(NOW)))
    assert place.only().open_clock("decision").due_at is None
    place.now = NOW + dt.timedelta(days=10)

    place.run(
        handle_referral,
        referral_of(matter, handed_over_at=to_timestamp(NOW), outcome="not_filed"),
    )

    # Paused from the 2nd (not counted anyway) to the 12th: nine days more.
    assert str(place.only().open_clock("decision").due_at) == "2027-02-09 16:00:00+00:00"
    assert place.only().state == "police_refused"
    assert place.act(WANG, matter, "propose_penalty", **PROPOSAL).state == "proposed"


def test_a_referral_told_twice_or_all_at_once_takes_each_step_once(place: Region):
    """Events may be lost in between and repeated: the order of the steps is the table's."""
    matter = referred(place)
    everything = referral_of(matter, handed_over_at=to_timestamp(NOW), outcome="filed")

    place.run(handle_referral, everything)
    place.run(handle_referral, everything)

    acts = [event.act for event in place.only().events][-3:]
    assert acts == ["link_referral", "hand_over", "police_file"]


def test_a_rerouted_referral_stays_with_the_police(place: Region):
    """Another police unit has it now; nothing came back."""
    matter = referred(place)

    place.run(
        handle_referral,
        referral_of(matter, handed_over_at=to_timestamp(NOW), outcome="rerouted"),
    )

    assert place.only().state == "with_police"


def test_the_filing_term_is_extended_once_and_only_in_time(place: Region):
    """+15 days with the leader's approval; not twice, and not after the end."""
    matter = opened(place)
    matter = place.act(LEADER, matter, "extend_filing", "线索复杂")
    assert str(matter.open_clock("filing").due_at) == "2026-12-02 16:00:00+00:00"
    assert matter.open_clock("filing").schedule == 2

    with pytest.raises(RuleViolated):
        place.act(LEADER, matter, "extend_filing", "再延")


def test_a_late_extension_is_refused(place: Region):
    """After the breach nobody can extend what is over."""
    matter = opened(place)
    clock = matter.open_clock("filing")
    payload = {"matter_id": matter.matter_id, "clock_id": clock.clock_id, "schedule": 1}
    place.now = NOW + dt.timedelta(days=16)
    place.run(handle_due.breach, payload)

    with pytest.raises(RuleViolated, match="期限已过"):
        place.act(LEADER, matter, "extend_filing", "补批")


def test_a_due_row_of_an_older_schedule_does_nothing(place: Region):
    """The extension moved the end; the first end passes without a breach."""
    matter = opened(place)
    clock = matter.open_clock("filing")
    place.act(LEADER, matter, "extend_filing", "线索复杂")
    place.now = NOW + dt.timedelta(days=16)

    payload = {"matter_id": matter.matter_id, "clock_id": clock.clock_id, "schedule": 1}
    place.run(handle_due.breach, payload)

    assert place.only().open_clock("filing").state is ClockState.RUNNING


def test_a_notice_that_failed_is_on_the_record_once(place: Region):
    """A deadline hangs on who knew; repeated outcomes add no second line."""
    matter = opened(place)
    failed = notify_pb2.NoticeOutcome(
        cause_id="c/1",
        matter_id=matter.matter_id,
        recipient_id="o-li",
        state=notify_pb2.SENDING_STATE_FAILED,
        reason="空号",
    )
    delivered = notify_pb2.NoticeOutcome(
        matter_id=matter.matter_id, state=notify_pb2.SENDING_STATE_DELIVERED
    )

    for outcome in (failed, failed, delivered):
        place.run(handle_notice_outcome, outcome)

    assert [event.act for event in place.only().events] == ["receive_clue", "notice_failed"]


def test_the_papers_carry_the_whole_chain(place: Region):
    """What the bundle gets verifies with the rule of the referral's own chain."""
    matter = referred(place)

    papers = wire.full_message(matter, rules.life_cycle(Kind.CASE))

    assert [event.seq for event in papers.timeline] == list(range(1, 9))
    assert papers.timeline[-1].digest_sm3 == matter.events[-1].digest
    assert dict(papers.timeline[1].fields.items())["found"] == "confirmed"
    assert papers.division == COUNTY

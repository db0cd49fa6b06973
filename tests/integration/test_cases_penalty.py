"""Whole penalty cases on a real PostgreSQL: from a complaint to the archive, and to the court."""

from __future__ import annotations

import datetime as dt

import pytest

from services.cases.app import handle_due
from services.cases.app.attempts import system_attempt
from services.cases.app.open_by_person import Wish, open_by_person
from services.cases.app.perform import perform
from services.cases.domain import history
from services.cases.domain.matter import ClockState, Kind, Matter
from services.cases.door_views import shown
from services.chassis.clock import BEIJING
from services.chassis.errors import Forbidden, NotFound, RuleViolated
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from tests.integration.cases_rig import (
    FINDINGS,
    FOUR,
    LEADER,
    LI,
    MANAGER,
    OUTLET,
    PROPOSAL,
    VISIT,
    WANG,
    ZHAO,
    Region,
    region,
)

NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)
REPORT_OF = {"source": "complaint", "found_on": "2026-11-02", "facts": "群众投诉夜间冒烟"}
REVIEWED = dict.fromkeys(
    ("facts_clear", "evidence_sufficient", "law_right", "procedure_lawful", "discretion_right"),
    "yes",
)
NOTICE = {"amount": "220000", "other_measures": "none", "hearing": "yes"}
DECISION = {
    "outcome": "penalty",
    "amount": "200000",
    "other_measures": "none",
    "facts": "二氧化硫超标排放",
    "defence_answer": "部分采纳，从轻",
}
COMPLETE = {"summary": "已全部履行"}


@pytest.fixture
def place(migrated_db):
    """A fresh region."""
    with region(migrated_db("cases"), NOW) as fresh:
        yield fresh


def at(day: str, hour: int = 10) -> dt.datetime:
    """A moment of a Beijing day."""
    return dt.datetime.fromisoformat(day).replace(hour=hour, tzinfo=BEIJING)


def reported(place: Region, **changes: str) -> Matter:
    """A case that an officer opened because somebody complained."""
    wish = Wish(
        Kind.CASE, "accept_report", OUTLET, title="夜间冒烟投诉", fields=REPORT_OF | changes
    )
    with place.database.transaction() as session:
        return open_by_person(session, WANG, wish, place.now)


def proposed(place: Region, **changes: str) -> Matter:
    """A case without automatic data whose penalty was proposed."""
    today = place.now.date().isoformat()
    case = reported(place, found_on=today)
    place.act(WANG, case, "verify", **{**VISIT, "visited_on": today})
    place.act(LEADER, case, "file_case", **FOUR)
    found = {**FINDINGS, "party_told_on": today, "violation": "exceed_air", "electronic": "no"}
    place.act(WANG, case, "finish_investigation", **found)
    return place.act(WANG, case, "propose_penalty", **{**PROPOSAL, **changes})


def by_system(place: Region, case: Matter, act: str, **fields: str) -> Matter:
    """What another matter or a clock does to the case."""
    with place.database.transaction() as session:
        matter = next(m for m in place.matters() if m.matter_id == case.matter_id)
        return perform(session, act, system_attempt(session, matter, place.now, fields)).matter


def fresh(place: Region, case: Matter) -> Matter:
    """The case as it is now."""
    return next(one for one in place.matters() if one.matter_id == case.matter_id)


def serve(place: Region, paper: str) -> None:
    """Two officers hand the latest paper of that key over, today."""
    child = [
        m
        for m in place.matters()
        if m.kind is Kind.SERVICE and m.opening().fields.get("paper") == paper
    ][-1]
    place.act(
        WANG, child, "serve_by_hand",
        officer_2="o-li", served_on=place.now.date().isoformat(), receiver="王某",
        capacity="legal_representative",
    )  # fmt: skip


def pass_clock(place: Region, case: Matter, key: str) -> Matter:
    """The end of a clock comes, and the due row does its work."""
    clock = fresh(place, case).open_clock(key)
    place.now = max(place.now, clock.due_at)
    payload = {
        "matter_id": case.matter_id,
        "clock_id": clock.clock_id,
        "schedule": clock.schedule,
    }
    place.run(handle_due.breach, payload)
    return fresh(place, case)


def last_day(matter: Matter, key: str) -> str:
    """The last day of the newest clock of a key."""
    clock = [one for one in matter.clocks if one.key == key][-1]
    return str((clock.due_at - dt.timedelta(seconds=1)).astimezone(BEIJING).date())


def test_a_complaint_walks_to_the_archive(place: Region):
    """Every step with its paper and its service; the same act is not fined again after it."""
    case = proposed(place)
    with pytest.raises(NotFound):
        place.act(MANAGER, case, "state_defence", content="提前申辩")
    with pytest.raises(RuleViolated, match="第三十八条"):
        place.act(LI, case, "review_case", opinion="同意", **REVIEWED)
    place.act(ZHAO, case, "review_case", opinion="同意", **REVIEWED)
    place.act(LEADER, case, "issue_notice", **NOTICE)
    assert fresh(place, case).open_clock("decision").due_at is None
    place.now += dt.timedelta(days=1)
    serve(place, "penalty_notice")
    serve(place, "hearing_rights_notice")
    case = fresh(place, case)
    assert (case.state, case.confidential) == ("notice_served", False)
    assert last_day(case, "statement") == last_day(case, "hearing_request") == "2026-11-10"

    place.act(MANAGER, case, "state_defence", content="已立即更换脱硫泵")
    with pytest.raises(RuleViolated, match="2026-11-10"):
        place.act(ZHAO, case, "review_defence", result="partly", opinion="属实")
    pass_clock(place, case, "statement")
    pass_clock(place, case, "hearing_request")
    with pytest.raises(RuleViolated, match="复核结论"):
        place.act(ZHAO, case, "review_defence", result="none", opinion="无")
    place.act(ZHAO, case, "review_defence", result="partly", opinion="改正及时")
    with pytest.raises(RuleViolated, match="不高于已告知数额220000元"):
        place.act(LEADER, case, "decide", **{**DECISION, "amount": "230000"})
    case = place.act(LEADER, case, "decide", **DECISION)
    assert case.open_clock("publish")
    place.now += dt.timedelta(days=1)
    serve(place, "decision")
    today = place.now.date().isoformat()
    place.act(WANG, case, "record_payment", amount="200000", paid_on=today, receipt="票0001")
    place.act(WANG, case, "confirm_fulfilled", last_paid_on=today, surcharge="none")
    with pytest.raises(RuleViolated, match="不公开的理由"):
        place.act(LEADER, case, "close_case", **COMPLETE)
    place.act(WANG, case, "publish_decision", published_on=today, place="官网")
    place.act(LEADER, case, "close_case", **COMPLETE)
    case = place.act(WANG, case, "archive", archive_number="罚2026-1", keep="30", pages="86")

    assert case.state == "closed"
    assert not [clock.key for clock in case.clocks if clock.open]
    assert history.first_break(case.matter_id, case.events) is None
    assert not [c.key for c in case.clocks if c.state is ClockState.BREACHED]
    with pytest.raises(RuleViolated, match="第二十九条") as again:
        proposed(place)
    assert case.number in again.value.facts["missing"]


def test_the_plant_sees_only_what_was_told_to_it(place: Region):
    """From the notice on: what was served and said, no internal work, no names."""
    case = proposed(place)
    place.act(ZHAO, case, "review_case", opinion="同意", **REVIEWED)
    case = place.act(LEADER, case, "issue_notice", **NOTICE)
    assert not [
        r for n in place.sent(pb.NoticeRequested) for r in n.recipients if r.kind == "enterprise"
    ]

    serve(place, "penalty_notice")
    case = fresh(place, case)
    message = shown(MANAGER, case, [])

    assert [event.act for event in message.timeline] == ["penalty_notice_served"]
    assert message.assignee_name == ""
    told = [n for n in place.sent(pb.NoticeRequested) if n.recipients[0].kind == "enterprise"]
    assert "case_paper_enterprise" in {one.template for one in told}
    with pytest.raises(Forbidden):
        place.act(MANAGER, case, "review_defence", result="none", opinion="无")


def decided_2021(place: Region) -> Matter:
    """The Wengniute brick kiln: 220,000 yuan; served by announcement on 2021-04-10.

    The papers of the product follow the Penalty Law of July 2021, so the file is entered then,
    with the dates of the real case.
    """
    place.now = at("2021-07-16")
    built = {"violation": "built_without_treatment", "act_date": "2020-11-20"}
    case = proposed(place, **built)
    place.act(ZHAO, case, "review_case", opinion="同意", **REVIEWED)
    place.act(LEADER, case, "issue_notice", **NOTICE)
    serve(place, "penalty_notice")
    serve(place, "hearing_rights_notice")
    place.act(MANAGER, case, "waive", statement_of="放弃")
    place.act(ZHAO, case, "review_defence", result="none", opinion="未提出")
    place.act(LEADER, case, "decide", **{**DECISION, "amount": "220000"})
    return by_system(place, case, "decision_served", served_on="2021-04-10", method="announcement")


def announced(place: Region, case: Matter) -> None:
    """催告书: handing over failed, the newspaper announced it on 27 October."""
    place.now = at("2021-10-22")
    place.act(LEADER, case, "issue_demand", perform_by="2021-11-05", manner="代收银行")
    child = [m for m in place.matters() if m.kind is Kind.SERVICE][-1]
    tried = {"tried_on": "2021-10-22", "why": "unknown", "account": "厂内无人"}
    place.act(WANG, child, "note_try", way="inquiry", **tried)
    place.act(LEADER, child, "approve_announcement", ground="unknown", account="下落不明")
    place.now = at("2021-10-27")
    place.act(
        WANG, child, "announce", announced_on="2021-10-27", medium="newspaper", where="报纸第3版"
    )
    pass_clock(place, child, "public_service")


def test_the_wengniute_chain_ends_at_the_court_on_its_last_day(place: Region):
    """vectors.json: one day is left, and the platform had said so in April."""
    case = decided_2021(place)
    assert last_day(case, "pay") == "2021-04-25"
    assert last_day(case, "reconsider") == "2021-06-09"
    assert last_day(case, "lawsuit") == "2021-10-11"
    case = pass_clock(place, case, "pay")
    assert case.state == "overdue"
    assert last_day(case, "court_window") == "2022-01-11"
    assert last_day(case, "demand_serve") == "2021-12-24"
    warned = {n.template for n in place.sent(pb.NoticeRequested)}
    assert {"demand_serve_by", "demand_announce_by"} <= warned
    pass_clock(place, case, "reconsider")
    case = pass_clock(place, case, "lawsuit")
    assert (case.state, last_day(case, "court_enforce")) == ("enforceable", "2022-01-11")

    announced(place, case)

    case = fresh(place, case)
    assert case.last("demand_served").fields["served_on"] == "2021-12-26"
    assert last_day(case, "demand") == "2022-01-10"
    application = {"court": "翁牛特旗人民法院", "claim": "罚款及加处罚款"}
    place.now = at("2022-01-10")
    with pytest.raises(RuleViolated, match="第五十四条") as early:
        place.act(LEADER, case, "apply_court", applied_on="2022-01-10", **application)
    assert early.value.facts["missing"] == "催告期届满（至2022-01-10）"
    pass_clock(place, case, "demand")
    place.now = at("2022-01-11")
    case = place.act(LEADER, case, "apply_court", applied_on="2022-01-11", **application)
    assert case.state == "court"
    assert case.last("apply_court").fields["papers"].startswith("court_application")
    closed = [c for c in case.clocks if c.key == "court_enforce"][-1]
    assert closed.state is ClockState.SATISFIED

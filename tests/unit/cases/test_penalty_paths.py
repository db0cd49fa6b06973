"""Paths through a case: the straight one and each side path, to its end, with its clocks."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from services.cases.domain.matter import SYSTEM, ClockState
from services.chassis.clock import BEIJING
from services.chassis.errors import RuleViolated
from tests.unit.cases.penalty_story import (
    INVESTIGATOR,
    LEADER,
    PARTNER,
    PLANT,
    REVIEWER,
    STRAIGHT,
    Story,
)


def paid_late(story: Story, *ends: str) -> Story:
    """The decision was served, nothing was paid, and these clocks ran out."""
    story.until("decision_served")
    for key in ends:
        story.end(key)
    return story


def test_the_straight_path_ends_in_the_archive():
    """Each act leads to the next; nothing is left running."""
    story = Story()
    story.papers = ()
    for who, act in STRAIGHT[:-1]:
        if act == "penalty_notice_served":
            story.at("2026-11-03")
        story.do(who, act)

    assert story.matter.state == "closed"
    assert story.open == {"file_archive"}
    with pytest.raises(RuleViolated, match="第四十七条：立案审批表、案件调查报告"):
        story.do(INVESTIGATOR, "archive")


def test_a_case_that_rests_on_no_automatic_data_skips_their_review():
    """The reason is on record; the reviews of electronic records are not asked for."""
    story = Story().until("file_case")

    with pytest.raises(RuleViolated, match="不以自动监测数据作为证据的理由"):
        story.do(INVESTIGATOR, "finish_investigation", electronic="no")
    story.do(INVESTIGATOR, "finish_investigation", "现场笔录足以证明", electronic="no")

    assert story.matter.state == "reviewed"
    assert "review_record" not in story.open
    assert story.do(INVESTIGATOR, "propose_penalty").matter.state == "proposed"


@pytest.mark.parametrize(
    ("ground", "fields"),
    [
        ("minor", {"slight": "yes", "corrected": "yes"}),
        ("first", {"slight": "yes", "corrected": "yes", "first_time": "yes"}),
        ("no_fault", {"fault_proof": "运维单位私改参数的判决"}),
        ("not_established", {}),
    ],
)
def test_a_case_without_penalty_needs_no_notice(ground: str, fields: dict[str, str]):
    """PL art 33, 57: decided, served, closed; the plant is educated, not fined."""
    story = Story().until("review_legal")
    nothing = {"amount": "", "other_measures": "", "outcome": "no_penalty", "ground": ground}
    story.do(INVESTIGATOR, "propose_penalty", **nothing, **fields)
    story.do(REVIEWER, "review_case")

    step = story.do(LEADER, "decide", **nothing, education="已教育", defence_answer="")

    assert step.papers == ("no_penalty_decision",)
    story.do(SYSTEM, "no_penalty_decision_served", served_on="2026-11-03")
    assert not story.matter.confidential
    assert story.do(LEADER, "close_case").matter.state == "closed"


def test_a_hearing_from_the_request_to_the_review():
    """Seven working days of notice, an independent chair; legal review is then a must."""
    story = Story().until("hearing_rights_notice_served")
    story.do(PLANT, "request_hearing")
    story.do(LEADER, "plan_hearing")
    assert story.last_day("hearing_notice") == "2026-11-11"
    assert story.matter.open_clock("decision").due_at is None
    story.at("2026-11-05").do(SYSTEM, "hearing_notice_served")
    story.end("statement").at("2026-11-20")
    story.do(REVIEWER, "hold_hearing")
    story.do(REVIEWER, "review_defence", result="rejected")

    with pytest.raises(RuleViolated, match=r"第五十八条.*经过听证程序"):
        story.do(LEADER, "decide")
    story.do(REVIEWER, "review_decision")

    assert story.do(LEADER, "decide").matter.state == "decided"


def test_a_hearing_that_was_told_too_late_is_planned_again():
    """PL art 64(2): no hearing on six working days' notice."""
    story = Story().until("hearing_rights_notice_served")
    story.do(PLANT, "request_hearing")
    story.do(LEADER, "plan_hearing")
    story.at("2026-11-12").do(SYSTEM, "hearing_notice_served", served_on="2026-11-12")
    story.at("2026-11-20")

    with pytest.raises(RuleViolated, match="七个工作日前送达（至2026-11-11）"):
        story.do(REVIEWER, "hold_hearing")
    story.do(LEADER, "replan_hearing", "通知迟延")

    assert story.matter.state == "hearing_requested"
    assert story.matter.open_clock("decision").due_at is not None


def test_a_withdrawn_request_ends_the_hearing():
    """The plant takes it back; the case goes on where it was."""
    story = Story().until("hearing_rights_notice_served")
    story.do(PLANT, "request_hearing")

    story.do(PLANT, "withdraw_hearing", statement_of="撤回")

    assert story.matter.state == "notice_served"


def test_a_heavier_fine_needs_new_facts_and_a_new_notice():
    """PL art 45: back to the proposal, new facts, everything told again."""
    story = Story().until("review_defence")
    story.do(REVIEWER, "renotice", "补充监测发现排放时间更长")

    with pytest.raises(RuleViolated, match=r"第四十五条.*高于已告知数额220000元"):
        story.do(INVESTIGATOR, "propose_penalty", amount="300000")
    story.do(INVESTIGATOR, "propose_penalty", amount="300000", new_facts="补充监测报告")
    story.do(REVIEWER, "review_case")
    with pytest.raises(RuleViolated, match=r"状态下不能办理|第四十四条"):
        story.do(LEADER, "decide", amount="300000")
    story.do(LEADER, "issue_notice", amount="300000")

    assert story.matter.state == "notice_issued"


def test_a_case_is_returned_transferred_suspended_or_terminated():
    """The ways out of the investigation, each with its reason."""
    story = Story().until("review_legal")
    story.do(LEADER, "return_investigation", "证据不足")
    story.do(LEADER, "suspend", "等待鉴定", since="2026-11-02")
    assert story.matter.open_clock("decision").due_at is None
    story.at("2026-11-12").do(LEADER, "resume_case", ended_on="2026-11-12")
    assert story.last_day("decision") == "2027-02-09"
    before = story.matter

    story.do(LEADER, "terminate", "企业注销", cause="party_ended")
    assert story.matter.state == "closed"
    story.matter = before
    gone = {"authority": "邻县分局", "letter": "移1", "sent_on": "2026-11-12"}
    story.do(LEADER, "transfer_case", "不属本机关管辖", **gone)
    assert story.matter.state == "transferred"
    assert story.open == set()


@pytest.mark.parametrize(
    ("send", "receive"),
    [
        ("send_monitoring", "receive_monitoring"),
        ("send_appraisal", "receive_appraisal"),
        ("ask_expert", "receive_expert"),
    ],
)
def test_the_time_of_a_report_is_not_counted(send: str, receive: str):
    """Monitoring, appraisal, experts: ten days out are ten days more."""
    story = Story().until("file_case")
    ordinary = story.last_day("decision")
    story.do(INVESTIGATOR, send, body="监测站", asked_for="取样", since="2026-11-02")
    with pytest.raises(RuleViolated, match="先取得"):
        story.do(INVESTIGATOR, send, body="监测站", asked_for="取样", since="2026-11-02")
    with pytest.raises(RuleViolated, match="第五十四条"):
        story.do(INVESTIGATOR, "finish_investigation")
    story.at("2026-11-13").do(INVESTIGATOR, receive, report="1号", ended_on="2026-11-13")

    assert (ordinary, story.last_day("decision")) == ("2027-02-01", "2027-02-10")
    with pytest.raises(RuleViolated, match="已委托的"):
        story.do(INVESTIGATOR, receive, report="1号", ended_on="2026-11-13")


def test_the_term_of_the_decision_is_extended_by_the_leader_and_then_by_all():
    """+30 and +30, in this order, the second one by at least three leaders."""
    story = Story().until("file_case")
    with pytest.raises(RuleViolated, match="须先经负责人批准"):
        story.do(LEADER, "extend_decision_again", "复杂", participants="张某、李某、王某")
    story.do(LEADER, "extend_decision", "案情复杂")
    with pytest.raises(RuleViolated, match="至少3名"):
        story.do(LEADER, "extend_decision_again", "复杂", participants="张某、李某、张某")
    story.do(LEADER, "extend_decision_again", "特别复杂", participants="张某、李某、王某")

    assert story.last_day("decision") == "2027-04-01"


def test_a_fine_is_paid_by_instalments():
    """PL art 66: the term of payment is the plan's; missing it is being late."""
    story = Story().until("decision_served")
    plan = {"until": "2026-12-31", "plan": "两期"}
    story.do(LEADER, "approve_instalment", "经营困难", **plan)
    assert story.last_day("pay") == "2026-12-31"

    story.end("pay")

    assert story.matter.state == "overdue"
    assert {"court_window", "demand_serve", "demand_announce"} <= story.open


def test_a_plan_beyond_the_suit_period_moves_the_court_term():
    """PL art 72(2): the three months run from the end of the plan."""
    story = Story().until("decision_served").end("pay")
    plan = {"until": "2027-06-30", "plan": "六期"}
    story.do(LEADER, "approve_instalment", "经营困难", **plan)
    assert story.matter.state == "instalment"
    story.end("reconsider").end("lawsuit")
    assert story.matter.state == "instalment_late"
    assert "court_enforce" not in story.open

    story.end("instalment_end")

    assert story.matter.state == "enforceable"
    assert story.last_day("court_enforce") == "2027-09-30"


def test_a_plan_may_still_be_given_when_the_court_could_be_asked():
    """The term for the court starts again after the plan."""
    story = paid_late(Story(), "pay", "reconsider", "lawsuit")
    plan = {"until": "2027-08-31", "plan": "三期"}
    story.do(LEADER, "approve_instalment", "经营困难", **plan)
    assert "court_enforce" not in story.open

    story.end("instalment_end")

    assert story.last_day("court_enforce") == "2027-11-30"


def test_an_upheld_reconsideration_leaves_fifteen_days_to_sue():
    """ALL art 45; then three months for the court, with the demand's days computed anew."""
    story = Story().until("decision_served")
    story.do(INVESTIGATOR, "file_remedy", route="reconsideration", filed_on="2026-11-03")
    assert story.matter.state == "in_remedy"
    assert not {"reconsider", "lawsuit"} & story.open
    story.at("2027-01-15")
    result = {"result": "reconsideration_upheld", "ended_on": "2027-01-15", "document": "1"}
    story.do(INVESTIGATOR, "remedy_result", **result)
    assert story.last_day("review_suit") == "2027-02-01"

    story.end("pay").end("review_suit")

    assert story.matter.state == "enforceable"
    assert {"court_enforce", "demand_serve", "demand_announce", "demand_issue"} <= story.open


def test_a_judgment_is_enforced_by_its_own_term():
    """After the suit was lost the three months of the Coercion Law are not asked for."""
    story = Story().until("decision_served")
    story.do(INVESTIGATOR, "file_remedy", filed_on="2026-11-03")
    story.end("pay").at("2027-06-01")
    result = {"result": "lawsuit_upheld", "ended_on": "2027-06-01", "document": "1"}
    story.do(INVESTIGATOR, "remedy_result", **result)
    story.do(LEADER, "issue_demand")
    story.do(SYSTEM, "demand_served", served_on="2027-06-01")
    story.end("demand").at("2027-06-18")

    assert story.do(LEADER, "apply_court", applied_on="2027-06-18").matter.state == "court"


def test_a_revoked_decision_is_withdrawn_from_the_public_in_three_days():
    """PL art 48(2); the case may be investigated again or closed."""
    story = Story().until("decision_served")
    story.do(INVESTIGATOR, "publish_decision")
    story.do(INVESTIGATOR, "file_remedy", filed_on="2026-11-03")
    result = {"result": "revoked", "ended_on": "2026-11-03", "document": "1"}
    with pytest.raises(RuleViolated, match=r"第四十八条.*公开情况：是"):
        story.do(INVESTIGATOR, "remedy_result", published="no", **result)
    story.do(INVESTIGATOR, "remedy_result", published="yes", **result)
    assert (story.matter.state, story.last_day("withdraw_publication")) == ("revoked", "2026-11-06")
    with pytest.raises(RuleViolated, match="撤回公开信息"):
        story.do(LEADER, "close_case")
    story.do(INVESTIGATOR, "withdraw_published", "判决撤销", withdrawn_on="2026-11-03")

    assert story.do(LEADER, "close_case").matter.state == "closed"


def test_a_withdrawn_suit_goes_on_with_the_first_suit_period():
    """The old term, counted from the service of the decision."""
    story = Story().until("decision_served")
    story.do(PLANT, "file_remedy", filed_on="2026-11-03")
    result = {"result": "withdrawn", "ended_on": "2026-11-03", "document": "1"}
    with pytest.raises(RuleViolated, match="送达日期2026-11-03"):
        story.do(INVESTIGATOR, "remedy_result", served_on="2026-11-02", **result)
    story.do(INVESTIGATOR, "remedy_result", served_on="2026-11-03", **result)
    assert story.last_day("lawsuit") == "2027-05-03"

    story.end("pay").end("lawsuit")

    assert story.matter.state == "enforceable"


def test_the_office_withdraws_its_own_decision():
    """PL art 75(2): nothing runs against the plant any more."""
    story = Story().until("decision_served")

    gone = {"document": "撤1", "decided_on": "2026-11-03", "published": "no"}
    story.do(LEADER, "withdraw_decision", "认定事实有误", **gone)

    assert (story.matter.state, story.open) == ("revoked", set())
    assert story.do(LEADER, "return_investigation", "重新调查").matter.state == "investigating"


def test_a_closed_case_opens_again_when_its_decision_falls():
    """The right to sue outlives the payment: a judgment months later brings the case back."""
    story = Story().until("close_case").at("2027-03-01")
    story.do(PLANT, "file_remedy", filed_on="2027-03-01")
    result = {"result": "revoked", "ended_on": "2027-03-01", "document": "1", "published": "yes"}

    story.do(INVESTIGATOR, "remedy_result", **result)

    assert (story.matter.state, story.matter.closed_at) == ("revoked", None)
    assert story.open == {"withdraw_publication", "file_archive"}


@pytest.mark.parametrize(
    ("result", "state"),
    [
        ("executed", "fulfilled"),
        ("partly", "court"),
        ("ended", "fulfilled"),
        ("refused", "unenforceable"),
    ],
)
def test_what_the_court_answers(result: str, state: str):
    """Executed, in part, ended, refused."""
    story = paid_late(Story(), "pay", "reconsider", "lawsuit")
    story.do(LEADER, "issue_demand")
    story.do(SYSTEM, "demand_served", served_on=str(story.now.astimezone(BEIJING).date()))
    story.end("demand")
    today = str(story.now.astimezone(BEIJING).date())
    story.do(LEADER, "apply_court", applied_on=today)

    fields = {"result": result, "ended_on": today, "document": "裁1"}
    amount = {} if result == "refused" else {"amount": "1000"}
    story.do(INVESTIGATOR, "court_result", **fields, **amount)

    assert story.matter.state == state


def test_the_police_give_a_case_back_after_it_was_filed():
    """2017-17 art 16: not prosecuted, so the office decides; its term runs again."""
    story = Story().until("review_legal")
    report = {"officer_2": "o-2", "charge": "338", "report": "x"}
    story.do(INVESTIGATOR, "request_referral", **report)
    story.do(LEADER, "approve_referral")
    story.do(SYSTEM, "hand_over")
    story.do(SYSTEM, "police_file")
    story.at("2026-12-02")

    ended = {"criminal_result": "not_prosecuted", "document": "1", "ended_on": "2026-12-02"}
    story.do(INVESTIGATOR, "criminal_ended", **ended)

    assert story.last_day("decision") == "2027-03-01"
    assert story.do(INVESTIGATOR, "propose_penalty").matter.state == "proposed"


@pytest.mark.parametrize(
    ("who", "act", "fields", "state"),
    [
        (LEADER, "accept_report", {"source": "handed_over"}, "clue"),
        (PARTNER, "accept_report", {"source": "media"}, "clue"),
        (INVESTIGATOR, "find_on_inspection", {"officer_2": "o-2", "record": "笔录"}, "verified"),
        (SYSTEM, "open_from_inspection", {}, "verified"),
    ],
)
def test_a_case_is_opened_by_hand(who, act: str, fields: dict[str, str], state: str):
    """Reports are verified first; an inspection by two officers goes to the filing."""
    story = Story()
    story.matter = replace(story.matter, rows=())
    given = {} if act == "open_from_inspection" else {"found_on": "2026-10-30", "facts": "x"}

    story.do(who, act, **given, **fields)

    assert (story.matter.state, story.matter.confidential) == (state, True)
    assert story.matter.open_clock("filing")


def wengniute() -> Story:
    """The brick kiln of 2021 with the real days of the published notice."""
    story = Story().at("2020-12-01")
    story.matter = replace(story.matter, rows=(), opened_at=story.now)
    day = "2020-12-01"
    story.do(LEADER, "accept_report", source="complaint", found_on=day, facts="x")
    story.do(INVESTIGATOR, "verify", visited_on=day)
    story.do(LEADER, "file_case")
    built = {"violation": "built_without_treatment"}
    story.do(INVESTIGATOR, "finish_investigation", party_told_on=day, electronic="no", **built)
    story.do(INVESTIGATOR, "propose_penalty", act_date="2020-11-20", **built)
    story.do(REVIEWER, "review_case")
    story.do(LEADER, "issue_notice")
    story.at("2020-12-10")
    for paper in ("penalty_notice", "hearing_rights_notice"):
        story.do(SYSTEM, f"{paper}_served", served_on="2020-12-10")
    story.end("statement").end("hearing_request")
    story.do(REVIEWER, "review_defence")
    story.at("2021-01-20").do(LEADER, "decide")
    return story.at("2021-04-12").do_served("2021-04-10")


def test_the_wengniute_chain_comes_out_exactly():
    """vectors.json: each day, and each refusal with its article and what is missing."""
    story = wengniute()
    assert story.last_day("pay") == "2021-04-25"
    assert story.last_day("reconsider") == "2021-06-09"
    assert story.last_day("lawsuit") == "2021-10-11"
    story.end("pay")
    assert story.last_day("court_window") == "2022-01-11"
    story.end("reconsider")
    with pytest.raises(RuleViolated, match="状态下不能办理"):
        story.do(LEADER, "apply_court", applied_on="2021-10-08")
    story.end("lawsuit")
    assert story.last_day("court_enforce") == "2022-01-11"
    with pytest.raises(RuleViolated, match=r"第五十四条.*催告书送达当事人"):
        story.at("2021-10-20").do(LEADER, "apply_court", applied_on="2021-10-20")
    story.at("2021-10-22").do(LEADER, "issue_demand", perform_by="2021-11-05")
    story.at("2021-10-27").do(SYSTEM, "service_announced", announced_on="2021-10-27")
    story.at("2021-12-27").do(SYSTEM, "demand_served", served_on="2021-12-26")
    assert story.last_day("demand") == "2022-01-10"
    with pytest.raises(RuleViolated, match=r"第五十四条.*至2022-01-10"):
        story.at("2022-01-10").do(LEADER, "apply_court", applied_on="2022-01-10")
    story.end("demand")
    with pytest.raises(RuleViolated, match="不得晚于今天"):
        story.at("2022-01-11").do(LEADER, "apply_court", applied_on="2022-01-12")

    story.do(LEADER, "apply_court", applied_on="2022-01-11")

    assert story.matter.state == "court"
    (term,) = (one for one in story.matter.clocks if one.key == "court_enforce")
    assert term.state is ClockState.SATISFIED


def test_one_day_later_the_right_to_ask_the_court_is_lost():
    """12 January 2022: refused with art 53; but an application of the 11th may be recorded."""
    story = wengniute().end("pay").end("reconsider").end("lawsuit")
    story.at("2021-12-27").do(LEADER, "issue_demand")
    story.do(SYSTEM, "demand_served", served_on="2021-12-26")
    story.end("demand").end("court_enforce")
    assert story.matter.state == "unenforceable"
    story.at("2022-01-12")

    with pytest.raises(RuleViolated, match=r"第五十三条.*已于2022-01-11届满"):
        story.do(LEADER, "apply_court", applied_on="2022-01-12")

    assert story.do(LEADER, "apply_court", applied_on="2022-01-11").matter.state == "court"


def test_the_warning_of_the_demand_comes_months_before_the_court_term():
    """On the first day of being late the last days for service and announcement are known."""
    story = wengniute().end("pay")

    assert story.now.astimezone(BEIJING).date() == dt.date(2021, 4, 26)
    assert story.last_day("demand_serve") == "2021-12-24"
    assert story.last_day("demand_announce") == "2021-11-24"
    (clock,) = (one for one in story.matter.clocks if one.key == "demand_serve")
    assert any("强制法" in line.zh or "催告书" in line.zh for line in clock.derivation)

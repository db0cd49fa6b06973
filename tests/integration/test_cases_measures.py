"""Measures below a case on a real PostgreSQL: corrections, seizures, limits, kept evidence."""

import datetime as dt
from dataclasses import replace

import pytest

from services.cases import paper_store, store
from services.cases.app import handle_due
from services.cases.app.act_on_matter import doer_of
from services.cases.app.attach_file import attach_file
from services.cases.app.attempts import attempt_of
from services.cases.app.handle_clue import handle_clue
from services.cases.attachment_spool import Spool
from services.cases.domain import history
from services.cases.domain.attachments import Handed
from services.cases.domain.gates import GATES
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import ClockState, Kind, Matter
from services.chassis.clock import BEIJING
from services.chassis.errors import NotFound, RuleViolated
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from tests.integration.cases_rig import (
    FINDINGS,
    FOUR,
    LEADER,
    LEGAL,
    LI,
    MANAGER,
    TECHNICAL,
    VISIT,
    WANG,
    ZHAO,
    bottle,
    region,
)

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))
NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)
ORDER = {
    "officer_2": "o-li",
    "violation": "evade_supervision",
    "recognised": "on_the_spot",
    "party_address": "示范市示范路1号",
    "party_head": "张某",
    "facts": "采样管插入样品瓶，现场照片12张",
    "clauses": "生态环境法典第一百六十四条、第一千一百零八条",
    "demand": "立即停止违法排放污染物行为",
    "daily": "yes",
    "daily_kind": "evade",
    "daily_warning": "yes",
    "remedies": "六十日内申请行政复议，六个月内提起行政诉讼",
    "ordered_on": "2026-11-02",
}
AGAIN = {name: text for name, text in ORDER.items() if name not in {"violation", "daily_kind"}}
PROPOSAL = {
    "officer_2": "o-li",
    "act_date": "2026-11-01",
    "harm": "no",
    "violation": "evade_supervision",
    "facts": "采样管插入样品瓶",
    "evidence": "现场照片12张，笔录2份",
    "outcome": "penalty",
    "other_measures": "none",
    "discretion": "按裁量表38%",
    "complex": "yes",
    "public_interest": "no",
}
REVIEWED = (
    "facts_clear", "evidence_sufficient", "law_right", "procedure_lawful", "discretion_right",
)  # fmt: skip
SEIZE = {
    "officer_2": "o-li",
    "ground": "evade",
    "targets": "旁路阀门一台",
    "place": "原址",
    "facts": "通过旁路排放",
    "utility": "no",
    "on_the_spot": "yes",
    "taken_at": "2026-11-02T09:00:00+08:00",
    "manager_present": "no",
    "manager_note": "负责人外出，门卫李某见证",
    "record": "现场笔录1份",
    "list": "旁路阀门DN200一台",
}
KEEP = {
    "officer_2": "o-li",
    "why": "样品瓶可能被销毁",
    "items": "样品瓶1个",
    "place": "本局物证室",
    "keeper": "封存，o-wang保管",
    "on_the_spot": "yes",
    "taken_at": "2026-11-02T09:00:00+08:00",
    "signed": "张某签名",
}
LIMIT = {
    "officer_2": "o-li",
    "measure": "limit",
    "limit_ground": "exceed",
    "facts": "二氧化硫超标0.8倍",
    "clauses": "生态环境法典第一千一百零七条",
    "content": "日产量限制在核定产能的50%以内",
    "utility": "no",
}
COMPLETION = {
    "monitoring_report": "冀环监字2026第8号，达标",
    "power_before": "120000",
    "power_after": "61000",
    "water_before": "3000",
    "water_after": "1600",
    "product": "蒸汽（吨）",
    "output_before": "9000",
    "output_after": "4400",
    "period": "2026-10-01至2026-12-01",
    "published_on": "2026-12-01",
}


@pytest.fixture
def place(migrated_db):
    """A region with a case that was verified on the spot and filed."""
    with region(migrated_db("cases"), NOW) as fresh:
        fresh.run(handle_clue, bottle(NOW))
        case = fresh.only()
        fresh.act(WANG, case, "verify", **VISIT)
        fresh.act(LEADER, case, "file_case", **FOUR)
        yield fresh


def case_of(place) -> Matter:
    """The case."""
    return next(one for one in place.matters() if one.kind is Kind.CASE)


def newest(place, kind: Kind) -> Matter:
    """The matter of a kind that was opened last."""
    return max((one for one in place.matters() if one.kind is kind), key=lambda one: one.opened_at)


def again(place, matter: Matter) -> Matter:
    """The matter as it is now."""
    with place.database.transaction() as session:
        return store.load(session, matter.matter_id)


def opened(place, act: str, kind: Kind, /, **fields: str) -> Matter:
    """A measure that Wang took in the case."""
    place.act(WANG, case_of(place), act, **fields)
    return newest(place, kind)


def serve(place, matter: Matter, paper: str, on: dt.date | None = None) -> Matter:
    """Hand a paper of the matter over, on the region's present day; the matter afterwards."""
    for one in place.matters():
        opening = one.opening()
        mine = one.kind is Kind.SERVICE and one.parent_matter_id == matter.matter_id
        if mine and one.closed_at is None and opening.fields["paper"] == paper:
            day = (on or place.now.astimezone(BEIJING).date()).isoformat()
            fields = {"served_on": day, "receiver": "张某", "capacity": "legal_representative"}
            place.act(WANG, one, "serve_by_hand", officer_2="o-li", **fields)
            return again(place, matter)
    raise AssertionError(f"no service of {paper}")


def pass_to(place, day: str, hour: int = 10) -> None:
    """Let the time pass to that day."""
    place.now = dt.datetime.fromisoformat(day).replace(hour=hour, tzinfo=BEIJING)


def attach(place, who, matter: Matter, purpose: str) -> None:
    """Hand a photo in on the matter."""
    handed = Handed(matter.matter_id, f"{purpose}.jpg", purpose)
    with Spool(10_000) as spool:
        spool.add(JPEG)
        with place.database.transaction() as session:
            attach_file(session, who, handed, spool.received(b""), place.now)


def run_out(place, matter: Matter, key: str) -> Matter:
    """What the due row of a clock does at its time."""
    clock = again(place, matter).open_clock(key)
    place.now = max(place.now, clock.due_at)
    payload = {
        "matter_id": matter.matter_id,
        "clock_id": clock.clock_id,
        "schedule": clock.schedule,
    }
    place.run(handle_due.breach, payload)
    return again(place, matter)


def ended(matter: Matter) -> dict[str, ClockState]:
    """How each clock of the matter stands."""
    return {clock.key: clock.state for clock in matter.clocks}


def told(place, template: str) -> set[str]:
    """Kinds of recipients of a template."""
    notices = [one for one in place.sent(pb.NoticeRequested) if one.template == template]
    return {f"{r.kind}:{r.key}:{r.role}".rstrip(":") for one in notices for r in one.recipients}


def test_an_order_is_served_rechecked_and_served_again(place):
    """Refused: the case hears of it, a new order and a new 30-day recheck follow (art 13, 14)."""
    order = opened(place, "order_rectification", Kind.RECTIFICATION, **ORDER)
    assert (order.state, order.confidential) == ("ordered", True)
    order = serve(place, order, "rectification_order")

    recheck = order.open_clock("recheck")
    assert (order.state, order.confidential) == ("waiting", False)
    assert (recheck.statutory, recheck.due_at) == (True, dt.datetime(2026, 12, 3, tzinfo=BEIJING))
    assert case_of(place).confidential
    with pytest.raises(RuleViolated, match="第十七条：送达"):
        place.act(WANG, order, "recheck", officer_2="o-li", rechecked_on="2026-11-02",
                  covert="yes", result="refused", record="笔录9")  # fmt: skip

    pass_to(place, "2026-11-20")
    order = place.act(WANG, order, "recheck", officer_2="o-li", rechecked_on="2026-11-20",
                      covert="yes", result="refused", record="笔录9")  # fmt: skip
    assert order.state == "refused"
    assert order.clocks[-1].state is ClockState.SATISFIED
    assert case_of(place).last("recheck_refused").fields["rechecked_on"] == "2026-11-20"
    assert told(place, "recheck_refused") == {"division:130402:leader"}

    order = place.act(WANG, order, "order_again", **AGAIN | {"ordered_on": "2026-11-20"})
    order = serve(place, order, "rectification_order")
    assert order.open_clock("recheck").due_at == dt.datetime(2026, 12, 22, tzinfo=BEIJING)
    assert history.first_break(order.matter_id, order.events) is None


def test_an_order_whose_service_was_revoked_is_served_anew(place):
    """A second order with a number of its own; the recheck counts from the service that holds."""
    order = opened(place, "order_rectification", Kind.RECTIFICATION, **ORDER)
    with pytest.raises(RuleViolated, match="已撤销或者被确认无效"):
        place.act(WANG, order, "serve_anew", "拒收", paper="rectification_order")
    place.act(LEADER, newest(place, Kind.SERVICE), "revoke", "文书有误")

    order = place.act(WANG, order, "serve_anew", "拒收", paper="rectification_order")
    pass_to(place, "2026-11-04")
    order = serve(place, order, "rectification_order")

    assert len({one.number for one in papers_of(place, order)}) == 2
    assert order.open_clock("recheck").started_at == dt.datetime(2026, 11, 4, tzinfo=BEIJING)


def test_an_order_that_lacks_contents_is_refused_with_each_of_them(place):
    """Art 9: the refusal names the article and every content that is missing."""
    lacking = {**ORDER, "clauses": "", "daily_warning": "no"}

    with pytest.raises(RuleViolated) as caught:
        place.act(WANG, case_of(place), "order_rectification", **lacking)

    assert "第九条" in caught.value.facts["article"]
    assert "第三项" in str(caught.value)
    assert "第五项" in str(caught.value)


def test_the_plant_reports_its_correction_and_another_person_closes_out(place):
    """复查前报告 needs proof; corrected is closed by a second person, with proof of afterwards."""
    order = opened(place, "order_rectification", Kind.RECTIFICATION, **ORDER)
    with pytest.raises(NotFound):
        place.act(MANAGER, order, "report_correction", measures="x", corrected_on="2026-11-03")
    order = serve(place, order, "rectification_order")
    pass_to(place, "2026-11-05")
    with pytest.raises(RuleViolated, match="第十一条：附件"):
        place.act(MANAGER, order, "report_correction", measures="x", corrected_on="2026-11-03")

    for purpose in ("before", "after"):
        attach(place, MANAGER, order, purpose)
    order = place.act(MANAGER, order, "report_correction", measures="x", corrected_on="2026-11-03")
    assert order.state == "reported"

    order = place.act(WANG, order, "recheck", officer_2="o-li", rechecked_on="2026-11-05",
                      covert="yes", result="corrected", record="笔录9")  # fmt: skip

    assert order.state == "corrected"
    for who in (WANG, LI):
        with pytest.raises(RuleViolated):
            place.act(who, order, "close_out", opinion="属实")
    order = place.act(ZHAO, order, "close_out", opinion="属实")
    assert (order.state, case_of(place).last("rectified") is not None) == ("closed", True)


def fined(place, amount: str) -> None:
    """The case walks to its decision on a fine; the plant waives its rights."""
    case, today = case_of(place), place.now.astimezone(BEIJING).date().isoformat()
    place.act(WANG, case, "finish_investigation", **FINDINGS, electronic="yes")
    place.act(ZHAO, case, "review_technical", **TECHNICAL)
    place.act(LEADER, case, "review_legal", **LEGAL)
    place.act(WANG, case, "propose_penalty", **PROPOSAL, amount=amount)
    place.act(ZHAO, case, "review_case", opinion="同意", **dict.fromkeys(REVIEWED, "yes"))
    place.act(LEADER, case, "issue_notice", amount=amount, other_measures="none", hearing="yes")
    place.now += dt.timedelta(days=1)
    serve(place, case, "penalty_notice")
    serve(place, case, "hearing_rights_notice")
    place.act(MANAGER, case, "waive", statement_of="放弃")
    place.act(ZHAO, case, "review_defence", result="none", opinion="未提出")
    place.act(ZHAO, case, "review_decision", qualified="yes", passed="yes", opinion="同意")
    place.act(LEADER, case, "discuss", held_on=today, participants="丁某、戊某、己某",
              opinions="一致同意", conclusion="agree")  # fmt: skip
    place.act(LEADER, case, "decide", outcome="penalty", amount=amount, other_measures="none",
              facts="采样管插入样品瓶", defence_answer="未提出")  # fmt: skip


def refuse_again(place, order: Matter, day: str) -> Matter:
    """The recheck of that day finds the act going on; the new order is served on the same day."""
    pass_to(place, day)
    place.act(WANG, order, "recheck", officer_2="o-li", rechecked_on=day, covert="yes",
              result="refused", record="笔录")  # fmt: skip
    place.act(WANG, order, "order_again", **AGAIN | {"ordered_on": day})
    return serve(place, order, "rectification_order")


def test_a_daily_penalty_adds_up_two_rounds_and_the_order_is_closed_out(place):
    """Order, two refused rechecks, 20 days at 385,000; paid, corrected, closed (art 12-19)."""
    order = opened(place, "order_rectification", Kind.RECTIFICATION, **ORDER)
    order = serve(place, order, "rectification_order")
    claim = {"officer_2": "o-li", "daily_facts": "两次复查仍在排放", "daily_clauses": "法典1060条"}
    whole = {"through": "2026-11-22", "days": "20", "original": "385000", "amount": "7700000"}
    order = refuse_again(place, order, "2026-11-12")
    early = whole | {"through": "2026-11-12"}
    with pytest.raises(RuleViolated, match="已作出罚款的行政处罚决定"):
        place.act(WANG, order, "propose_daily_penalty", **claim, **early)
    fined(place, "385000")
    order = refuse_again(place, order, "2026-11-22")
    with pytest.raises(RuleViolated, match="计罚日数 20 日、总额 7700000 元"):
        place.act(WANG, order, "propose_daily_penalty", **claim, **whole | {"days": "21"})

    place.act(WANG, order, "propose_daily_penalty", **claim, **whole)
    with pytest.raises(RuleViolated, match="尚未按日处罚"):
        place.act(WANG, order, "propose_daily_penalty", **claim, **whole)
    daily = newest(place, Kind.RECTIFICATION)
    serve(place, daily, "daily_penalty_notice")
    daily = serve(place, daily, "hearing_rights_notice")
    assert (daily.state, daily.parent_matter_id) == ("d_defence", order.matter_id)
    with pytest.raises(RuleViolated, match="期限届满"):
        place.act(ZHAO, daily, "close_defence", review_opinion="未提出")
    place.act(MANAGER, daily, "waive_rights")
    with pytest.raises(RuleViolated):
        place.act(LI, daily, "review_legal", review="agree", review_opinion="同意")
    place.act(ZHAO, daily, "review_legal", review="agree", review_opinion="同意")
    place.act(LEADER, daily, "discuss_daily", discussed_on="2026-11-22",
              participants="丁某、戊某、己某", conclusion="同意")  # fmt: skip
    decide = {"outcome": "penalty", "decided_on": "2026-11-22", "grounds": "拒不改正"}
    with pytest.raises(RuleViolated, match="不超过告知的 20 日"):
        place.act(LEADER, daily, "decide_daily", days="21", amount="8085000", **decide)
    place.act(LEADER, daily, "decide_daily", days="20", amount="7700000", **decide)
    daily = serve(place, daily, "daily_penalty_decision")
    assert daily.open_clock("pay").due_at == dt.datetime(2026, 12, 8, tzinfo=BEIJING)
    assert case_of(place).last("daily_penalty_decided").fields["amount"] == "7700000"
    assert {one.template for one in papers_of(place, daily)} == {
        "daily_penalty_notice", "hearing_rights_notice", "daily_penalty_decision",
    }  # fmt: skip

    pass_to(place, "2026-11-30")
    place.act(WANG, order, "recheck", officer_2="o-li", rechecked_on="2026-11-30", covert="yes",
              result="corrected", record="笔录")  # fmt: skip
    attach(place, WANG, order, "after")
    order = place.act(ZHAO, order, "close_out", opinion="属实")
    paid = {"paid_on": "2026-11-30", "receipt": "票据1"}
    with pytest.raises(RuleViolated, match="尚欠 1 元"):
        place.act(WANG, daily, "daily_payment", sum="7699999", paid="full", **paid)
    place.act(WANG, daily, "daily_payment", sum="7700000", paid="full", **paid)
    daily = place.act(LEADER, daily, "close_daily")
    assert (order.state, daily.state) == ("closed", "d_closed")
    assert not any(clock.open for clock in (*order.clocks, *daily.clocks))
    for matter in place.matters():
        assert history.first_break(matter.matter_id, matter.events) is None


def papers_of(place, matter: Matter):
    """Papers of a matter."""
    with place.database.transaction() as session:
        return paper_store.papers(session, matter.matter_id)


def test_a_seizure_whose_approval_was_missed_must_be_lifted(place):
    """24 hours without approval: only lifting is left, leaders are told, the case waits for it."""
    seizure = opened(place, "seize", Kind.SEIZURE, **SEIZE)
    urgent = seizure.open_clock("seal_urgent")
    assert urgent.due_at == dt.datetime(2026, 11, 3, 9, tzinfo=BEIJING)
    serve(place, seizure, "seizure_decision")

    seizure = run_out(place, seizure, "seal_urgent")

    assert seizure.state == "must_lift"
    assert "division:130402:leader" in told(place, "measure_lift")
    assert case_of(place).last("seizure_must_end")
    with pytest.raises(RuleViolated):
        place.act(LEADER, seizure, "approve_afterwards")
    with pytest.raises(RuleViolated, match="解除理由"):
        place.act(LEADER, seizure, "release", ground="corrected", findings="已查")

    place.act(LEADER, seizure, "release", ground="unapproved", findings="未在期限内批准")
    seizure = serve(place, seizure, "seizure_release")
    assert seizure.state == "released"
    assert case_of(place).last("seizure_over")
    assert ended(seizure) == {
        "seal_urgent": ClockState.BREACHED,
        "seal": ClockState.SATISFIED,
        "seal_release_service": ClockState.SATISFIED,
    }


def test_a_seizure_pauses_for_a_test_and_ends_at_its_maximum(place):
    """检测期间不计入; at the end of the term the system says it must be lifted, nobody extends."""
    seizure = opened(place, "seize", Kind.SEIZURE, **SEIZE)
    serve(place, seizure, "seizure_decision")
    seizure = place.act(LEADER, seizure, "approve_afterwards")
    end = seizure.open_clock("seal").due_at
    pass_to(place, "2026-11-10")
    place.act(WANG, seizure, "send_to_test", what="阀门", body="检测站", sent_on="2026-11-10",
              told_party="yes")  # fmt: skip
    pass_to(place, "2026-11-15")
    seizure = place.act(WANG, seizure, "test_back", back_on="2026-11-15", result="已改装")
    assert seizure.open_clock("seal").due_at > end
    place.act(MANAGER, seizure, "apply_release", correction="已拆除旁路")
    seizure = place.act(LEADER, seizure, "answer_application", answer="keep", findings="未拆除")
    assert seizure.state == "in_force"

    seizure = run_out(place, seizure, "seal")

    assert seizure.state == "expired"
    with pytest.raises(RuleViolated):
        place.act(LEADER, seizure, "extend_seizure", "复杂", told_party_on="2026-11-20")
    place.act(LEADER, seizure, "release", ground="expired", findings="期限届满")
    assert serve(place, seizure, "seizure_release").state == "released"


def test_a_limit_of_production_ends_by_filing_and_is_followed_up(place):
    """Notice first, decision, plan, completion with comparison: the measure ends by itself."""
    limit = opened(place, "restrict", Kind.RESTRICTION, **LIMIT)
    limit = serve(place, limit, "penalty_notice")
    with pytest.raises(RuleViolated, match="期限届满"):
        place.act(WANG, limit, "close_defence", review_opinion="未提出")
    limit = run_out(place, limit, "statement")
    limit = place.act(WANG, limit, "close_defence", review_opinion="未提出")
    day = place.now.astimezone(BEIJING).date().isoformat()
    decide = {"decided_on": day, "content": "限产50%", "reply": "未提出"}
    with pytest.raises(RuleViolated, match="重于"):
        place.act(LEADER, limit, "decide_restriction", measure="stop", **decide)
    limit = place.act(LEADER, limit, "decide_restriction", measure="limit", **decide)
    assert limit.open_clock("limit_length")
    limit = serve(place, limit, "restriction_decision")
    assert limit.open_clock("rectify_plan").bound == "enterprise"
    place.act(MANAGER, limit, "file_plan", measures="换泵", progress="两周", funds="20万元",
              responsible="厂长", published_on=day, where="官网")  # fmt: skip
    pass_to(place, "2026-12-02")
    place.act(MANAGER, limit, "declare_finished", finished_on="2026-12-01")
    with pytest.raises(RuleViolated, match="附件"):
        place.act(MANAGER, limit, "file_completion", **COMPLETION)
    attach(place, MANAGER, limit, "proof")
    with pytest.raises(RuleViolated, match="不小于零"):
        place.act(MANAGER, limit, "file_completion", **COMPLETION | {"power_after": "-1"})

    limit = place.act(MANAGER, limit, "file_completion", **COMPLETION)

    assert limit.state == "lifted"
    assert [clock.key for clock in limit.clocks if clock.open] == ["followup"]
    assert case_of(place).last("restriction_lifted")
    check = {"officer_2": "o-li", "checked_on": "2026-12-02", "record": "笔录12"}
    with pytest.raises(RuleViolated, match="第四条"):
        place.act(WANG, limit, "follow_up", result="found_again", **check)
    place.act(WANG, limit, "publish_measure", published_on="2026-12-02", where="官网")
    limit = place.act(WANG, limit, "follow_up", result="found_again", **check)
    assert (limit.state, case_of(place).last("followed_up").fields["result"]) == (
        "found_again", "found_again",
    )  # fmt: skip


def test_evidence_that_nobody_decides_on_is_freed_by_itself(place):
    """7 working days over: the measure lapses, and only the return is left (order 30 art 33)."""
    kept = opened(place, "preserve_evidence", Kind.PRESERVATION, **KEEP)
    serve(place, kept, "preservation_notice")
    kept = place.act(LEADER, kept, "approve_afterwards")
    assert kept.open_clock("prior_registration").due_at == dt.datetime(2026, 11, 12, tzinfo=BEIJING)
    place.now = kept.open_clock("prior_registration").due_at
    with pytest.raises(RuleViolated, match="第五十六条"):
        place.act(LEADER, kept, "decide_handling", handling="returned", grounds="无需")

    kept = run_out(place, kept, "prior_registration")

    assert kept.state == "lapsed"
    assert case_of(place).last("preservation_must_end")
    kept = place.act(WANG, kept, "return_things", done_on="2026-11-12", receipt="张某签收")
    assert (kept.state, ended(kept)["prior_registration"]) == ("closed", ClockState.BREACHED)


def test_a_detention_transfer_waits_for_the_penalty_and_the_whole_dossier(place):
    """移送材料 lacks the decision: the refusal names it; the leader's approval starts 3 days."""
    fields = {
        "officer_2": "o-li",
        "ground": "evade",
        "persons": "张某（厂长）",
        "facts": "旁路排放",
    }
    matter = opened(place, "transfer_detention", Kind.DETENTION, **fields)
    matter = place.act(LEADER, matter, "approve")
    assert matter.open_clock("detain_transfer").due_at == dt.datetime(2026, 11, 6, tzinfo=BEIJING)
    whole = dict.fromkeys(("material_list", "report", "evidence", "item_list"), "yes")
    send = {"sent_on": "2026-11-02", "police": "示范县公安局", "contact": "王某", **whole}

    with pytest.raises(RuleViolated, match="行政处罚决定书"):
        place.act(WANG, matter, "send", penalty_decision="no", **send)
    with pytest.raises(RuleViolated, match="已作出行政处罚决定"):
        place.act(WANG, matter, "send", penalty_decision="yes", **send)


def test_nobody_approves_his_own_measure_and_an_open_one_is_named(place):
    """四眼: who proposed is no approver; what is still open below the case is named."""
    seizure = opened(place, "seize", Kind.SEIZURE, **SEIZE)
    promoted = replace(LEADER, user_id="o-li", officer_id="o-li")

    with pytest.raises(RuleViolated):
        place.act(promoted, seizure, "approve_afterwards")
    with place.database.transaction() as session:
        case = store.load(session, case_of(place).matter_id)
        asked = attempt_of(session, case, doer_of(LEADER), NOW)
    gate = Gate("nothing_open_below", "办法", {})

    assert GATES[gate.name](gate, asked) == f"办结下级事项：{seizure.number}（{seizure.title}）"

"""Measures below a case on a real PostgreSQL: seizures, limits, kept evidence, detention."""

import datetime as dt
from dataclasses import replace

import pytest

from services.cases import store
from services.cases.app.act_on_matter import doer_of
from services.cases.app.attempts import attempt_of
from services.cases.domain.gates import GATES
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import ClockState, Kind
from services.chassis.clock import BEIJING
from services.chassis.errors import RuleViolated
from tests.integration.cases_rig import LEADER, MANAGER, WANG
from tests.integration.measures_rig import (
    COMPLETION,
    KEEP,
    LIMIT,
    NOW,
    SEIZE,
    attach,
    case_of,
    ended,
    filed,
    opened,
    pass_to,
    run_out,
    serve,
    told,
)


@pytest.fixture
def place(migrated_db):
    """A region with a case that was verified on the spot and filed."""
    with filed(migrated_db("cases")) as fresh:
        yield fresh


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
    report = {
        "reported_on": "2026-12-02",
        "report_number": "示环〔2026〕9号",
        "government": "县政府",
    }
    place.act(LEADER, limit, "report_closure", "再犯", closure_ground="again", **report)
    assert case_of(place).last("closure_reported")


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

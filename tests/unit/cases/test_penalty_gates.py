"""Gates of the penalty procedure: each lets the right act pass and refuses the wrong one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.cases.domain.gates import GATES
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import SYSTEM, Kind
from services.cases.domain.priors import Prior
from services.chassis.errors import RuleViolated
from tests.unit.cases.penalty_story import (
    INVESTIGATOR,
    LEADER,
    PLANT,
    REVIEWER,
    Story,
)
from tests.unit.cases.region import blank, doer


def refused(story: Story, who, act: str, reason: str = "", **fields: str) -> tuple[str, str]:
    """Article and what is missing."""
    with pytest.raises(RuleViolated) as caught:
        story.do(who, act, reason, **fields)
    return caught.value.facts["article"], caught.value.facts["missing"]


PROPOSALS = [
    ({"amount": "99999"}, "第三十七条", "减轻处罚的情形和理由：100000元至1000000元"),
    ({"amount": "1000001"}, "第三十七条", "不高于法定最高罚款"),
    ({"act_date": "2024-10-30"}, "第三十六条", "2年内被发现"),
    ({"act_date": "2020-10-30", "harm": "yes"}, "第一千零五十四条", "5年内被发现"),
    ({"act_date": "2026-08-01", "violation": "treatment_removed"}, "第三十八条", "罚款幅度"),
    ({"concurrent": "exceed_permit", "act_date": "2026-11-01", "violation": "no_disclosure",
      "amount": "20000"}, "第一千零五十五条", "超许可排放"),
    ({"officer_2": "o-1"}, "第四十二条", "另一人"),
    ({"officer_2": "o-3"}, "第三十八条", "丙办理过“技术审核”"),
    ({"act_date": "2026-11-03"}, "第四十七条", "不得晚于今天"),
    ({"outcome": "no_penalty", "amount": "", "other_measures": "", "ground": "minor",
      "slight": "yes", "corrected": "no"}, "第三十三条", "已及时改正"),
    ({"outcome": "no_penalty", "amount": "", "other_measures": "", "ground": "minor",
      "slight": "yes", "corrected": "yes", "harm": "yes"}, "第一千零五十六条", "没有造成危害后果"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "article", "missing"), PROPOSALS)
def test_a_proposal_that_the_law_does_not_allow_is_refused(fields, article: str, missing: str):
    """Range, limitation, basis, the heavier norm, officers, grounds: article and what lacks."""
    story = Story().until("review_legal")

    named, what = refused(story, INVESTIGATOR, "propose_penalty", **fields)

    assert article in named
    assert missing in what


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": "100000"},
        {"amount": "1000000"},
        {"amount": "60000", "mitigated": "mitigated", "mitigation_reason": "主动消除危害后果"},
        {"act_date": "2024-11-02"},
        {"act_date": "2021-11-02", "harm": "yes"},
        {"concurrent": "no_disclosure"},
        {"violation": "exceed_permit", "act_date": "2026-08-01", "amount": "100000"},
    ],
)
def test_a_proposal_inside_the_law_passes(fields):
    """Both ends of the range, mitigation with its reason, the last day of limitation."""
    story = Story().until("review_legal")

    assert story.do(INVESTIGATOR, "propose_penalty", **fields).matter.state == "proposed"


def test_mitigation_stops_where_a_place_says_so():
    """Hunan 2021: below the minimum by half of it at most."""
    story = Story().until("review_legal")
    story.matter = replace(story.matter, division="430102")
    lower = {"mitigated": "mitigated", "mitigation_reason": "主动消除危害后果"}
    hunan = replace(doer("o-1"), division="430000")

    _, missing = refused_range(story, hunan, amount="49999", **lower)

    assert missing == "减轻处罚不得低于50000元"


def refused_range(story: Story, who, **fields: str) -> tuple[str, str]:
    """What the range alone says; the people of the story are of another province."""
    form = {**story.forms["propose_penalty"], **fields}
    return "", GATES["fine_in_range"](Gate("fine_in_range", "", {}), story.attempt(who, form))


def test_records_that_came_after_their_review_are_reviewed_too():
    """PL art 41: a clue that joined afterwards is no evidence yet."""
    story = Story().until("review_legal")
    story.do(SYSTEM, "add_clue", findings="f-2")

    article, missing = refused(story, INVESTIGATOR, "propose_penalty")

    assert ("第四十一条" in article, missing) == (True, "审核后并入的线索的技术审核和法制审核")
    assert "第四十一条" in refused(story, INVESTIGATOR, "request_referral", officer_2="o-2",
                               charge="338", report="x")[0]  # fmt: skip


def test_one_act_is_fined_once():
    """PL art 29, Code art 1055; a no-penalty decision or another day does not count."""
    story = Story().until("review_legal")
    same = Prior("案1", "exceed_air", "2026-10-30", "penalty")
    story.priors = (replace(same, outcome="no_penalty"), replace(same, act_date="2026-10-29"))
    before = story.matter
    story.do(INVESTIGATOR, "propose_penalty")
    story.matter, story.priors = before, (same,)

    article, missing = refused(story, INVESTIGATOR, "propose_penalty")

    assert "第二十九条" in article
    assert "案1" in missing


def test_who_was_fined_before_is_no_first_offender():
    """PL art 33: the look-back is configuration; here two years."""
    story = Story().until("review_legal")
    ground = {"outcome": "no_penalty", "amount": "", "other_measures": "", "ground": "first",
              "slight": "yes", "corrected": "yes", "first_time": "yes"}  # fmt: skip
    story.priors = (Prior("案1", "exceed_air", "2025-01-30", "penalty"),)

    _, missing = refused(story, INVESTIGATOR, "propose_penalty", **ground)

    assert missing == "此前没有同类违法（案件案1）"
    story.priors = (Prior("案1", "exceed_air", "2024-01-30", "penalty"),)
    assert story.do(INVESTIGATOR, "propose_penalty", **ground).matter.state == "proposed"


def test_an_act_that_was_found_too_late_is_not_filed():
    """PL art 36: ended in 2024, found in November 2026; with harm five years count."""
    story = Story().until("receive_clue")
    ended = {"act_state": "ended", "act_ended_on": "2024-06-01"}
    before = story.matter
    story.do(INVESTIGATOR, "verify", **ended)

    article, missing = refused(story, LEADER, "file_case")

    assert "第三十六条" in article
    assert "2026-06-01届满" in missing
    story.matter = before
    story.do(INVESTIGATOR, "verify", **{**ended, "act_state": "ended_harm"})
    assert "limitation_harm" in story.open
    assert story.do(LEADER, "file_case").matter.state == "investigating"


def test_another_county_files_nothing_here():
    """PL art 22, order 30 art 19(3): own jurisdiction by division."""
    story = Story().until("verify")

    article, missing = refused(story, replace(LEADER, division="130403"), "file_case")

    assert "第二十二条" in article
    assert "130402" in missing


@pytest.mark.parametrize("act", ["review_technical", "review_case", "review_decision", "decide"])
@pytest.mark.parametrize("who", ["o-1", "o-2"])
def test_neither_investigator_reviews_or_decides(act: str, who: str):
    """Order 30 art 38, across the acts and whatever role the person has by now."""
    before = {
        "review_technical": "finish_investigation",
        "review_case": "propose_penalty",
        "review_decision": "review_defence",
        "decide": "review_defence",
    }
    story = Story().until(before[act])
    role = "leader" if act == "decide" else "officer"

    assert "第三十八条" in refused(story, replace(doer(who), role=role), act)[0]


def test_a_reviewer_investigates_no_more():
    """The record went back: whoever sent it back may not finish the investigation himself."""
    story = Story().until("finish_investigation")
    story.do(REVIEWER, "return_record", "缺参数照片")

    assert "第三十八条" in refused(story, REVIEWER, "finish_investigation", officer_2="o-2")[0]
    assert "第三十八条" in refused(story, INVESTIGATOR, "finish_investigation", officer_2="o-3")[0]
    assert story.do(INVESTIGATOR, "finish_investigation").matter.state == "record_review"


@pytest.mark.parametrize(
    ("fields", "article", "missing"),
    [
        ({"hearing": "no"}, "第六十三条", "较大数额罚款：200000元以上"),
        ({"amount": "220001"}, "第四十四条", "不高于经审查的处理建议220000元"),
        ({"other_measures": "stop"}, "第四十四条", "其他处罚"),
        ({"amount": "90000"}, "第三十七条", "100000元"),
    ],
)
def test_a_notice_says_what_was_proposed_and_the_right_to_a_hearing(fields, article, missing):
    """The right is computed from fine and measures; the notice never goes beyond the proposal."""
    story = Story().until("review_case")

    named, what = refused(story, LEADER, "issue_notice", **fields)

    assert article in named
    assert missing in what


@pytest.mark.parametrize(
    ("fields", "hearing"),
    [
        ({"amount": "199999"}, "no"),
        ({"amount": "199999", "other_measures": "stop"}, "yes"),
        ({"amount": "199999", "party_kind": "person"}, "yes"),
    ],
)
def test_when_the_party_must_be_told_of_a_hearing(fields, hearing: str):
    """Below the line none; stop, close, revoke always; a person from 5,000 yuan."""
    story = Story(propose_penalty=fields).until("review_case")
    told = {name: fields[name] for name in ("amount", "other_measures") if name in fields}

    if hearing == "yes":
        assert "第六十三条" in refused(story, LEADER, "issue_notice", **told, hearing="no")[0]
    step = story.do(LEADER, "issue_notice", **told, hearing=hearing)

    assert ("hearing_rights_notice" in step.papers) == (hearing == "yes")


def test_without_notice_there_is_no_penalty():
    """PL art 44, 62: neither straight from the review nor over the legal review."""
    story = Story().until("review_case")

    assert "第四十四条" in refused(story, LEADER, "decide")[0]
    assert "处罚事先告知" in refused(story, REVIEWER, "review_decision")[1]
    assert "处罚事先告知" in refused(story, LEADER, "discuss")[1]


def test_a_defence_never_makes_it_worse():
    """PL art 45: neither the fine nor another penalty; less is always possible."""
    story = Story().until("review_defence")

    assert "不高于已告知数额220000元" in refused(story, LEADER, "decide", amount="220001")[1]
    assert "增加处罚须重新告知" in refused(story, LEADER, "decide", other_measures="close")[1]
    assert story.do(LEADER, "decide", amount="150000").matter.state == "decided"


def test_rights_run_to_their_end_and_belong_to_the_party():
    """The plant speaks in its five days; only an officer may write down an earlier day."""
    story = Story().until("hearing_rights_notice_served")
    assert "至2026-11-10" in refused(story, REVIEWER, "review_defence")[1]
    assert "第四十五条" in refused(story, LEADER, "return_investigation", "事实不清")[0]
    story.at("2026-11-11")
    late = {"content": "x", "given_on": "2026-11-10"}

    assert "期限届满前提出（至2026-11-10）" in refused(story, PLANT, "state_defence", **late)[1]
    story.end("statement")
    assert story.do(INVESTIGATOR, "state_defence", **late).matter.last("state_defence")
    assert "期限届满前" in refused(story, PLANT, "request_hearing")[1]
    story.end("hearing_request")
    assert refused(story, REVIEWER, "review_defence")[1].startswith("对当事人陈述")
    assert story.do(REVIEWER, "review_defence", result="rejected").matter.state


def test_a_waived_right_is_gone():
    """And what nobody said cannot be rejected."""
    story = Story().until("waive")

    assert "未行使、未放弃" in refused(story, PLANT, "state_defence", content="x")[1]
    assert refused(story, REVIEWER, "review_defence", result="rejected")[1] == "当事人的陈述、申辩"


def test_the_chair_is_no_investigator():
    """PL art 64(4); and nobody but the chair holds the hearing."""
    story = Story().until("hearing_rights_notice_served")
    story.do(PLANT, "request_hearing")

    assert "非本案调查人员" in refused(story, LEADER, "plan_hearing", chair="o-2")[1]
    assert refused(story, LEADER, "plan_hearing", chair="x")[1] == "在册人员"
    story.do(LEADER, "plan_hearing")
    assert "听证主持人" in refused(story, LEADER, "hold_hearing", held_on="2026-11-03")[1]
    assert refused(story, REVIEWER, "hold_hearing", held_on="2026-11-03")[1] == "听证通知书送达"


@pytest.mark.parametrize(
    ("proposal", "article", "missing"),
    [
        ({"complex": "yes"}, "第五十八条", "情节复杂"),
        ({"public_interest": "yes"}, "第五十八条", "重大公共利益"),
        ({"amount": "600000"}, "第五十七条", "罚款500000元以上"),
        ({"other_measures": "stop"}, "第五十七条", "责令停产停业"),
    ],
)
def test_complex_and_heavy_cases_need_more_eyes(proposal, article: str, missing: str):
    """Legal review by PL art 58, collective discussion by art 57."""
    told = {name: value for name, value in proposal.items() if name in {"amount", "other_measures"}}
    story = Story(propose_penalty=proposal, issue_notice=told, decide=told).until("review_defence")

    named, what = refused(story, LEADER, "decide")

    assert article in named
    assert missing in what
    story.do(REVIEWER, "review_decision")
    assert "至少3名" in refused(story, LEADER, "discuss", participants="张某、李某")[1]
    story.do(LEADER, "discuss")
    assert story.do(LEADER, "decide").matter.state == "decided"


def test_the_decision_is_what_the_discussion_concluded():
    """No penalty means none; lighter means less than the notice."""
    story = Story().until("review_defence")
    before = story.matter
    story.do(LEADER, "discuss", conclusion="lighter")
    assert "从轻" in refused(story, LEADER, "decide")[1]
    assert story.do(LEADER, "decide", amount="180000").matter.state == "decided"
    story.matter = before

    story.do(LEADER, "discuss", conclusion="no_penalty")

    assert "不予处罚" in refused(story, LEADER, "decide")[1]


@pytest.mark.parametrize(
    ("paid", "paid_on", "surcharge", "missing"),
    [
        ("100000", "2026-11-03", "none", "尚欠120000元"),
        ("220000", "2026-11-28", "none", "加处罚款66000.00元"),
        ("220000", "2026-11-28", "paid", "尚欠66000.00元"),
        ("286000", "2026-11-28", "paid", ""),
        ("220000", "2026-11-18", "none", ""),
    ],
)
def test_fulfilled_means_paid_with_the_surcharge(paid, paid_on, surcharge, missing):
    """PL art 72: three per cent of 220,000 a day is 6,600; ten days late are 66,000."""
    story = Story().until("decision_served")
    story.at(paid_on).do(INVESTIGATOR, "record_payment", amount=paid, paid_on=paid_on)
    last = {"last_paid_on": paid_on, "surcharge": surcharge}

    if missing:
        assert missing in refused(story, INVESTIGATOR, "confirm_fulfilled", **last)[1]
    else:
        assert story.do(INVESTIGATOR, "confirm_fulfilled", **last).matter.state == "fulfilled"


def test_a_pending_suit_stops_the_surcharge():
    """PL art 73(3): paid in time before the suit's result, nothing is owed on top."""
    story = Story().until("decision_served")
    story.do(INVESTIGATOR, "file_remedy", filed_on="2026-11-03")
    story.at("2026-12-20").do(INVESTIGATOR, "record_payment", paid_on="2026-12-20")

    last = {"last_paid_on": "2026-12-20", "surcharge": "none"}
    assert story.do(INVESTIGATOR, "confirm_fulfilled", **last).matter.state == "fulfilled"


def test_other_penalties_are_carried_out_before_the_case_ends():
    """PL art 73: a stop that was ordered is confirmed too."""
    heavy = {"other_measures": "stop"}
    story = Story(propose_penalty=heavy, issue_notice=heavy, decide=heavy).until("review_defence")
    story.do(LEADER, "discuss")
    story.do(LEADER, "decide")
    story.do(SYSTEM, "decision_served")
    story.do(INVESTIGATOR, "record_payment")

    assert refused(story, INVESTIGATOR, "confirm_fulfilled")[1] == "其他处罚执行完毕"
    done = story.do(INVESTIGATOR, "confirm_fulfilled", measures_done="yes")
    assert done.matter.state == "fulfilled"


def test_a_remedy_in_time_or_with_the_number_of_who_took_it_in():
    """Late filings are registered only when the court or office accepted them."""
    story = Story().until("decision_served").at("2027-06-01")
    late = {"filed_on": "2027-06-01"}

    assert "2027-05-03" in refused(story, PLANT, "file_remedy", **late)[1]
    story.do(INVESTIGATOR, "file_remedy", **late, case_number="（2027）冀01行初1号")
    assert story.matter.state == "in_remedy"


def test_nothing_below_is_left_open_when_a_case_ends():
    """An order to correct or a paper that is still on its way keeps the case open."""
    story = Story().until("publish_decision")
    below = replace(
        blank(Kind.RECTIFICATION), matter_id="m-2", parent_matter_id="m-1", number="改1"
    )
    deeper = replace(below, matter_id="m-3", parent_matter_id="m-2", number="送1")
    story.family = (replace(below, closed_at=story.now), deeper)

    assert refused(story, LEADER, "close_case")[1] == "办结下级事项：送1"
    story.family = (replace(below, closed_at=story.now), replace(deeper, closed_at=story.now))
    assert story.do(LEADER, "close_case").matter.state == "closed"


def test_a_fine_is_published_or_the_reason_is_written():
    """PL art 48; once, and by nobody twice."""
    story = Story().until("confirm_fulfilled")
    assert "第四十八条" in refused(story, LEADER, "close_case")[0]
    assert story.do(LEADER, "close_case", unpublished_why="涉及商业秘密").matter.state == "closed"
    story.do(INVESTIGATOR, "publish_decision")

    assert "尚未“公开处罚决定”" in refused(story, INVESTIGATOR, "publish_decision")[1]


def test_a_corrected_payment_is_the_one_that_counts():
    """A wrong sum in the record is put right by a line of its own."""
    story = Story().until("decision_served")
    story.do(INVESTIGATOR, "record_payment", amount="22000")
    wrong = str(story.matter.version)
    assert "尚欠198000元" in refused(story, INVESTIGATOR, "confirm_fulfilled")[1]

    story.do(LEADER, "correct", "录入错误", seq=wrong, field="amount", value="220000")

    assert story.do(INVESTIGATOR, "confirm_fulfilled").matter.state == "fulfilled"

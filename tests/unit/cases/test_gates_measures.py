"""Gates of measures 措施要件: what each lets pass, and what it says is missing."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from services.cases import rules
from services.cases.domain import gates_measures, steps
from services.cases.domain.attempt import Attempt
from services.cases.domain.gates import GATES
from services.cases.domain.lifecycle import Gate, LifeCycle
from services.cases.domain.matter import SYSTEM, ClockState, Doer, Event, Kind, Matter, Running
from services.cases.domain.papers import Attachment
from services.chassis.errors import RuleViolated
from tests.unit.cases.region import NOW, PEOPLE, PLANT, blank, doer

DAY = dt.timedelta(days=1)
CONTENTS = {
    "party_address": "路1号", "party_head": "张某", "facts": "事实", "clauses": "条款",
    "demand": "停止", "remedies": "途径", "ordered_on": "2026-11-02", "daily": "yes",
    "daily_warning": "yes",
}  # fmt: skip


def line(act: str, who: Doer = SYSTEM, to: str = "", at: dt.datetime = NOW, **fields: str) -> Event:
    """A line of a timeline."""
    return Event(0, at, who, act, act, "", to, "", fields)


def matter(kind: Kind, *lines: Event, **changes: object) -> Matter:
    """A matter with these lines."""
    events = tuple(replace(one, seq=seq) for seq, one in enumerate(lines, start=1))
    return replace(blank(kind), events=events, version=len(events), **changes)


def clock(key: str, ends: dt.datetime | None, state: ClockState = ClockState.RUNNING) -> Running:
    """A clock that ends then; only a running or breached one still asks for something."""
    open_ = state in {ClockState.RUNNING, ClockState.BREACHED}
    return Running(f"m:{key}", key, True, key, "", NOW - DAY * 30, ends, False, (), state,
                   None if open_ else ends)  # fmt: skip


def attempt(one: Matter, *family: Matter, reason: str = "", **fields: str) -> Attempt:
    """Something an officer wants to do now."""
    people = rules.people()
    return Attempt(one, doer("o-1"), fields, reason, PEOPLE, NOW, family=family, people=people)


def file(purpose: str, seq: int) -> Attachment:
    """A file handed in at that line."""
    return Attachment("a", "m-1", seq, "x.jpg", purpose, "image/jpeg", 1, b"", b"", "o-1", NOW)


def with_files(asked: Attempt, *files: Attachment) -> Attempt:
    """The attempt with files on the matter."""
    return replace(asked, attachments=files)


def case(*lines: Event, **changes: object) -> Matter:
    """The case above."""
    return matter(Kind.CASE, *lines, matter_id="c-1", **changes)


def below(kind: Kind, *lines: Event, **changes: object) -> Matter:
    """A measure below the case."""
    values = {"matter_id": f"x-{kind.value}", "parent_matter_id": "c-1", "state": "in_force"}
    return matter(kind, *lines, **values | changes)


ORDER = [
    line("begin", daily="yes", daily_warning="yes"),
    line("rectification_order_served", served_on="2026-10-01"),
]
REFUSED = [*ORDER, line("recheck", rechecked_on="2026-10-11", result="refused")]
FINED = line("decide", outcome="penalty", amount="385000", decided_on="2026-09-20")
CLAIM = {"through": "2026-10-11", "days": "10", "original": "385000", "amount": "3850000"}


def order(*lines: Event, **changes: object) -> Matter:
    """An order to correct below the case."""
    return matter(Kind.RECTIFICATION, *lines, **{"parent_matter_id": "c-1", **changes})


def daily(state: str = "d_notice", **fields: str) -> Matter:
    """A daily penalty below the order `m-1`."""
    opening = line("begin_daily_penalty", **CLAIM | fields)
    return matter(Kind.RECTIFICATION, opening, matter_id="d-1", parent_matter_id="m-1", state=state)


def service(state: str, *acts: str) -> Matter:
    """The service of a demand below the matter `m-1`."""
    lines = (line("begin", paper="demand"), *map(line, acts))
    return matter(Kind.SERVICE, *lines, matter_id=f"s-{state}", parent_matter_id="m-1", state=state)


LIMITED = below(
    Kind.RESTRICTION,
    line("begin", measure="limit"),
    line("decide_restriction", measure="limit"),
    line("restriction_decision_served", served_on="2026-10-01"),
)
#: Gate, what its row asks, an attempt that passes, one that is refused, words of the refusal.
CASES = [
    ("past", {"field": "at"}, attempt(order(), at="2026-11-02T10:30:00+08:00"),
     attempt(order(), at="2026-11-02T10:31:00+08:00"), "不晚于现在"),
    ("past", {"field": "at"}, attempt(order()), attempt(order(), at="2026-11-03"), "不晚于现在"),
    ("given_on", {}, attempt(order(), given_on="2026-11-01"),
     replace(attempt(order(), given_on="2026-11-01"), doer=PLANT), "代为登记"),
    ("given_on", {}, replace(attempt(order()), doer=PLANT), attempt(order(), given_on="2026-11-03"),
     "不晚于今天"),
    ("since_act", {"field": "at", "act": "approve"},
     attempt(order(line("approve", at=NOW - DAY)), at="2026-11-02T10:00:00+08:00"),
     attempt(order(line("approve")), at="2026-11-02T10:00:00+08:00"), "不早于“approve”"),
    ("since_act", {"field": "at", "act": "approve"},
     attempt(order(line("approve")), at="2026-11-02"), attempt(order(), at="x"), "approve"),
    ("since_served", {"field": "on", "act": "paper_served"},
     attempt(order(line("paper_served", served_on="2026-10-01")), on="2026-10-01"),
     attempt(order(line("paper_served", served_on="2026-10-01")), on="2026-09-30"), "2026-10-01"),
    ("between", {"field": "n", "least": 5, "most": 15}, attempt(order(), n="15"),
     attempt(order(), n="16"), "不高于 15"),
    ("between", {"field": "n", "least": 3}, attempt(order(), n="3.0"), attempt(order(), n="2.99"),
     "不低于 3"),
    ("between", {"field": "n", "least": 3}, attempt(order(), n="9"), attempt(order(), n="NaN"),
     "不低于 3"),
    ("amounts", {"fields": ["n"]}, attempt(order(), n="0"), attempt(order(), n="Infinity"), "n"),
    ("proof_attached", {"purposes": ["before", "after"], "since": ["begin"]},
     with_files(attempt(order(*ORDER)), file("before", 2), file("after", 3)),
     with_files(attempt(order(*ORDER)), file("before", 1), file("after", 2)), "改正前"),
    ("proof_attached", {"purposes": ["after", "proof"], "since": ["begin"], "any": True},
     with_files(attempt(order(*ORDER)), file("proof", 2)), attempt(order(*ORDER)), "或者"),
    ("none_running", {"clocks": ["seal"]}, attempt(order()),
     attempt(order(clocks=(clock("seal", NOW + DAY),))), "先办结：seal"),
    ("in_term", {"clock": "k"}, attempt(order(clocks=(clock("k", NOW + DAY),))),
     attempt(order(clocks=(clock("k", NOW),))), "自动解除"),
    ("in_term", {"clock": "k"}, attempt(order(clocks=(clock("k", None),))),
     attempt(order(clocks=(clock("k", NOW - DAY, ClockState.BREACHED),))), "自动解除"),
    ("clock_over", {"clock": "k"}, attempt(order(clocks=(clock("k", NOW, ClockState.LAPSED),))),
     attempt(order(clocks=(clock("k", NOW + DAY),))), "期限届满：k"),
    ("clock_over", {"clock": "k"}, attempt(order(clocks=(clock("k", NOW, ClockState.BREACHED),))),
     attempt(order(clocks=(clock("k", NOW, ClockState.SATISFIED),))), "期限届满：k"),
    ("measure_rights_over", {"acts": ["told"], "clocks": ["statement"]},
     attempt(order(line("told"), clocks=(clock("statement", NOW),))),
     attempt(order(line("told"), clocks=(clock("statement", NOW + DAY),))), "期限届满"),
    ("measure_rights_over", {"acts": ["told"], "clocks": ["statement"]},
     attempt(order(line("told"))), attempt(order()), "告知书送达"),
    ("measure_hearing_told", {},
     attempt(order(line("begin", measure="stop"), line("hearing_rights_notice_served"))),
     attempt(order(line("begin", measure="stop"))), "听证告知书送达"),
    ("measure_hearing_told", {}, attempt(order(line("begin", measure="limit"))),
     attempt(order(line("begin", measure="stop"))), "听证告知书送达"),
    ("not_heavier", {}, attempt(order(line("begin", measure="stop")), measure="limit"),
     attempt(order(line("begin", measure="limit")), measure="stop"), "重新告知"),
    ("host_not_investigator", {"field": "chair"},
     attempt(order(), case(line("verify", doer("o-1"), officer_2="o-2")), chair="o-3"),
     attempt(order(), case(line("verify", doer("o-1"), officer_2="o-2")), chair="o-2"), "乙"),
    ("host_not_investigator", {"field": "chair"}, attempt(order(), chair="l-1"),
     attempt(order(), chair="nobody"), "在册"),
    ("release_ground", {}, attempt(order(state="expired"), ground="expired"),
     attempt(order(state="expired"), ground="corrected"), "解除理由"),
    ("release_ground", {}, attempt(order(state="urgent"), ground="mistake"),
     attempt(order(state="urgent"), ground="expired"), "解除理由"),
    ("release_ground", {}, attempt(order(state="in_force"), ground="corrected"),
     attempt(order(state="in_force"), ground="unapproved"), "解除理由"),
    ("police_dossier", {"fields": ["report", "evidence"]},
     attempt(order(), report="yes", evidence="yes"), attempt(order(), report="yes"), "原件"),
    ("penalty_decided", {}, attempt(order(), case(FINED)), attempt(order(), case()), "处罚决定"),
    ("seizure_open", {}, attempt(order(), below(Kind.SEIZURE)),
     attempt(order(), below(Kind.SEIZURE, closed_at=NOW)), "先在案件中提出"),
    ("limited_before", {}, attempt(case(), LIMITED),
     attempt(case(), replace(LIMITED, events=LIMITED.events[:2])), "限制生产决定"),
    ("no_criminal_transfer", {}, attempt(case(line("hand_over"), line("police_refuse"))),
     attempt(case(line("request_referral"))), "不得以行政拘留代替"),
    ("nothing_open_below", {}, attempt(case(), below(Kind.SEIZURE, closed_at=NOW)),
     attempt(case(), order(closed_at=NOW), daily()), "办结下级事项"),
    ("nothing_open_below", {"kinds": ["service"]}, attempt(case(), below(Kind.SEIZURE)),
     attempt(case(), below(Kind.SERVICE)), "办结下级事项"),
    ("nothing_open_below", {}, attempt(case(), below(Kind.SEIZURE, parent_matter_id="c-2")),
     attempt(case(), below(Kind.SEIZURE)), "办结下级事项"),
    ("service_failed", {"field": "paper"}, attempt(order(), service("revoked"), paper="demand"),
     attempt(order(), service("revoked"), service("open"), paper="demand"), "已撤销或者"),
    ("service_failed", {"field": "paper"},
     attempt(order(), service("served", "annul"), paper="demand"),
     attempt(order(), service("revoked"), paper="rectification_order"), "已交付送达"),
    ("order_contents", {}, attempt(case(), **CONTENTS),
     attempt(case(), **CONTENTS | {"daily_warning": "no"}), "第五项"),
    ("order_contents", {}, attempt(case(), **CONTENTS | {"daily": "no", "daily_warning": ""}),
     attempt(case(), **CONTENTS | {"demand": " "}), "第四项"),
    ("daily_possible", {"not_for": ["no_video"]}, attempt(case(), violation="exceed_air"),
     attempt(case(), violation="no_video", daily_kind="unlawful"), "地方性法规"),
    ("daily_possible", {"not_for": ["no_video"]},
     attempt(case(), violation="no_video", daily_kind="local"),
     attempt(case(), violation="no_video"), "地方性法规"),
    ("same_daily", {}, attempt(order(*ORDER), daily="yes"), attempt(order(*ORDER), daily="no"),
     "首次"),
    ("after_service", {"field": "on"}, attempt(order(*ORDER), on="2026-10-02"),
     attempt(order(*ORDER), on="2026-10-01"), "次日以后"),
    ("after_service", {"field": "on"}, attempt(order(*ORDER), on="2026-10-02"),
     attempt(order(ORDER[0]), on="2026-10-02"), "尚未送达"),
    ("not_before_finding", {"field": "on"}, attempt(order(*REFUSED), on="2026-10-11"),
     attempt(order(*REFUSED), on="2026-10-10"), "2026-10-11"),
    ("daily_order", {}, attempt(order(*ORDER)),
     attempt(order(line("begin", daily="yes", daily_warning="no"))), "已载明"),
    ("refused_rounds", {}, attempt(order(*REFUSED)), attempt(order(*REFUSED), daily()), "拒不改正"),
    ("refused_rounds", {}, attempt(order(*REFUSED), daily("d_dropped")), attempt(order(*ORDER)),
     "拒不改正"),
    ("original_decision", {}, attempt(order(*REFUSED), case(FINED), **CLAIM),
     attempt(order(*REFUSED), case(FINED), **CLAIM | {"original": "385001"}), "385000 元"),
    ("original_decision", {}, attempt(order(*REFUSED), case(FINED), **CLAIM),
     attempt(order(*REFUSED), case(line("decide", outcome="no_penalty")), **CLAIM), "已作出罚款"),
    ("original_decision", {},
     attempt(order(*REFUSED), case(FINED, line("remedy_result", new_amount="200000")),
             **CLAIM | {"original": "200000"}),
     attempt(order(*REFUSED), case(FINED, line("remedy_result", to="revoked")), **CLAIM),
     "已作出罚款"),
    ("daily_sum", {}, attempt(order(*REFUSED), **CLAIM),
     attempt(order(*REFUSED), **CLAIM | {"days": "11", "amount": "4235000"}), "计罚日数 10 日"),
    ("daily_sum", {}, attempt(order(*REFUSED), **CLAIM),
     attempt(order(*REFUSED), **CLAIM | {"through": "2026-10-12"}), "截止日"),
    ("daily_sum", {}, attempt(order(*REFUSED), daily("d_revoked"), **CLAIM),
     attempt(order(*REFUSED), daily(), **CLAIM), "尚未按日处罚"),
    ("unpunished_days_reasoned", {}, attempt(order(*REFUSED), reason="情节轻微"),
     attempt(order(*REFUSED)), "10 日的理由"),
    ("unpunished_days_reasoned", {}, attempt(order(*REFUSED), daily()),
     attempt(order(*REFUSED), reason=" "), "10 日的理由"),
    ("as_notified", {}, attempt(daily(), days="9", amount="3465000"),
     attempt(daily(), days="11", amount="4235000"), "不超过告知的 10 日"),
    ("as_notified", {}, attempt(daily(), days="10", amount="3850000"),
     attempt(daily(), days="10", amount="3850001"), "总额 3850000 元"),
    ("daily_paid", {},
     attempt(order(line("decide_daily", amount="100"), line("daily_payment", sum="40")), sum="60"),
     attempt(order(line("decide_daily", amount="100"), line("daily_payment", sum="40")), sum="59"),
     "尚欠 1 元"),
    ("daily_paid", {},
     attempt(order(line("decide_daily", amount="100"), line("daily_remedy_result", new_amount="9")),
             sum="9"),
     attempt(order(line("decide_daily", amount="100"), line("daily_remedy_result")), sum="9"),
     "尚欠 91 元"),
    ("remedy_open", {}, attempt(order(line("daily_remedy"))),
     attempt(order(line("daily_remedy"), line("daily_remedy_result"))), "尚无结果"),
    ("remedies_done", {}, attempt(order(clocks=(clock("lawsuit", NOW),))),
     attempt(order(clocks=(clock("lawsuit", NOW + DAY),))), "期限届满：lawsuit"),
    ("remedies_done", {}, attempt(order(line("daily_remedy"), line("daily_remedy_result"))),
     attempt(order(line("daily_remedy"))), "复议、诉讼的结果"),
    ("measure_in_force", {}, attempt(order(), LIMITED, because="restriction"),
     attempt(order(), LIMITED, because="seizure"), "正在执行"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "asks", "good", "bad", "missing"), CASES)
def test_a_gate_lets_pass_what_is_right_and_says_what_is_missing(name, asks, good, bad, missing):
    """Both ways, for every gate of this subject."""
    gate = Gate(name, "条", asks)

    assert GATES[name](gate, good) == ""
    assert missing in GATES[name](gate, bad)


def test_every_gate_of_this_subject_is_tried_both_ways():
    """A new gate without an example is noticed."""
    assert {name for name, *_ in CASES} == set(gates_measures.GATES)


def test_a_repeated_violation_needs_a_decision_of_its_own():
    """Art 18: the decision of the first count is no basis for the days of the second."""
    again = [
        *REFUSED, line("order_again", daily="yes", daily_warning="yes"),
        line("rectification_order_served", served_on="2026-10-12"),
        line("recheck", rechecked_on="2026-10-14", result="corrected"),
        line("violated_again", found_on="2026-10-20"),
        line("order_again", daily="yes", daily_warning="yes"),
        line("rectification_order_served", served_on="2026-10-20"),
        line("recheck", rechecked_on="2026-10-25", result="refused"),
    ]  # fmt: skip
    gate, claim = Gate("original_decision", "条", {}), CLAIM | {"through": "2026-10-25"}
    fresh = replace(FINED, fields=dict(FINED.fields, decided_on="2026-10-22", amount="500000"))
    other = replace(case(fresh), matter_id="c-2")

    said = GATES[gate.name](gate, attempt(order(*again), case(FINED), **claim))

    assert "2026-10-20 再次违法" in said
    asked = attempt(order(*again), case(FINED), other, **claim | {"original": "500000"})
    assert GATES[gate.name](gate, asked) == ""


def test_no_row_tells_the_plant_of_a_measure_that_it_does_not_know():
    """Whoever tells the plant discloses by that, or cannot come before the service did."""
    for kind in MEASURES:
        life = rules.life_cycle(kind)
        for act in life.acts:
            if act.discloses or all(tell.to != "enterprise" for tell in act.tell):
                continue
            asks = {gate.name for gate in act.gates}
            assert not act.from_states & secret(life) or asks & {"done", "running"}, act.key


MEASURES = [
    Kind.RECTIFICATION, Kind.SEIZURE, Kind.RESTRICTION, Kind.DETENTION, Kind.PRESERVATION,
]  # fmt: skip


def secret(life: LifeCycle) -> set[str]:
    """States that a matter may be in before the plant may know of it."""
    found: set[str] = set()
    size = -1
    while size != len(found):
        size = len(found)
        for act in life.acts:
            if not act.discloses and (not act.from_states or act.from_states & found):
                found |= act.targets - {"same"}
    return found


def taken(one: Matter, act: str, who: str = "o-1", reason: str = "", **fields: str) -> Matter:
    """The matter after an act of its table."""
    asked = replace(attempt(one, case(FINED), reason=reason, **fields), doer=doer(who))
    return steps.take(rules.life_cycle(one.kind), act, asked, rules.terms()).matter


def test_a_detention_transfer_walks_to_the_copy_of_the_decision():
    """Sent in 3 working days, supplemented, decided; every clock of the police is accounted for."""
    opening = attempt(blank(Kind.DETENTION), case(FINED), officer_1="o-1", officer_2="o-2")
    life = rules.life_cycle(Kind.DETENTION)
    one = steps.take(life, "begin", replace(opening, doer=SYSTEM), rules.terms()).matter
    one = replace(taken(one, "approve", "l-1"), parent_matter_id="c-1")
    whole = dict.fromkeys(
        ("material_list", "report", "evidence", "item_list", "penalty_decision"), "yes"
    )
    one = taken(one, "send", sent_on="2026-11-02", police="公安局", contact="甲", **whole)
    one = taken(one, "police_accept", accepted_on="2026-11-02", receipt_number="1")
    assert {clock.key: clock.bound for clock in one.clocks if clock.open} == {
        "detain_supplement": "police", "detain_refuse": "police",
    }  # fmt: skip

    one = taken(one, "police_ask", asked_on="2026-11-02", what="笔录")
    one = taken(one, "supplement", supplied_on="2026-11-02", what="笔录")
    with pytest.raises(RuleViolated, match="不高于 15"):
        taken(one, "police_detain", detained_on="2026-11-02", days="16")
    one = taken(one, "police_detain", detained_on="2026-11-02", days="10")
    one = taken(one, "copy_received", received_on="2026-11-02", number="公（环）决字1号")

    assert one.state == "closed"
    assert {clock.state for clock in one.clocks} == {ClockState.SATISFIED}


def test_a_detention_transfer_that_the_police_return_is_over():
    """退回 needs the written reasons and the file back (art 15)."""
    one = replace(blank(Kind.DETENTION), state="sent")
    back = {"returned_on": "2026-11-02", "grounds": "不符合条件"}

    with pytest.raises(RuleViolated, match="第十五条"):
        taken(one, "police_return", file_back="no", **back)
    assert taken(one, "police_return", file_back="yes", **back).state == "returned"

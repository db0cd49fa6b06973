"""A visit from its request to its closing: each step asks what law and office ask."""

import pytest

from services.cases.app.handle_clue import handle_clue
from services.cases.domain import history
from services.cases.domain.matter import Kind
from services.chassis.errors import RuleViolated
from tests.integration.cases_rig import LEADER, LI, WANG, ZHAO, bottle
from tests.integration.inspection_rig import (
    AWAY,
    FINISH,
    HERE,
    NOW,
    PNG,
    REQUEST,
    SHOWN,
    approved,
    ask,
    checking,
    film,
    form_of,
    iso,
    place,
    record,
    submit,
    today,
)

__all__ = ["place"]  # the fixture


def test_a_visit_is_asked_for_approved_made_reported_and_closed(place):
    """The whole way, each step by who may take it, with its three papers and five clocks."""
    matter = ask(place)
    with pytest.raises(RuleViolated, match="以外的负责人"):
        place.act(LEADER, ask(place, LEADER, officer_1="o-leader"), "approve", opinion="同意")
    matter = place.act(LEADER, matter, "approve", opinion="同意")
    matter = place.act(WANG, matter, "depart", departed_at=iso(-0.5), recorders="R-1")
    matter = place.act(LI, matter, "arrive", arrived_at=iso(0), clock_offset_s="2", **HERE)
    assert matter.confidential
    matter = place.act(WANG, matter, "show_certificates", **SHOWN)
    assert not matter.confidential
    form, digest = form_of(place, matter)
    submit(place, record(matter, form, digest))
    matter = place.act(
        WANG, matter, "finish_visit", **FINISH | {"video_files": film(place, matter)}
    )
    matter = place.act(
        WANG, matter, "report", officer_2="o-li", visited_on=today(), result="no_problem",
        facts="未发现问题",
    )  # fmt: skip
    with pytest.raises(RuleViolated, match="理由"):
        place.act(LEADER, matter, "close", result="assistance", visited_on=today(), opinion="同意")
    matter = place.act(
        LEADER, matter, "close", result="no_problem", visited_on=today(), opinion="同意"
    )

    assert matter.state == "closed"
    assert history.first_break(matter.matter_id, matter.events) is None
    assert [clock.state.value for clock in matter.clocks] == ["satisfied"] * 4
    papers = [event.fields["papers"] for event in matter.events if "papers" in event.fields]
    assert [paper.split()[0] for paper in papers] == ["inspection_approval", "inspection_record"]


UNFIT = (
    ({"officer_2": "o-wang"}, "另一人"),
    ({"officer_2": "o-expired"}, "执法证件"),
    ({"officer_1": "o-neighbour"}, "不在本辖区"),
    ({"planned_until": iso(-2)}, "晚于开始时间"),
    ({"planned_from": iso(-9), "planned_until": iso(-2)}, "已过"),
    ({"planned_until": iso(24 * 9)}, "不超过7日"),
    ({"topics": "magic"}, "magic"),
)


def test_a_request_names_what_is_missing(place):
    """Two certified officers of this place, a window, topics that exist."""
    for changes, missing in UNFIT:
        with pytest.raises(RuleViolated, match=missing):
            ask(place, **changes)


def test_place_and_time_of_the_arrival_are_checked_or_explained(place):
    """Far away, on a consumer map, without a position, too late, a wrong clock: each asks why."""
    matter = approved(place)
    for fields, missing in (
        (AWAY, "距排污单位"),
        (HERE | {"system": "gcj02"}, "WGS-84"),
        ({}, "没有到场定位"),
        (HERE | {"longitude": "NaN"}, "超出范围"),
        (HERE | {"clock_offset_s": "900"}, "时钟偏差"),
        (HERE | {"clock_offset_s": "NaN"}, "时钟偏差"),
        (HERE | {"arrived_at": iso(-4)}, "批准时段"),
        (HERE | {"arrived_at": iso(3)}, "不得晚于现在"),
    ):
        with pytest.raises(RuleViolated, match=missing):
            place.act(WANG, matter, "arrive", **{"arrived_at": iso(0), **fields})
    with pytest.raises(RuleViolated, match="经批准的检查人员"):
        place.act(ZHAO, matter, "arrive", arrived_at=iso(0), **HERE)

    matter = place.act(WANG, matter, "arrive", arrived_at=iso(0), place_reason="厂外排口", **AWAY)

    assert matter.last("arrive").fields["place_reason"] == "厂外排口"


def test_certificates_are_those_of_the_registry(place):
    """A number that is not registered is none (Penalty Law art 42, 55)."""
    matter = place.act(WANG, approved(place), "arrive", arrived_at=iso(0), **HERE)
    with pytest.raises(RuleViolated, match="执法证号"):
        place.act(WANG, matter, "show_certificates", **SHOWN | {"certificate_2": "冀环9999"})
    with pytest.raises(RuleViolated, match="rights_told"):
        place.act(WANG, matter, "show_certificates", **SHOWN | {"rights_told": "no"})


def test_a_refused_signature_needs_a_witness_or_a_film(place):
    """And a visit without a film needs a reason, one without a record does not end."""
    matter = checking(place)
    with pytest.raises(RuleViolated, match="完整的现场检查记录"):
        place.act(WANG, matter, "finish_visit", **FINISH)
    form, digest = form_of(place, matter)
    submit(place, record(matter, form, digest))
    refused = FINISH | {"signature": "refused"}
    with pytest.raises(RuleViolated, match="见证人"):
        place.act(WANG, matter, "finish_visit", **refused)
    with pytest.raises(RuleViolated, match="录像"):
        place.act(WANG, matter, "finish_visit", **FINISH | {"no_video_reason": ""})
    photo = film(place, matter, "photo", PNG, "image/png")
    with pytest.raises(RuleViolated, match="见证人"):
        place.act(WANG, matter, "finish_visit", **refused | {"refusal_files": photo})

    done = place.act(WANG, matter, "finish_visit", **refused | {"witness": "李四，村委会"})

    assert done.state == "visited"


def test_an_urgent_visit_is_approved_before_it_is_reported(place):
    """It starts at once; the leader's approval has 24 hours and is not forgotten."""
    matter = ask(place, act="begin_urgent", reason="举报正在偷排")
    assert matter.state == "approved"
    assert matter.open_clock("inspection_late")
    matter = place.act(WANG, matter, "arrive", arrived_at=iso(0), **HERE)
    matter = place.act(
        WANG, matter, "note_obstruction", happened_at=iso(0), how="entry", facts="拒绝进厂",
        witness="李四", ended="yes",
    )  # fmt: skip
    report = {"officer_2": "o-li", "visited_on": today(), "result": "obstructed", "facts": "拒检"}
    with pytest.raises(RuleViolated, match="补办审批"):
        place.act(WANG, matter, "report", **report)

    matter = place.act(LEADER, matter, "approve_late", opinion="情况紧急，同意")

    assert matter.open_clock("inspection_late") is None
    assert place.act(WANG, matter, "report", **report).state == "reported"


def test_a_case_opens_a_visit_and_is_told_its_result(place):
    """The clue stays secret while the visit is prepared; the case gets result and day."""
    place.run(handle_clue, bottle(NOW))
    (case,) = place.matters()
    asked = {name: REQUEST[name] for name in ("purpose", "planned_from", "planned_until", "place",
                                              "covert", "officer_2")}  # fmt: skip
    place.act(WANG, case, "open_inspection", **asked)
    visit = next(one for one in place.matters() if one.kind is Kind.INSPECTION)
    assert visit.parent_matter_id == case.matter_id
    form_topics = {"falsification", "production", "permit_ledger"}
    visit = place.act(LEADER, visit, "approve", opinion="同意")
    form, _ = form_of(place, visit)
    assert form_topics <= {one.topic for one in form.checklists}
    visit = place.act(WANG, visit, "arrive", arrived_at=iso(0), **HERE)
    visit = place.act(WANG, visit, "show_certificates", **SHOWN)
    scan = film(place, visit, "record", b"%PDF-1.7", "application/pdf")
    visit = place.act(
        WANG, visit, "finish_visit", **FINISH | {"record_by": "paper", "record_files": scan}
    )
    report = {"officer_2": "o-li", "visited_on": today(), "facts": "采样管插入样品瓶"}
    with pytest.raises(RuleViolated, match="已有案件"):
        place.act(WANG, visit, "report", result="open_case", violation="exceed_air", **report)
    visit = place.act(WANG, visit, "report", result="confirmed", **report)
    place.act(LEADER, visit, "close", result="confirmed", visited_on=today(), opinion="同意")

    told = next(one for one in place.matters() if one.matter_id == case.matter_id).events[-1]

    assert (told.act, told.fields["result"]) == ("inspection_done", "confirmed")
    assert told.fields["visited_on"] == today()


def test_a_visit_without_a_case_leads_to_one(place):
    """Proposed with the report: the case waits for the leader's filing, once."""
    matter = checking(place)
    scan = film(place, matter, "record", b"%PDF-1.7", "application/pdf")
    matter = place.act(
        WANG, matter, "finish_visit", **FINISH | {"record_by": "paper", "record_files": scan}
    )
    matter = place.act(LEADER, matter, "approve_late", opinion="同意")
    report = {
        "officer_2": "o-li", "visited_on": today(), "facts": "旁路偷排", "result": "open_case",
        "violation": "evade_supervision",
    }  # fmt: skip

    matter = place.act(WANG, matter, "report", **report)

    case = next(one for one in place.matters() if one.kind is Kind.CASE)
    assert (case.state, case.parent_matter_id) == ("verified", matter.matter_id)
    assert case.opening().fields["violation"] == "evade_supervision"
    assert case.opening().fields["officer_1"] == "o-wang"
    matter = place.act(LEADER, matter, "return_report", "补充照片")
    with pytest.raises(RuleViolated, match="已有案件"):
        place.act(WANG, matter, "report", **report)


def test_a_visit_orders_to_correct_and_reports_so(place):
    """Such a finding asks for the order, which is a matter of its own to be served."""
    matter = checking(place)
    scan = film(place, matter, "record", b"%PDF-1.7", "application/pdf")
    matter = place.act(
        WANG, matter, "finish_visit", **FINISH | {"record_by": "paper", "record_files": scan}
    )
    matter = place.act(LEADER, matter, "approve_late", opinion="同意")
    report = {
        "officer_2": "o-li", "visited_on": today(), "facts": "台账缺失", "result": "rectification",
    }  # fmt: skip
    with pytest.raises(RuleViolated, match="先办理"):
        place.act(WANG, matter, "report", **report)

    matter = place.act(
        WANG, matter, "order_rectification", officer_2="o-li", violation="ledger_false",
        party_address="示范路1号", party_head="张三", facts="台账缺失", clauses="条例第三十七条",
        demand="十日内补齐", remedies="六十日内申请复议", ordered_on=today(),
    )  # fmt: skip

    below = {one.kind.value: one for one in place.matters() if one.kind is not Kind.INSPECTION}
    assert set(below) == {"rectification", "service"}
    assert below["rectification"].parent_matter_id == matter.matter_id
    assert place.act(WANG, matter, "report", **report).state == "reported"

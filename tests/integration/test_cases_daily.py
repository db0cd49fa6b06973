"""Orders to correct and daily penalties on a real PostgreSQL: rechecks, rounds, days, payment."""

import datetime as dt

import pytest

from services.cases.domain import history
from services.cases.domain.matter import ClockState, Kind
from services.chassis.clock import BEIJING
from services.chassis.errors import NotFound, RuleViolated
from tests.integration.cases_rig import LEADER, LI, MANAGER, WANG, ZHAO
from tests.integration.measures_rig import (
    AGAIN,
    ORDER,
    attach,
    case_of,
    filed,
    fined,
    newest,
    opened,
    papers_of,
    pass_to,
    refuse_again,
    serve,
    told,
)


@pytest.fixture
def place(migrated_db):
    """A region with a case that was verified on the spot and filed."""
    with filed(migrated_db("cases")) as fresh:
        yield fresh


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

"""Sections of a sheet 电子督办单: built from the record of an order and of its case."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from services.cases.domain.matter import Doer, Event, Kind, Level, Matter
from services.cases.domain.papers import Attachment, Paper
from services.cases.domain.sheet import PORTAL, WECHAT, Book, build, for_plant
from services.cases.domain.sheet_case import Kin
from services.cases.sheet_wire import sheet_message
from tests.unit.cases.region import NOW, blank, row

BOOK = Book(
    factors={"a21026": "二氧化硫"},
    states={
        Kind.ORDER: {"answered": "待核查", "closed": "已销号", "case_opened": "已转案件"},
        Kind.CASE: {"closed": "已结案"},
    },
    items={"hourly_exceedance": ("超标排放", "小时均值超标")},
    bureau="邯郸市生态环境局邯山区分局",
    step=dt.timedelta(hours=24),
    steps=3,
)


def line(
    number: int, act: str, /, *, to: str = "", who: str = "甲", reason: str = "", **fields: str
) -> Event:
    """A line of a timeline, one hour after the one before."""
    at = NOW + dt.timedelta(hours=number)
    return Event(number, at, Doer("o-1", who, "officer"), act, act, "", to, reason, fields)


def order(state: str, *events: Event, closed: bool = False) -> Matter:
    """An order of level supervision with these lines."""
    matter = blank(Kind.ORDER, Level.SUPERVISION)
    return replace(matter, state=state, events=events, closed_at=NOW if closed else None)


def paper(key: str, matter_id: str, seq: int, number: str, **more: str) -> Paper:
    """A document."""
    return Paper(
        f"p-{key}-{number}",
        matter_id,
        seq,
        key,
        "1",
        key,
        number,
        1,
        {},
        b"s",
        b"m",
        1,
        NOW,
        **more,
    )


def kin() -> Kin:
    """A case to its closing: order to correct, stop of production, fine with closure, paid."""
    case = replace(
        blank(Kind.CASE),
        matter_id="c-1",
        number="案〔2026〕130402-0001",
        state="closed",
        events=(
            line(1, "open_from_order"),
            line(2, "file_case"),
            line(3, "decide", outcome="penalty", amount="220000", other_measures="close"),
            line(4, "record_payment", amount="200000", paid_on="2026-11-20"),
            line(5, "record_payment", amount="20000", paid_on="2026-11-25"),
            line(6, "close_case"),
        ),
    )
    below = {"parent_matter_id": "c-1", "root_id": "c-1"}
    correction = replace(
        blank(Kind.RECTIFICATION), matter_id="r-1", events=(line(1, "begin"),), **below
    )
    stop = replace(
        blank(Kind.RESTRICTION),
        matter_id="s-1",
        events=(line(1, "decide_restriction", measure="stop", decided_on="2026-11-05"),),
        **below,
    )
    served = replace(
        blank(Kind.SERVICE),
        matter_id="v-1",
        state="served",
        events=(
            line(1, "begin", paper="decision", paper_id="p-decision-3号"),
            line(2, "serve_by_hand", served_on="2026-11-10"),
        ),
        **below,
    )
    file = Attachment("a-1", "c-1", 1, "泵房.jpg", "photo", "image/jpeg", 1, b"s", b"m", "o-1", NOW)
    return Kin(
        case,
        (correction, stop, served),
        {
            "c-1": (
                paper("filing_approval", "c-1", 2, "1号"),
                paper("decision", "c-1", 3, "2号"),
                paper("decision", "c-1", 3, "3号", replaces="p-decision-2号"),
            ),
            "r-1": (paper("rectification_order", "r-1", 1, "7号"),),
            "s-1": (paper("restriction_decision", "s-1", 1, "8号"),),
        },
        {"c-1": (file,)},
    )


def test_head_and_rows_say_who_what_where_and_by_how_much():
    """The interface's head; one row a pollutant with the multiple above the limit."""
    sheet = build(order("answered", line(1, "issue")), Kin(), BOOK, NOW)

    assert (sheet.head.level, sheet.head.item_1, sheet.head.item_2) == (
        3,
        "超标排放",
        "小时均值超标",
    )
    assert sheet.head.heading == "示范热电有限公司、邯郸市生态环境局邯山区分局"
    (one,) = sheet.rows
    assert (one.pollutant_name, one.value, one.limit) == ("二氧化硫", 41.25, 35.0)
    assert one.over_multiple == pytest.approx(0.178571, abs=1e-6)
    assert one.missing_count == 0


def test_missing_data_are_counted_and_exceed_nothing():
    """A gap has a count and no multiple."""
    gap = replace(row(), rule_id="silence", count=12)
    matter = replace(order("answered", line(1, "issue")), rows=(gap,))

    (one,) = build(matter, Kin(), BOOK, NOW).rows

    assert (one.missing_count, one.over_multiple) == (12, 0.0)


def test_feedback_keeps_its_channel_and_whether_it_was_sent_back():
    """Portal unless the plant said WeChat; a returned answer is no feedback yet."""
    lines = [
        line(1, "issue"),
        line(2, "answer", cause="故障", measure="更换", evidence="单", source="wechat"),
        line(3, "return_answer"),
    ]
    returned = build(order("answered", *lines), Kin(), BOOK, NOW)
    again = line(4, "answer", cause="泵", measure="换", evidence="单")
    answered = build(order("answered", *lines, again), Kin(), BOOK, NOW)

    assert (returned.is_feedback, returned.is_check) == (0, 2)
    assert [one.source for one in answered.feedbacks] == [WECHAT, PORTAL]
    assert [one.returned for one in answered.feedbacks] == [True, False]
    assert answered.is_feedback == 1


def test_check_names_verifier_and_both_confirmations():
    """County's second person, then the city; a correction of the record counts."""
    events = (
        line(1, "issue"),
        line(2, "check", verdict="rectified", opinion="旧", evidence="照片"),
        line(3, "correct", seq="2", field="opinion", value="新"),
        line(4, "close", who="乙", opinion="同意", cause="停电"),
        line(5, "confirm_report", who="市甲", opinion="同意销号"),
    )
    sheet = build(order("closed", *events, closed=True), Kin(), BOOK, NOW)

    (check,) = sheet.checks
    assert (check.is_verified, check.opinion, check.cause) == (True, "新", "停电")
    assert (check.verifier, check.confirmed_by, check.city_confirmed_by) == ("甲", "乙", "市甲")
    assert sheet.is_check == 1
    assert sheet.closing is not None
    assert (sheet.closing.how, sheet.closing.opinion) == ("confirm_report", "同意销号")


def test_a_violation_without_a_case_says_why():
    """The reason of who closed it."""
    events = (
        line(1, "issue"),
        line(2, "check", verdict="violation", opinion="超标", evidence="e"),
        line(3, "close", reason="首次轻微并及时改正", opinion="同意"),
    )
    proposal = build(order("closed", *events, closed=True), Kin(), BOOK, NOW).proposal

    assert proposal is not None
    assert (proposal.is_illegal, proposal.reason_for_none) == (True, "首次轻微并及时改正")


def transferred() -> Matter:
    """An order that became a case."""
    events = (
        line(1, "issue"),
        line(2, "check", verdict="violation", opinion="超标", evidence="e"),
        line(3, "propose_filing", facts="三小时超标", violation="exceed_air"),
    )
    return order("case_opened", *events, closed=True)


def test_the_case_gives_filing_punishment_and_closing():
    """Every section of the interface from proposal to paid fine, with numbers and days."""
    sheet = build(transferred(), kin(), BOOK, NOW)

    assert sheet.proposal is not None
    assert sheet.proposal.violation == "exceed_air"
    assert sheet.case_start is not None
    assert (sheet.case_start.filing_number, sheet.case_start.not_filed) == ("1号", False)
    kinds = [(one.kind, one.number, one.amount_yuan) for one in sheet.measures]
    assert sorted(kinds) == [
        ("close", "3号", 0),
        ("penalty", "3号", 220000),
        ("rectify", "7号", 0),
        ("stop", "8号", 0),
    ]
    served = {one.kind: one.served_on for one in sheet.measures}
    assert (served["penalty"], served["rectify"]) == ("2026-11-10", "")
    assert sheet.closing is not None
    assert (sheet.closing.paid_yuan, sheet.closing.paid_on) == (220000, "2026-11-25")
    assert sheet.closing.case_closed_at == NOW + dt.timedelta(hours=6)
    assert [(one.kind, one.name) for one in sheet.case_start.files][-1] == ("evidence", "泵房.jpg")


def test_a_plant_sees_no_work_of_the_authority():
    """No checks, no names, no case, no punishment; only its own terms."""
    whole = build(transferred(), kin(), BOOK, NOW)

    mine = for_plant(whole, ("closed", "已销号"))

    assert (mine.checks, mine.proposal, mine.case_start, mine.measures) == ((), None, None, ())
    assert mine.closing is not None
    assert (mine.closing.how, mine.closing.paid_yuan, mine.closing.handed_over_to) == (
        "close", 0, "",
    )  # fmt: skip
    assert mine.head.state_name == "已销号"
    assert "甲" not in str(sheet_message(mine))


def test_the_message_has_every_field_of_the_sheet():
    """Nothing is lost between domain and protocol; absent sections are absent."""
    message = sheet_message(build(transferred(), kin(), BOOK, NOW))

    assert message.head.number == "督〔2026〕130402-0001"
    assert message.closing.paid_yuan == 220000
    assert {one.kind for one in message.measures} == {"close", "penalty", "rectify", "stop"}
    bare = sheet_message(build(order("answered", line(1, "issue")), Kin(), BOOK, NOW))
    assert not bare.HasField("case_start")
    assert not bare.HasField("closing")

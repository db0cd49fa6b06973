"""电子督办单 as PDF: the sheet as it stands, under the order's own number.

The same state of the order gives the same bytes: the page is dated by the order's last line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from services.cases import paper_print, store
from services.cases.app.gather_material import agency_of
from services.cases.app.read_sheets import get_sheet
from services.cases.domain.chinese_words import chinese_day, day_text
from services.cases.domain.sheet import Check, Feedback, Sheet, SheetRow, SheetTerm
from services.cases.domain.sheet_case import Measure
from services.cases.paper_print import Printed
from services.chassis.clock import BEIJING
from services.chassis.identity import Actor

_FILE = "supervision_sheet.html"
_LEVELS = {1: "事前预警", 2: "事中调度", 3: "事后督办"}
_TERMS = {
    "running": "办理中", "satisfied": "已完成", "breached": "逾期", "lapsed": "已届满",
    "cancelled": "已取消",
}  # fmt: skip
_VERDICTS = {
    "violation": "属实，涉嫌违法", "rectified": "属实，已整改", "device": "监测设备故障",
    "condition": "工况原因", "false_alarm": "误报",
}  # fmt: skip
_SOURCES = {1: "微信", 2: "企业端"}
_DECIDED = {
    "rectify": "责令改正", "limit": "限制生产", "stop": "停产整治", "suspend": "责令停产停业",
    "close": "责令关闭", "penalty": "行政处罚", "other": "其他措施", "none": "不予行政处罚",
}  # fmt: skip
Line = tuple[str, str]


def print_sheet(
    session: Session, actor: Actor, matter_id: str, now: dt.datetime
) -> tuple[str, Printed]:
    """The order's number and its sheet as this caller may see it. Raises `NotFound`."""
    sheet = get_sheet(session, actor, matter_id, now)
    order = store.load(session, matter_id)
    sent = sheet.head.send_time.astimezone(BEIJING)
    agency = agency_of(session, order.in_charge or order.division, sent.date())
    facts: dict[str, Any] = {
        "title": "电子督办单",
        "number": sheet.head.number,
        "day_zh": chinese_day(sent.date()),
        "made_at": order.events[-1].at.isoformat(),
        "agency": {"name": sheet.head.signature or agency.name},
        "sheet": _facts(sheet),
    }
    return sheet.head.number, paper_print.print_page(paper_print.fill(_FILE, facts))


def _facts(sheet: Sheet) -> dict[str, Any]:
    head = sheet.head
    return {
        "level": _LEVELS[head.level],
        "sent_at": _moment(head.send_time),
        "title": head.title,
        "heading": head.heading,
        "outlet": f"{head.point_name}（{head.point_id}）" if head.point_name else head.point_id,
        "division": head.region_code,
        "item": f"{head.item_1}：{head.item_2}",
        "state": head.state_name,
        "content": "" if sheet.rows else head.content,
        "rows": [_row(row) for row in sheet.rows],
        "clocks": [_term(term) for term in sheet.terms],
        "sections": [
            {"heading": f"{_numeral(index)}、{title}", "lines": list(lines)}
            for index, (title, lines) in enumerate(_sections(sheet), 3 if sheet.rows else 2)
        ],
    }


def _numeral(index: int) -> str:
    return "〇一二三四五六七八九"[index] if index < 10 else str(index)


def _row(row: SheetRow) -> dict[str, str]:
    value = f"{row.value:g}／{row.limit:g} {row.unit}".strip()
    if row.over_multiple:
        value += f"\n超{row.over_multiple:.2f}倍"
    return {
        "factors": row.pollutant_name,
        "span": f"{_moment(row.time)}至{_moment(row.end_time)}",
        "seen": row.seen + ("（已不成立）" if row.withdrawn else ""),
        "value": value,
    }


def _term(term: SheetTerm) -> dict[str, str]:
    due = _moment(term.due_at) + "前" if term.due_at else "中止计算"
    return {"action": term.action, "due": due, "state": _TERMS.get(term.state, term.state)}


def _sections(sheet: Sheet) -> Iterator[tuple[str, list[Line]]]:
    """What came back, in the order of the national interface."""
    for back in sheet.feedbacks:
        yield "企业反馈（已退回补充）" if back.returned else "企业反馈", _feedback(back)
    for check in sheet.checks:
        yield "核查（已退回）" if check.sent_back else "核查", _check(check)
    if (one := sheet.proposal) is not None:
        said = _said(("事实", one.facts), ("不转案件的理由", one.reason_for_none))
        yield "立案建议", [("时间", _moment(one.time)), *said]
    for measure in sheet.measures:
        yield "处理处罚", list(_measure(measure))
    closing = sheet.closing
    if closing is not None and closing.order_closed_at:
        yield (
            "销号",
            [("时间", _moment(closing.order_closed_at)), *_said(("意见", closing.opinion))],
        )


def _feedback(back: Feedback) -> list[Line]:
    return _said(
        ("时间", _moment(back.time)),
        ("渠道", _SOURCES.get(back.source, "企业端")),
        ("原因", back.cause),
        ("措施", back.measure),
        ("证据", back.evidence),
    )


def _check(check: Check) -> list[Line]:
    return _said(
        ("时间", _moment(check.time)),
        ("核查结论", _VERDICTS.get(check.verdict, check.verdict)),
        ("原因", check.cause),
        ("核查情况", check.opinion),
        ("证据", check.evidence),
        ("核查人", check.verifier),
        ("复核人", check.confirmed_by),
        ("市级确认人", check.city_confirmed_by),
    )


def _measure(measure: Measure) -> Iterator[Line]:
    """A document that decided something."""
    yield "内容", measure.note or _DECIDED.get(measure.kind, measure.kind)
    yield from _said(("文号", measure.number), ("作出日期", measure.decided_on))
    if measure.amount_yuan:
        yield "罚款（元）", str(measure.amount_yuan)


def _said(*lines: Line) -> list[Line]:
    return [line for line in lines if line[1]]


def _moment(moment: dt.datetime) -> str:
    local = moment.astimezone(BEIJING)
    return f"{day_text(local.date())}{local.hour}时{local.minute:02d}分"

"""电子督办单 in the sections of the national interface V1.6, 2.4: what an order and its case say.

A sheet is built anew from the record each time: head, rows, feedback, check, proposed filing, case
start with files, punishment, closing. Nothing of it is kept besides. `for_plant` leaves out what
is the authority's own work.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.cases.domain.matter import ClockState, Event, Kind, Matter, Row, Running
from services.cases.domain.sheet_case import (
    CaseStart,
    Kin,
    Measure,
    Payment,
    case_start,
    measures,
    paid,
    said,
)

#: Acts by which a closed sheet was opened again.
REOPENED = frozenset({"reopen", "reopen_recurred"})
_REAL = frozenset({"violation", "rectified"})
_ENDS = frozenset({"close", "confirm_report", "settle", "withdraw", "cancel", "propose_filing"})
_SENT_BACK = frozenset({"send_back", "return_report"})
_IN_PROGRESS = frozenset({"answered", "checked", "reported"})
WECHAT, PORTAL = 1, 2


@dataclass(frozen=True)
class Book:
    """What the release knows of names: factors, states, items, and how far a breach climbs."""

    factors: Mapping[str, str]
    states: Mapping[Kind, Mapping[str, str]]
    items: Mapping[str, tuple[str, str]]
    bureau: str
    step: dt.timedelta
    steps: int


@dataclass(frozen=True)
class Head:
    """督办单 head."""

    supervise_id: str
    number: str
    level: int
    send_time: dt.datetime
    title: str
    content: str
    heading: str
    signature: str
    item_id: str
    item_1: str
    item_2: str
    point_id: str
    point_name: str
    region_code: str
    credit_code: str
    enterprise_name: str
    state: str
    state_name: str
    reopened: int


@dataclass(frozen=True)
class SheetRow:
    """What one finding saw of one pollutant."""

    pollutant_code: str
    pollutant_name: str
    indicator: str
    unit: str
    missing_count: int
    time: dt.datetime
    end_time: dt.datetime
    value: float
    limit: float
    over_multiple: float
    seen: str
    withdrawn: bool


@dataclass(frozen=True)
class Feedback:
    """企业反馈."""

    time: dt.datetime
    cause: str
    measure: str
    evidence: str
    source: int
    returned: bool


@dataclass(frozen=True)
class Check:
    """核查, with who confirmed it."""

    time: dt.datetime
    is_verified: bool
    verdict: str
    cause: str
    opinion: str
    evidence: str
    verifier: str
    confirmed_by: str = ""
    confirmed_at: dt.datetime | None = None
    city_confirmed_by: str = ""
    city_confirmed_at: dt.datetime | None = None
    sent_back: bool = False


@dataclass(frozen=True)
class Proposal:
    """建议立案, or why none was proposed."""

    time: dt.datetime
    is_illegal: bool
    violation: str
    facts: str
    reason_for_none: str


@dataclass(frozen=True)
class Closing:
    """结案、销号."""

    order_closed_at: dt.datetime | None
    case_closed_at: dt.datetime | None
    how: str
    opinion: str
    handed_over_to: str
    paid_yuan: int
    paid_on: str


@dataclass(frozen=True)
class SheetTerm:
    """A term of the sheet; `overdue_steps` 0 = in time."""

    key: str
    action: str
    due_at: dt.datetime | None
    ended_at: dt.datetime | None
    state: str
    bound: str
    overdue_steps: int


@dataclass(frozen=True)
class Sheet:
    """A whole sheet."""

    head: Head
    rows: tuple[SheetRow, ...]
    is_feedback: int
    is_check: int
    feedbacks: tuple[Feedback, ...]
    checks: tuple[Check, ...]
    proposal: Proposal | None
    case_start: CaseStart | None
    measures: tuple[Measure, ...]
    closing: Closing | None
    terms: tuple[SheetTerm, ...] = field(default=())


def build(order: Matter, kin: Kin, book: Book, now: dt.datetime) -> Sheet:
    """The sheet of an order as it stands at `now`; `kin` is the case it led to, with its family."""
    feedbacks = tuple(_feedbacks(order))
    return Sheet(
        head=_head(order, book),
        rows=tuple(one for row in order.rows for one in _rows(row, book)),
        is_feedback=int(any(not one.returned for one in feedbacks)),
        is_check=_is_check(order),
        feedbacks=feedbacks,
        checks=tuple(_checks(order)),
        proposal=_proposal(order),
        case_start=case_start(kin, book.states[Kind.CASE]),
        measures=tuple(measures(kin)),
        closing=_closing(order, kin),
        terms=tuple(_term(clock, book, now) for clock in order.clocks),
    )


def _head(order: Matter, book: Book) -> Head:
    item_1, item_2 = book.items.get(order.item, ("其他", order.title))
    bureau = f"、{book.bureau}" if order.level.name == "SUPERVISION" else ""
    return Head(
        supervise_id=order.matter_id,
        number=order.number,
        level=int(order.level),
        send_time=order.opened_at,
        title=order.title,
        content=_content(order),
        heading=f"{order.enterprise_name}{bureau}",
        signature=book.bureau,
        item_id=order.item,
        item_1=item_1,
        item_2=item_2,
        point_id=order.outlet_id,
        point_name=order.outlet_name,
        region_code=order.division,
        credit_code=order.credit_code,
        enterprise_name=order.enterprise_name,
        state=order.state,
        state_name=book.states[Kind.ORDER][order.state],
        reopened=sum(event.act in REOPENED for event in order.events),
    )


def _content(order: Matter) -> str:
    """What was seen, or what the leader wrote, each sentence once."""
    opening = order.opening()
    written = said(order, opening).get("content", "") if opening else ""
    seen = (row.seen for row in order.rows if not row.withdrawn)
    return "；".join(dict.fromkeys(one for one in (written, *seen) if one))


def _rows(row: Row, book: Book) -> list[SheetRow]:
    """One row a pollutant. A gap counts what is missing; a multiple is only of what exceeds."""
    missing = row.rule_id in {"silence", "low_transmission"}
    over = not missing and row.threshold > 0 and row.statistic > row.threshold
    return [
        SheetRow(
            pollutant_code=factor,
            pollutant_name=book.factors.get(factor, factor),
            indicator=row.rule_id,
            unit=row.unit,
            missing_count=row.count if missing else 0,
            time=row.start,
            end_time=row.end,
            value=row.statistic,
            limit=row.threshold,
            over_multiple=(row.statistic - row.threshold) / row.threshold if over else 0.0,
            seen=row.seen,
            withdrawn=row.withdrawn,
        )
        for factor in row.factors or ("",)
    ]


def _feedbacks(order: Matter) -> list[Feedback]:
    found: list[Feedback] = []
    for event in order.events:
        fields = said(order, event)
        if event.act in {"answer", "confirm"}:
            source = WECHAT if fields.get("source") == "wechat" else PORTAL
            found.append(
                Feedback(
                    event.at,
                    fields.get("cause", ""),
                    fields.get("measure", ""),
                    fields.get("evidence", ""),
                    source,
                    returned=False,
                )
            )
        if found and (event.act == "return_answer" or _asks_plant_again(event)):
            found[-1] = replace(found[-1], returned=True)
    return found


def _asks_plant_again(event: Event) -> bool:
    return event.act == "reopen" and event.to_state == "issued"


def _checks(order: Matter) -> list[Check]:
    found: list[Check] = []
    for event in order.events:
        fields = said(order, event)
        if event.act == "check":
            verdict = fields.get("verdict", "")
            found.append(
                Check(
                    event.at,
                    verdict in _REAL,
                    verdict,
                    fields.get("cause", ""),
                    fields.get("opinion", ""),
                    fields.get("evidence", ""),
                    event.doer.name,
                )
            )
        elif found:
            found[-1] = _confirmed(found[-1], event, fields)
    return found


def _confirmed(check: Check, event: Event, fields: Mapping[str, str]) -> Check:
    """The check with what a later act says of it."""
    name = event.doer.name
    if event.act == "close":
        cause = fields.get("cause") or check.cause
        return replace(check, confirmed_by=name, confirmed_at=event.at, cause=cause)
    if event.act == "confirm_report":
        return replace(check, city_confirmed_by=name, city_confirmed_at=event.at)
    return replace(check, sent_back=True) if event.act in _SENT_BACK else check


def _is_check(order: Matter) -> int:
    """核查状态: 0 no, 1 verified, 2 in progress."""
    if order.state in _IN_PROGRESS:
        return 2
    checked = order.last("check")
    return int(checked is not None and order.closed_at is not None)


def _proposal(order: Matter) -> Proposal | None:
    """建议立案; a sheet closed on a violation says why no case was proposed."""
    proposed, checked, closed = (order.last(act) for act in ("propose_filing", "check", "close"))
    if proposed is not None:
        fields = said(order, proposed)
        return Proposal(proposed.at, True, fields["violation"], fields["facts"], "")
    if checked is None or closed is None or said(order, checked).get("verdict") != "violation":
        return None
    fields = said(order, closed)
    known = f"已有案件 {fields['case_number']}" if fields.get("case_number") else closed.reason
    return Proposal(closed.at, True, "", said(order, checked).get("opinion", ""), known)


def _closing(order: Matter, kin: Kin) -> Closing | None:
    if order.closed_at is None:
        return None
    end = next(event for event in reversed(order.events) if event.act in _ENDS)
    payment: Payment = paid(kin)
    case_closed = kin.case.last("close_case") if kin.case else None
    return Closing(
        order_closed_at=order.closed_at,
        case_closed_at=case_closed.at if case_closed else None,
        how=end.act,
        opinion=said(order, end).get("opinion", "") or end.reason,
        handed_over_to="公安机关" if kin.case and kin.case.last("hand_over") else "",
        paid_yuan=payment.yuan,
        paid_on=payment.on,
    )


def overdue_steps(clock: Running, now: dt.datetime, step: dt.timedelta, steps: int) -> int:
    """逾期步数: 0 in time, then one more with each step that the breach stays undone."""
    if clock.state is not ClockState.BREACHED or clock.due_at is None:
        return 0
    until = clock.ended_at or now
    return max(1, min(steps, 1 + (until - clock.due_at) // step))


def _term(clock: Running, book: Book, now: dt.datetime) -> SheetTerm:
    return SheetTerm(
        clock.key,
        clock.action_zh,
        clock.due_at,
        clock.ended_at,
        clock.state.value,
        clock.bound,
        overdue_steps(clock, now, book.step, book.steps),
    )


def for_plant(sheet: Sheet, shown_state: tuple[str, str]) -> Sheet:
    """The sheet without the authority's own work: no checks, no case, no terms of others."""
    head = replace(sheet.head, state=shown_state[0], state_name=shown_state[1])
    closing = sheet.closing and replace(
        sheet.closing,
        case_closed_at=None,
        how="close" if sheet.closing.how == "propose_filing" else sheet.closing.how,
        opinion="",
        handed_over_to="",
        paid_yuan=0,
        paid_on="",
    )
    return replace(
        sheet,
        head=head,
        is_check=0 if sheet.is_check == 0 else 2 if closing is None else 1,
        checks=(),
        proposal=None,
        case_start=None,
        measures=(),
        closing=closing,
        terms=tuple(one for one in sheet.terms if one.bound == "enterprise"),
    )

"""What sheets and the overdue list read from PostgreSQL, cut down to what the caller may see."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from services.cases import attachment_store, paper_store, store
from services.cases.domain.matter import Kind, Matter, Running
from services.cases.domain.sheet_case import Kin
from services.cases.queries import View
from services.cases.tables import ClockRow, EventRow, MatterRow
from services.chassis.errors import InputRejected

PAGE, LARGEST_PAGE = 50, 200
T = TypeVar("T")


def kin_of(session: Session, order: Matter) -> Kin:
    """The case that grew from an order, or that its closing names, with the case's family."""
    case_id = _case_id(session, order)
    if case_id is None:
        return Kin()
    case = store.load(session, case_id)
    family = store.family(session, case)
    ids = [one.matter_id for one in (case, *family)]
    return Kin(
        case,
        family,
        {one: paper_store.papers(session, one) for one in ids},
        {one: attachment_store.attachments(session, one) for one in ids},
    )


def _case_id(session: Session, order: Matter) -> str | None:
    grown = session.scalar(
        select(MatterRow.matter_id)
        .where(MatterRow.parent_matter_id == order.matter_id, MatterRow.kind == Kind.CASE.value)
        .order_by(MatterRow.opened_at.desc())
        .limit(1)
    )
    closed = order.last("close")
    named = closed.fields.get("case_number", "") if closed else ""
    if grown or not named:
        return grown
    return store.case_of(session, order.credit_code, named)


@dataclass(frozen=True)
class WantedSheets:
    """What a list of sheets asks for; empty = everything. `overdue_at`: a term passed by then."""

    view: View
    state: str = ""
    level: int = 0
    credit_code: str = ""
    overdue_at: dt.datetime | None = None
    since: dt.datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The wishes as conditions on heads."""
        wishes = [self.view.condition(), MatterRow.kind == Kind.ORDER.value]
        if self.state == "open":
            wishes.append(MatterRow.closed_at.is_(None))
        elif self.state:
            wishes.append(MatterRow.state == self.state)
        if self.level:
            wishes.append(MatterRow.level == self.level)
        if self.credit_code:
            wishes.append(MatterRow.credit_code == self.credit_code)
        if self.overdue_at:
            late = select(ClockRow.clock_id).where(
                ClockRow.matter_id == MatterRow.matter_id,
                ClockRow.ended_at.is_(None),
                ClockRow.due_at <= self.overdue_at,
                ~ClockRow.lapses,
            )
            wishes.append(late.exists())
        return wishes


@dataclass(frozen=True)
class Listed(Generic[T]):
    """One page, the token of the next (empty = last) and the number over all pages."""

    rows: list[T]
    token: str
    total: int


def list_orders(session: Session, wanted: WantedSheets, size: int, token: str) -> Listed[str]:
    """Ids of orders by their latest change, oldest first: a reader goes on from the last.

    A change of the case that grew from an order, or of what is below that case, is a change of
    the sheet. Raises `InputRejected` for a token that is not ours.
    """
    changed = _changed_at()
    heads = select(MatterRow.matter_id, changed.label("changed")).where(*wanted.conditions())
    found = heads.subquery()
    query = select(found.c.matter_id, found.c.changed)
    if wanted.since:
        query = query.where(found.c.changed >= wanted.since)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    if token:
        at, matter_id = _read_place(token)
        query = query.where(tuple_(found.c.changed, found.c.matter_id) > tuple_(at, matter_id))
    limit = min(size or PAGE, LARGEST_PAGE)
    query = query.order_by(found.c.changed, found.c.matter_id).limit(limit + 1)
    rows = list(session.execute(query))
    more = _write_place(*rows[limit - 1][::-1]) if len(rows) > limit else ""
    return Listed([row.matter_id for row in rows[:limit]], more, total)


def _changed_at() -> ColumnElement[dt.datetime]:
    """When the order or the family of its case was changed last: a head names its last line."""
    case, kin, line = aliased(MatterRow), aliased(MatterRow), aliased(EventRow)
    own = (
        select(EventRow.at)
        .where(EventRow.matter_id == MatterRow.matter_id, EventRow.seq == MatterRow.version)
        .scalar_subquery()
    )
    below = (
        select(func.max(line.at))
        .select_from(case)
        .join(kin, kin.root_id == case.root_id)
        .join(line, and_(line.matter_id == kin.matter_id, line.seq == kin.version))
        .where(
            case.parent_matter_id == MatterRow.matter_id,
            case.kind == Kind.CASE.value,
        )
        .scalar_subquery()
    )
    return func.greatest(own, below)


def list_overdue(
    session: Session, view: View, before: dt.datetime, size: int, token: str
) -> Listed[tuple[Matter, Running]]:
    """Breached terms of orders and listings that ended at or before `before`, oldest end first."""
    wishes = [
        view.condition(),
        or_(MatterRow.kind == Kind.ORDER.value, MatterRow.kind == Kind.LISTED.value),
        ClockRow.state == "breached",
        ClockRow.ended_at.is_(None),
        ClockRow.due_at <= before,
    ]
    query = (
        select(ClockRow, MatterRow)
        .join(MatterRow, MatterRow.matter_id == ClockRow.matter_id)
        .where(*wishes)
    )
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    if token:
        at, clock_id = _read_place(token)
        query = query.where(tuple_(ClockRow.due_at, ClockRow.clock_id) > tuple_(at, clock_id))
    limit = min(size or PAGE, LARGEST_PAGE)
    ordered = query.order_by(ClockRow.due_at, ClockRow.clock_id).limit(limit + 1)
    rows: Sequence[Any] = list(session.execute(ordered))
    last = rows[limit - 1][0] if len(rows) > limit else None
    return Listed(
        [(store.head_of(head), store.clock_of(clock)) for clock, head in rows[:limit]],
        _write_place(last.due_at, last.clock_id) if last else "",
        total,
    )


def _write_place(at: dt.datetime, key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), key]).encode()).decode()


def _read_place(token: str) -> tuple[dt.datetime, str]:
    try:
        at, key = json.loads(base64.urlsafe_b64decode(token))
        return dt.datetime.fromisoformat(at), str(key)
    except (ValueError, TypeError) as fault:
        raise InputRejected("a page token that is not ours", field="page_token") from fault

"""Lists, counts and the feed of changes, each cut down to what the caller may see."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, text, tuple_
from sqlalchemy.orm import Session

from services.cases import store
from services.cases.domain.matter import Event, Kind, Matter, Running
from services.cases.tables import ClockRow, EventRow, MatterRow
from services.chassis.errors import InputRejected
from services.chassis.identity import Scope

LARGEST_PAGE = 200
_NEVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class View:
    """可见范围: the kinds of matter and the part of the world that a caller may see."""

    kinds: frozenset[Kind]
    scope: Scope

    def condition(self) -> ColumnElement[bool]:
        """The view as a condition on heads."""
        kinds = MatterRow.kind.in_([kind.value for kind in self.kinds])
        if self.scope.enterprise_id:
            mine = MatterRow.credit_code == self.scope.enterprise_id
            return and_(kinds, mine, ~MatterRow.confidential)
        return and_(
            kinds, MatterRow.division.startswith(self.scope.division_prefix, autoescape=True)
        )


@dataclass(frozen=True)
class Wanted:
    """What a list asks for; empty = everything. `state` "open" = not closed."""

    kind: Kind | None = None
    state: str = ""
    level: int = 0
    search: str = ""
    outlet_id: str = ""
    assignee_id: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """The wishes as conditions on heads."""
        wishes: list[ColumnElement[bool]] = []
        if self.kind:
            wishes.append(MatterRow.kind == self.kind.value)
        if self.state == "open":
            wishes.append(MatterRow.closed_at.is_(None))
        elif self.state:
            wishes.append(MatterRow.state == self.state)
        if self.level:
            wishes.append(MatterRow.level == self.level)
        if self.outlet_id:
            wishes.append(MatterRow.outlet_id == self.outlet_id)
        if self.assignee_id:
            wishes.append(MatterRow.assignee_id == self.assignee_id)
        if self.search:
            columns = (MatterRow.number, MatterRow.enterprise_name, MatterRow.credit_code)
            wishes.append(or_(*(c.icontains(self.search, autoescape=True) for c in columns)))
        return wishes


@dataclass(frozen=True)
class Page:
    """One page of the queue; `token` is empty on the last."""

    matters: list[Matter]
    token: str
    total: int


def list_matters(session: Session, view: View, wanted: Wanted, size: int, token: str) -> Page:
    """The queue: by deadline, then level, then age. Heads with clocks, without timeline.

    Raises `InputRejected` for a token that is not ours.
    """
    where = [view.condition(), *wanted.conditions()]
    due = func.coalesce(MatterRow.next_due_at, literal(_NEVER))
    place = tuple_(due, -MatterRow.level, MatterRow.matter_id)
    total = session.scalar(select(func.count()).select_from(MatterRow).where(*where)) or 0
    query = select(MatterRow).where(*where).order_by(due, -MatterRow.level, MatterRow.matter_id)
    if token:
        query = query.where(place > tuple_(*map(literal, _read_place(token))))
    size = min(size or 50, LARGEST_PAGE)
    rows = list(session.scalars(query.limit(size + 1)))
    more, rows = len(rows) > size, rows[:size]
    clocks = _clocks(session, [row.matter_id for row in rows])
    matters = [store.head_of(row, clocks.get(row.matter_id, ())) for row in rows]
    return Page(matters, _write_place(rows[-1]) if more else "", total)


def _clocks(session: Session, matter_ids: Sequence[str]) -> dict[str, tuple[Running, ...]]:
    query = select(ClockRow).where(ClockRow.matter_id.in_(matter_ids))
    found: dict[str, tuple[Running, ...]] = {}
    for row in session.scalars(query.order_by(ClockRow.started_at, ClockRow.clock_id)):
        found[row.matter_id] = (*found.get(row.matter_id, ()), store.clock_of(row))
    return found


def _write_place(row: MatterRow) -> str:
    place = [(row.next_due_at or _NEVER).isoformat(), -row.level, row.matter_id]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _read_place(token: str) -> tuple[dt.datetime, int, str]:
    try:
        due, level, matter_id = json.loads(base64.urlsafe_b64decode(token))
        return dt.datetime.fromisoformat(due), int(level), str(matter_id)
    except ValueError as fault:
        raise InputRejected("a page token that is not ours", field="page_token") from fault


@dataclass(frozen=True)
class Count:
    """One division's matters."""

    division: str
    open_orders: int
    open_cases: int
    overdue: int
    due_24_h: int
    closed_30_days: int


def count_matters(session: Session, view: View, now: dt.datetime) -> list[Count]:
    """Counts by county."""
    is_open = MatterRow.closed_at.is_(None)
    late = and_(is_open, MatterRow.next_due_at <= now)
    soon = and_(is_open, MatterRow.next_due_at > now)
    soon = and_(soon, MatterRow.next_due_at <= now + dt.timedelta(hours=24))
    conditions = (
        and_(is_open, MatterRow.kind == Kind.ORDER.value),
        and_(is_open, MatterRow.kind == Kind.CASE.value),
        late,
        soon,
        MatterRow.closed_at > now - dt.timedelta(days=30),
    )
    counts = (func.count().filter(condition) for condition in conditions)
    query = select(MatterRow.division, *counts).where(view.condition())
    rows = session.execute(query.group_by(MatterRow.division).order_by(MatterRow.division))
    return [Count(*tuple[Any, ...](row)) for row in rows]


@dataclass(frozen=True)
class Feed:
    """A stretch of the feed: heads as they stand now with the line that changed them."""

    changes: list[tuple[Matter, Event, str]]
    token: str


_HORIZON = text("pg_snapshot_xmin(pg_current_snapshot())::text")
_PLACE = text("(tx, event_id) > (CAST(:tx AS xid8), :event_id) AND tx < CAST(:upto AS xid8)")


def read_feed(session: Session, view: View, token: str, *, limit: int = 100) -> Feed:
    """Changes after `token` (empty = from now), in an order that never grows backwards.

    Only lines whose transaction is older than every running one are shown, so a resumed reader
    misses none that commits late. Raises `InputRejected` for a token that is not ours.
    """
    upto = session.scalar(select(_HORIZON)) or "0"
    if not token:
        return Feed([], f"{upto}.-1")
    tx, event_id = _read_token(token)
    query = (
        select(EventRow, MatterRow, text("tx::text"))
        .join(MatterRow, MatterRow.matter_id == EventRow.matter_id)
        .where(_PLACE.bindparams(tx=tx, event_id=event_id, upto=upto), view.condition())
        .order_by(text("tx"), EventRow.event_id)
        .limit(limit)
    )
    rows = list(session.execute(query))
    clocks = _clocks(session, [row.matter_id for _, row, _ in rows])
    changes = [
        (
            store.head_of(matter, clocks.get(matter.matter_id, ())),
            store.event_of(event),
            f"{at}.{event.event_id}",
        )
        for event, matter, at in rows
    ]
    return Feed(changes, changes[-1][2] if len(rows) == limit else f"{upto}.-1")


def _read_token(token: str) -> tuple[str, int]:
    tx, dot, event_id = token.partition(".")
    if not (dot and tx.isdecimal() and event_id.removeprefix("-").isdecimal()):
        raise InputRejected("a resume token that is not ours", field="resume_token")
    return tx, int(event_id)

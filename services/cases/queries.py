"""Lists, counts and the feed of changes, each cut down to what the caller may see.

The queue is paged by keyset: a token holds the place of the last row, never a number of rows, so
that what comes in meanwhile neither repeats nor hides a row. Each order has an index of its own
(migration 0007). Parts of names and numbers are found by pairs of signs in a GIN index.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    TextClause,
    and_,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.orm import Session

from services.cases import store
from services.cases.domain.matter import Event, Kind, Matter, Running
from services.cases.tables import ClockRow, EventRow, MatterRow
from services.chassis.errors import InputRejected
from services.chassis.identity import Scope

Condition = ColumnElement[bool] | TextClause

LARGEST_PAGE = 200
#: A search that finds more than this says so many: nobody reads them, and counting is slow.
MOST_COUNTED = 1000
#: Orders that a list may ask for.
ORDERS = ("rank", "due", "opened")
#: Nobody, as a wish for whose matters are listed.
NOBODY = "-"
_LONGEST_SEARCH = 60
_MOST_BY_PAPER = 1000
_COUNTY, _PROVINCE = 6, 2
# Spelled as the indexes spell them, or PostgreSQL does not use those.
_DUE: ColumnElement[dt.datetime] = literal_column(
    "COALESCE(matter.next_due_at, TIMESTAMPTZ 'infinity')"
)
_FOUND_BY = "matter.number || ' ' || matter.enterprise_name || ' ' || matter.credit_code"
_PARTS = "CAST(:parts AS text[])"


@dataclass(frozen=True)
class View:
    """可见范围: the kinds of matter and the part of the world that a caller may see."""

    kinds: frozenset[Kind]
    scope: Scope

    def condition(self) -> ColumnElement[bool]:
        """The view as a condition on heads."""
        every = self.kinds == frozenset(Kind)
        kinds = true() if every else MatterRow.kind.in_([kind.value for kind in self.kinds])
        if self.scope.enterprise_id:
            mine = MatterRow.credit_code == self.scope.enterprise_id
            return and_(kinds, mine, ~MatterRow.confidential)
        return and_(kinds, within(self.scope.division_prefix))


#: Matters that another region's office handles by designation; there are few.
_HANDED = (
    "matter.matter_id = ANY(ARRAY("
    "SELECT handed.matter_id FROM handed WHERE starts_with(handed.office, :prefix)))"
)


def within(prefix: str) -> ColumnElement[bool]:
    """What a region's people see: what lies there, and what was handed to an office there."""
    if len(prefix) <= _PROVINCE:  # nothing is handed beyond a province
        return inside(prefix)
    return or_(inside(prefix), text(_HANDED).bindparams(prefix=prefix))


def inside(prefix: str) -> ColumnElement[bool]:
    """The part of the world whose division codes begin so; a whole code is one county."""
    if len(prefix) == _COUNTY:
        return MatterRow.division == prefix
    return MatterRow.division.startswith(prefix, autoescape=True) if prefix else true()


@dataclass(frozen=True)
class Wanted:
    """What a list asks for; empty = everything. `state` "open" = not closed.

    Spans are `[from, before)`. `overdue_at`: only what is past its nearest end at that moment.
    """

    kind: Kind | None = None
    state: str = ""
    level: int = 0
    search: str = ""
    outlet_id: str = ""
    assignee_id: str = ""
    item: str = ""
    opened_from: dt.datetime | None = None
    opened_before: dt.datetime | None = None
    due_from: dt.datetime | None = None
    due_before: dt.datetime | None = None
    overdue_at: dt.datetime | None = None
    risk_from: int = 0
    order: str = ""

    def conditions(self, session: Session) -> list[Condition]:
        """The wishes as conditions on heads."""
        wishes: list[Condition] = [*self._of_state(), *self._of_spans()]
        for column, value in (
            (MatterRow.kind, self.kind.value if self.kind else ""),
            (MatterRow.outlet_id, self.outlet_id),
            (MatterRow.item, self.item),
        ):
            if value:
                wishes.append(column == value)
        if self.assignee_id:
            who = "" if self.assignee_id == NOBODY else self.assignee_id
            wishes.append(MatterRow.assignee_id == who)
        if self.level:
            wishes.append(MatterRow.level == self.level)
        if self.risk_from:
            wishes.append(MatterRow.risk >= self.risk_from)
        if self.search.strip():
            wishes.append(_holds(session, self.search.strip()))
        return wishes

    def _of_state(self) -> Iterator[ColumnElement[bool]]:
        if self.state == "open":
            yield MatterRow.closed_at.is_(None)
        elif self.state:
            yield MatterRow.state == self.state

    def _of_spans(self) -> Iterator[ColumnElement[bool]]:
        if self.opened_from:
            yield MatterRow.opened_at >= self.opened_from
        if self.opened_before:
            yield MatterRow.opened_at < self.opened_before
        if self.due_from:
            yield MatterRow.next_due_at >= self.due_from
        if self.due_before:
            yield MatterRow.next_due_at < self.due_before
        if self.overdue_at:
            yield MatterRow.closed_at.is_(None)
            yield MatterRow.next_due_at <= self.overdue_at


def _holds(session: Session, search: str) -> Condition:
    """Whether plant, credit code, the matter's number or one of its documents' numbers has it."""
    if len(search) > _LONGEST_SEARCH:
        raise InputRejected("a search of more than 60 signs", field="search")
    values = {"search": search, "parts": grams(search)}
    heads = text(
        f"(search_grams({_FOUND_BY}) @> {_PARTS}"
        f" AND strpos(lower({_FOUND_BY}), lower(:search)) > 0)"
    ).bindparams(**values)
    papers = text(
        "SELECT DISTINCT matter_id FROM paper"  # noqa: S608 (names of our own)
        f" WHERE search_grams(number) @> {_PARTS} AND strpos(lower(number), lower(:search)) > 0"
        f" LIMIT {_MOST_BY_PAPER}"
    ).bindparams(**values)
    named = list(session.scalars(papers)) if _has_papers(session) else []
    return or_(heads, MatterRow.matter_id.in_(named)) if named else heads


def grams(search: str) -> list[str]:
    """Pairs of signs of a search, or its only sign; see `search_grams` of migration 0007.

    Made here and not by that function, so that the planner knows them and their frequency.
    """
    low = search.lower()
    return sorted({low[n : n + 2] for n in range(max(1, len(low) - 1))})


def _has_papers(session: Session) -> bool:
    return session.scalar(text("SELECT to_regclass('paper_search')")) is not None


@dataclass(frozen=True)
class Page:
    """One page of the queue; `token` is empty on the last."""

    matters: list[Matter]
    token: str
    total: int


def list_matters(session: Session, view: View, wanted: Wanted, size: int, token: str) -> Page:
    """A page in the order that is wanted. Heads with clocks, without timeline.

    What the first page counted goes along in the token: counting anew costs more than a page.
    Raises `InputRejected` for an order that there is none and for a token that is not ours.
    """
    where: list[Condition] = [view.condition(), *wanted.conditions(session)]
    size = min(size or 50, LARGEST_PAGE)
    rows = _rows_after(session, where, wanted.order, size + 1, token)
    if token:
        total = read_place(wanted.order, token).total
    else:
        total = count(session, where, MOST_COUNTED if wanted.search.strip() else 0)
    more, rows = len(rows) > size, rows[:size]
    clocks = _clocks(session, [row.matter_id for row in rows])
    matters = [store.head_of(row, clocks.get(row.matter_id, ())) for row in rows]
    return Page(matters, _write_place(wanted.order, rows[-1], total) if more else "", total)


def count(session: Session, where: Sequence[Condition], most: int = 0) -> int:
    """How many heads fulfil the conditions; with `most`, no further than that."""
    if not most:
        return session.scalar(select(func.count()).select_from(MatterRow).where(*where)) or 0
    some = select(literal_column("1")).select_from(MatterRow).where(*where).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def pages(session: Session, view: View, wanted: Wanted, size: int) -> Iterator[list[MatterRow]]:
    """Every head in the order that is wanted, so many at a time; the caller holds the snapshot."""
    where: list[Condition] = [view.condition(), *wanted.conditions(session)]
    token = ""
    while rows := _rows_after(session, where, wanted.order, size, token):
        yield rows
        token = _write_place(wanted.order, rows[-1])
        session.expunge_all()


def _rows_after(
    session: Session, where: Sequence[Condition], order: str, size: int, token: str
) -> list[MatterRow]:
    order = order or ORDERS[0]
    if order not in ORDERS:
        raise InputRejected(f"an order is one of {', '.join(ORDERS)}", field="order")
    key: Any = {"rank": MatterRow.rank, "due": _DUE, "opened": MatterRow.opened_at.desc()}[order]
    query = select(MatterRow).where(*where).order_by(key, MatterRow.matter_id).limit(size)
    return list(session.scalars(query.where(_behind(order, token)) if token else query))


def _behind(order: str, token: str) -> TextClause:
    """Rows behind the place that a token holds."""
    place = read_place(order, token)
    values = {"place": place.value, "place_id": place.matter_id}
    behind = {
        "rank": "(matter.rank, matter.matter_id) > (CAST(:place AS bigint), :place_id)",
        "due": "(COALESCE(matter.next_due_at, TIMESTAMPTZ 'infinity'), matter.matter_id)"
        " > (CAST(:place AS timestamptz), :place_id)",
        "opened": "(matter.opened_at <= CAST(:place AS timestamptz) AND"
        " (matter.opened_at < CAST(:place AS timestamptz) OR matter.matter_id > :place_id))",
    }[order]
    return text(behind).bindparams(**values)


@dataclass(frozen=True)
class Place:
    """Where a page ended: the order's value there, the matter, and what the first page counted."""

    value: str
    matter_id: str
    total: int


def _write_place(order: str, row: MatterRow, total: int = 0) -> str:
    order = order or ORDERS[0]
    due = row.next_due_at.isoformat() if row.next_due_at else "infinity"
    value = {"rank": str(row.rank), "due": due, "opened": row.opened_at.isoformat()}[order]
    return token_of(order, Place(value, row.matter_id, total))


def token_of(order: str, place: Place) -> str:
    """A page token of an order."""
    parts = [order, place.value, place.matter_id, place.total]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def read_place(order: str, token: str) -> Place:
    """The place that a token holds. Raises `InputRejected` for one that is not of this order."""
    order = order or ORDERS[0]
    try:
        of, value, matter_id, total = json.loads(base64.urlsafe_b64decode(token))
        if of == order and (order == "rank" or value != "infinity"):
            (int if order == "rank" else dt.datetime.fromisoformat)(value)
        place = Place(str(value), str(matter_id), int(total))
    except (ValueError, TypeError) as fault:
        raise InputRejected("a page token that is not ours", field="page_token") from fault
    if of != order:
        raise InputRejected(f"a page token of the order {of}", field="page_token")
    return place


def _clocks(session: Session, matter_ids: Sequence[str]) -> dict[str, tuple[Running, ...]]:
    query = select(ClockRow).where(ClockRow.matter_id.in_(matter_ids))
    found: dict[str, tuple[Running, ...]] = {}
    for row in session.scalars(query.order_by(ClockRow.started_at, ClockRow.clock_id)):
        found[row.matter_id] = (*found.get(row.matter_id, ()), store.clock_of(row))
    return found


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
    numbers = dot and tx.isdecimal() and event_id.removeprefix("-").isdecimal()
    if not (numbers and int(tx) < 2**64 and -(2**63) <= int(event_id) < 2**63):
        raise InputRejected("a resume token that is not ours", field="resume_token")
    return tx, int(event_id)

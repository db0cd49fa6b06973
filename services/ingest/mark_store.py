"""Rows and queries of marks: revisions with their decisions, proofs, frozen days."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, aliased

from services.ingest.domain.marks import Kept
from services.ingest.domain.outside import MarkRevision
from services.ingest.mark_tables import DecisionRow, FreezeRow, ProofRow
from services.ingest.outside_tables import MarkRow, OutsideRow

_MARK = 1
MarkPlace = tuple[str, str]
"""Outlet and mark id."""
RevisionPlace = tuple[str, str, int]
"""Outlet, mark id and revision."""
ArrivalCursor = tuple[datetime, str, str, int]
"""Where a list ended: arrival, outlet, mark id, revision."""


@dataclass(frozen=True, slots=True)
class FoundMark:
    """A revision with its decision and the item it came in."""

    row: MarkRow
    decision: DecisionRow | None
    raw: bytes
    sm3: bytes

    @property
    def kept(self) -> Kept:
        """As the rules see it."""
        return Kept(
            mark_of(self.row),
            self.row.received_at,
            self.decision.decision if self.decision is not None else "",
        )


@dataclass(frozen=True, slots=True)
class WantedMarks:
    """What a list is about; empty fields ask for anything."""

    division_prefix: str = ""
    credit_code: str = ""
    outlet_id: str = ""
    mark_id: str = ""
    start: datetime | None = None
    end: datetime | None = None
    with_revisions: bool = False
    waiting: bool = False


def mark_of(row: MarkRow) -> MarkRevision:
    """Give a row as plain values."""
    values = {field.name: getattr(row, field.name) for field in fields(MarkRevision)}
    for name in ("factors", "proof_ids", "manual_values"):
        values[name] = tuple(values[name])
    return MarkRevision(**values)


def revisions_of(
    session: Session, places: Collection[MarkPlace]
) -> dict[MarkPlace, list[FoundMark]]:
    """All revisions of each mark, in order."""
    found: dict[MarkPlace, list[FoundMark]] = {place: [] for place in places}
    query = _found().where(tuple_(MarkRow.outlet_id, MarkRow.mark_id).in_(sorted(places)))
    rows = session.execute(query.order_by(*_PLACE)) if places else ()
    for one in map(_one, rows):
        found[one.row.outlet_id, one.row.mark_id].append(one)
    return found


def newest_between(
    session: Session, outlet_id: str, start: datetime, end: datetime
) -> list[FoundMark]:
    """Newest revisions of an outlet's marks that overlap [start, end), by start."""
    query = _found().where(
        MarkRow.outlet_id == outlet_id,
        MarkRow.start_at < end,
        MarkRow.end_at > start,
        ~_superseded(),
    )
    return [_one(row) for row in session.execute(query.order_by(MarkRow.start_at, *_PLACE))]


def list_marks(
    session: Session, wanted: WantedMarks, limit: int, after: ArrivalCursor | None = None
) -> list[FoundMark]:
    """Marks inside a jurisdiction, newest arrival first."""
    order = (MarkRow.received_at, *_PLACE)
    query = _found()
    if wanted.division_prefix:
        query = query.where(MarkRow.division.startswith(wanted.division_prefix))
    for column, value in (
        (MarkRow.credit_code, wanted.credit_code),
        (MarkRow.outlet_id, wanted.outlet_id),
        (MarkRow.mark_id, wanted.mark_id),
    ):
        if value:
            query = query.where(column == value)
    if wanted.start is not None:
        query = query.where(MarkRow.end_at > wanted.start)
    if wanted.end is not None:
        query = query.where(MarkRow.start_at < wanted.end)
    if wanted.waiting or not wanted.with_revisions:
        query = query.where(~_superseded())
    if wanted.waiting:
        query = query.where(MarkRow.late, DecisionRow.decision.is_(None))
    if after is not None:
        query = query.where(tuple_(*order) < after)
    rows = session.execute(query.order_by(*(one.desc() for one in order)).limit(limit))
    return [_one(row) for row in rows]


def snapshot(session: Session, after: RevisionPlace | None, limit: int) -> list[FoundMark]:
    """All revisions by outlet, mark and revision, the ones after a place."""
    query = _found()
    if after is not None:
        query = query.where(tuple_(*_PLACE) > after)
    return [_one(row) for row in session.execute(query.order_by(*_PLACE).limit(limit))]


def at_places(session: Session, places: Sequence[RevisionPlace]) -> list[FoundMark]:
    """The named revisions, by place."""
    query = _found().where(tuple_(*_PLACE).in_(sorted(places)))
    return [_one(row) for row in session.execute(query.order_by(*_PLACE))] if places else []


def add_decision(session: Session, row: DecisionRow) -> None:
    """Keep a decision; the key allows one a revision."""
    session.add(row)
    session.flush()


def add_proof(session: Session, values: dict[str, Any]) -> None:
    """Keep a file; the same again changes nothing."""
    session.execute(upsert(ProofRow).values(values).on_conflict_do_nothing())


def proofs_of(session: Session, outlet_id: str, proof_ids: Iterable[str]) -> dict[str, ProofRow]:
    """The kept files of these ids, without their bytes."""
    query = select(ProofRow).where(
        ProofRow.outlet_id == outlet_id, ProofRow.proof_id.in_(sorted(proof_ids))
    )
    return {row.proof_id: row for row in session.scalars(query)}


def last_frozen(session: Session) -> date | None:
    """Give the newest day with a freeze row."""
    return session.scalar(select(func.max(FreezeRow.day)))


def add_freeze(session: Session, day: date, frozen_at: datetime, told_at: datetime) -> bool:
    """Freeze a day; False when somebody did already."""
    new = upsert(FreezeRow).values(day=day, frozen_at=frozen_at, told_at=told_at)
    done = session.execute(new.on_conflict_do_nothing().returning(FreezeRow.day))
    return done.first() is not None


_PLACE = (MarkRow.outlet_id, MarkRow.mark_id, MarkRow.revision)


def _found() -> Select[MarkRow, DecisionRow, bytes, bytes]:
    """Each revision with its decision and its item: the first version of its natural key."""
    key = func.concat(
        func.left(MarkRow.division, 2), "|", MarkRow.outlet_id, "|", MarkRow.mark_id,
        "|", MarkRow.revision,
    )  # fmt: skip
    decided = and_(
        DecisionRow.outlet_id == MarkRow.outlet_id,
        DecisionRow.mark_id == MarkRow.mark_id,
        DecisionRow.revision == MarkRow.revision,
    )
    item = and_(OutsideRow.kind == _MARK, OutsideRow.key == key, OutsideRow.version == 0)
    return (
        select(MarkRow, DecisionRow, OutsideRow.raw, OutsideRow.sm3)
        .outerjoin(DecisionRow, decided)
        .join(OutsideRow, item)
    )


def _one(row: Any) -> FoundMark:
    return FoundMark(*row)


def _superseded() -> ColumnElement[bool]:
    """A revision that a higher one has replaced."""
    later = aliased(MarkRow)
    return (
        select(later.revision)
        .where(
            later.outlet_id == MarkRow.outlet_id,
            later.mark_id == MarkRow.mark_id,
            later.revision > MarkRow.revision,
        )
        .exists()
    )

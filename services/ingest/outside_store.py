"""Rows and queries of things from outside, and the tally of pushed streams."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, insert, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from services.ingest.domain.outside import OutsideRecord, Place
from services.ingest.outside_tables import MarkRow, OutsideRow, PushTallyRow

#: Advisory lock under which versions of a kind are numbered: two replicas may hold one key.
_VERSIONS = 0x6F75_7473
_MARK = 1

Cursor = tuple[datetime, int, str, int]
"""Where a page ended: time, kind, key, version."""


def lock_versions(session: Session, kinds: Iterable[int]) -> None:
    """Let one writer a kind at a time compare and add, until its transaction ends.

    By kind, so that a person who marks does not wait for meters; in order, so that two batches
    never wait for each other crosswise.
    """
    for kind in sorted(set(kinds)):
        terms = {"key": _VERSIONS, "kind": kind}
        session.execute(text("SELECT pg_advisory_xact_lock(:key, :kind)"), terms)


def lock_marks(session: Session) -> None:
    """Let one writer of marks at a time decide, until its transaction ends."""
    lock_versions(session, [_MARK])


def digests_of(session: Session, places: Collection[Place]) -> dict[Place, list[bytes]]:
    """Digests of the kept versions of each key, in order."""
    found: dict[Place, list[bytes]] = {}
    query = (
        select(OutsideRow.kind, OutsideRow.key, OutsideRow.sm3)
        .where(tuple_(OutsideRow.kind, OutsideRow.key).in_(sorted(places)))
        .order_by(OutsideRow.kind, OutsideRow.key, OutsideRow.version)
    )
    for kind, key, sm3 in session.execute(query) if places else ():
        found.setdefault((kind, key), []).append(sm3)
    return found


def add_items(
    session: Session,
    records: Iterable[tuple[OutsideRecord, int]],
    late: Collection[tuple[str, str, int]] = (),
) -> None:
    """Add items with their versions; the first version of a mark's revision gets its typed row.

    `late` are the outlets, marks and revisions that change what is said of a frozen day.
    """
    items: list[dict[str, Any]] = []
    marks: list[dict[str, Any]] = []
    for record, version in records:
        values = {name: getattr(record, name) for name in _ITEM_COLUMNS}
        revision = record.mark.revision if record.mark else 0
        items.append(values | {"version": version, "revision": revision})
        if record.mark is not None and version == 0:
            whose = {name: values[name] for name in ("division", "credit_code", "received_at")}
            mark = record.mark
            came = {
                "channel": record.channel,
                "late": (mark.outlet_id, mark.mark_id, mark.revision) in late,
            }
            marks.append(_listed(asdict(mark)) | whose | came)
    if items:
        session.execute(insert(OutsideRow), items)
    if marks:
        session.execute(insert(MarkRow), marks)


def items_between(
    session: Session,
    kinds: Collection[int],
    *,
    division_prefix: str,
    credit_code: str = "",
    outlet_id: str = "",
    subject: str = "",
    start: datetime | None = None,
    end: datetime | None = None,
    with_versions: bool = False,
    after: Cursor | None = None,
    limit: int,
) -> list[OutsideRow]:
    """Items inside a jurisdiction, newest first; a mark counts where it overlaps [start, end)."""
    order = (OutsideRow.at, OutsideRow.kind, OutsideRow.key, OutsideRow.version)
    query = select(OutsideRow).where(OutsideRow.kind.in_(sorted(kinds)))
    if division_prefix:
        query = query.where(OutsideRow.division.startswith(division_prefix))
    for column, value in (
        (OutsideRow.credit_code, credit_code),
        (OutsideRow.outlet_id, outlet_id),
        (OutsideRow.subject, subject),
    ):
        if value:
            query = query.where(column == value)
    if start is not None:
        overlaps = and_(OutsideRow.kind == _MARK, OutsideRow.until > start)
        query = query.where(or_(OutsideRow.at >= start, overlaps))
    if end is not None:
        query = query.where(OutsideRow.at < end)
    if not with_versions:
        query = query.where(OutsideRow.version == 0, ~_superseded())
    if after is not None:
        query = query.where(tuple_(*order) < after)
    return list(session.scalars(query.order_by(*(one.desc() for one in order)).limit(limit)))


def add_to_tally(session: Session, counts: Counter[tuple[str, str]]) -> None:
    """Add how many things of a peer's stream fell under a word; (peer, word) -> count."""
    rows = [
        {"peer": peer, "word": word, "count": count}
        for (peer, word), count in sorted(counts.items())
    ]
    if not rows:
        return
    new = upsert(PushTallyRow).values(rows)
    session.execute(
        new.on_conflict_do_update(
            index_elements=["peer", "word"],
            set_={"count": PushTallyRow.count + new.excluded.count},
        )
    )


def tally_of(session: Session, peer: str) -> dict[str, int]:
    """How many things of a stream fell under each word so far."""
    query = select(PushTallyRow).where(PushTallyRow.peer == peer)
    return {row.word: row.count for row in session.scalars(query)}


_ITEM_COLUMNS = tuple(
    column.name
    for column in OutsideRow.__table__.columns
    if column.name not in ("version", "revision")
)


def _superseded() -> ColumnElement[bool]:
    """A revision of a mark that a higher one has replaced."""
    later = select(MarkRow.revision).where(
        MarkRow.outlet_id == OutsideRow.outlet_id,
        MarkRow.mark_id == OutsideRow.subject,
        MarkRow.revision > OutsideRow.revision,
    )
    return and_(OutsideRow.kind == _MARK, later.exists())


def _listed(values: dict[str, Any]) -> dict[str, Any]:
    return {name: list(one) if isinstance(one, tuple) else one for name, one in values.items()}

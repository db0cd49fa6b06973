"""Queries on the ledger: append, seal, look up. Rows are added and never changed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.ingest.domain.ledger import FrameRecord, Place, Seal
from services.ingest.store import copy_rows
from services.ingest.tables import HeadRow, LedgerRow, SealRow

_COLUMNS = (
    "part", "leaf", "arrival_hour", "segment", "block_offset", "block_size", "byte_offset", "size",
    "sm3", "sha256", "outcome", "reason", "mn", "outlet_id", "cn", "qn", "data_time",
    "received_at", "peer", "correlation_id", "notes",
)  # fmt: skip
_TYPES = (
    "int2", "int8", "timestamptz", "text", "int8", "int4", "int4", "int4",
    "bytea", "bytea", "text", "text", "text", "text", "text", "text", "timestamptz",
    "timestamptz", "text", "text", "text[]",
)  # fmt: skip

#: One ledger entry: leaf, arrival hour, frame, outcome as settled, place and SHA-256.
Entry = tuple[int, datetime, FrameRecord, str, Place, bytes]


def lock_head(session: Session, part: int) -> HeadRow:
    """The head of a partition's ledger, locked: one settles or seals it at a time."""
    session.execute(
        insert(HeadRow).values(part=part, next_leaf=0, sealed_leaf=0).on_conflict_do_nothing()
    )
    return session.scalars(select(HeadRow).where(HeadRow.part == part).with_for_update()).one()


def append_entries(session: Session, part: int, entries: Iterable[Entry]) -> None:
    """Write entries by COPY."""
    rows = (_row(part, entry) for entry in entries)
    copy_rows(session, "ledger", ", ".join(_COLUMNS), _TYPES, rows)


def parts(session: Session) -> list[int]:
    """Partitions that have a ledger."""
    return list(session.scalars(select(HeadRow.part).order_by(HeadRow.part)))


def open_hours(session: Session, part: int, sealed_leaf: int) -> list[tuple[datetime, int, int]]:
    """(arrival hour, first leaf, number of leaves) that are not sealed yet, in order."""
    query = (
        select(LedgerRow.arrival_hour, func.min(LedgerRow.leaf), func.count())
        .where(LedgerRow.part == part, LedgerRow.leaf >= sealed_leaf)
        .group_by(LedgerRow.arrival_hour)
        .order_by(LedgerRow.arrival_hour)
    )
    return [(hour, first, count) for hour, first, count in session.execute(query)]


def digests(session: Session, part: int, first_leaf: int, size: int) -> list[bytes]:
    """SM3 digests of consecutive frames in ledger order."""
    query = (
        select(LedgerRow.sm3)
        .where(
            LedgerRow.part == part,
            LedgerRow.leaf >= first_leaf,
            LedgerRow.leaf < first_leaf + size,
        )
        .order_by(LedgerRow.leaf)
    )
    return list(session.scalars(query))


def last_seal(session: Session, part: int) -> Seal | None:
    """The newest seal of a partition."""
    query = select(SealRow).where(SealRow.part == part).order_by(SealRow.first_leaf.desc())
    row = session.scalars(query.limit(1)).first()
    return None if row is None else seal_from(row)


def add_seal(session: Session, seal: Seal) -> None:
    """Write a seal."""
    session.add(
        SealRow(
            part=seal.part,
            first_leaf=seal.first_leaf,
            size=seal.size,
            hour=seal.hour,
            root_sm3=seal.root,
            previous_seal_id=seal.previous_seal_id,
            chain_sm3=seal.chain,
        )
    )
    session.flush()


def seals_of(session: Session, part: int, leaves: Sequence[int]) -> list[Seal]:
    """The seals that cover these leaves, in order."""
    if not leaves:
        return []
    query = (
        select(SealRow)
        .where(
            SealRow.part == part,
            SealRow.first_leaf <= max(leaves),
            SealRow.first_leaf + SealRow.size > min(leaves),
        )
        .order_by(SealRow.first_leaf)
    )
    return [seal_from(row) for row in session.scalars(query)]


def frames_between(
    session: Session,
    outlet_id: str,
    start: datetime,
    end: datetime,
    *,
    cns: Sequence[str],
    limit: int,
) -> list[LedgerRow]:
    """Entries of an outlet by DataTime, [start, end); of these commands only, empty = all."""
    query = select(LedgerRow).where(
        LedgerRow.outlet_id == outlet_id, LedgerRow.data_time >= start, LedgerRow.data_time < end
    )
    if cns:
        query = query.where(LedgerRow.cn.in_(cns))
    return list(session.scalars(query.order_by(LedgerRow.part, LedgerRow.leaf).limit(limit)))


def seal_from(row: SealRow) -> Seal:
    """A stored seal."""
    return Seal(
        row.part,
        row.first_leaf,
        row.size,
        row.hour,
        row.root_sm3,
        row.previous_seal_id,
        row.chain_sm3,
    )


def _row(part: int, entry: Entry) -> tuple[Any, ...]:
    leaf, hour, record, outcome, place, sha256 = entry
    return (
        part,
        leaf,
        hour,
        place.segment,
        place.block_offset,
        place.block_size,
        place.byte_offset,
        place.size,
        record.sm3,
        sha256,
        outcome,
        record.reason,
        record.mn,
        record.outlet_id,
        record.cn,
        record.qn,
        record.data_time,
        record.received_at,
        record.peer,
        record.correlation_id,
        list(record.notes),
    )

"""Queries on the ledger: append, look up. Rows are added and never changed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.ingest.domain.leaf import ENTRY, entry_text
from services.ingest.domain.ledger import FrameRecord, Place, Seal
from services.ingest.domain.merkle import leaf_hash
from services.ingest.store import copy_rows
from services.ingest.tables import HeadRow, LedgerRow, SealRow

_COLUMNS = (
    "part", "leaf", "arrival_hour", "segment", "block_offset", "block_size", "byte_offset", "size",
    "sm3", "sha256", "outcome", "reason", "mn", "outlet_id", "cn", "qn", "data_time",
    "received_at", "peer", "correlation_id", "notes", "version", "repairs", "origin", "command_id",
    "entry_version", "leaf_sm3",
)  # fmt: skip
_TYPES = (
    "int2", "int8", "timestamptz", "text", "int8", "int4", "int4", "int4",
    "bytea", "bytea", "text", "text", "text", "text", "text", "text", "timestamptz",
    "timestamptz", "text", "text", "text[]", "int2", "text[]", "int2", "text",
    "int2", "bytea",
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


def seals(session: Session) -> list[Seal]:
    """Every seal, by partition and leaf."""
    query = select(SealRow).order_by(SealRow.part, SealRow.first_leaf)
    return [_seal(row) for row in session.scalars(query)]


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


def _seal(row: SealRow) -> Seal:
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
    text = entry_text(
        record,
        part=part,
        leaf=leaf,
        hour=hour,
        outcome=outcome,
        sha256=sha256,
        size=place.size,
    )
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
        record.version,
        list(record.repairs),
        record.origin,
        record.command_id,
        ENTRY,
        leaf_hash(text),
    )

"""固定原始报文: raw frames of an outlet and span, with digests and proofs, for a referral."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from gmssl_pyx import sm3_hash
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.ingest import ledger_store, log_store
from services.ingest.app.prove_entries import record_of, text_of
from services.ingest.app.sign_heads import Notary, head_over_all
from services.ingest.archive import Archive
from services.ingest.domain import merkle
from services.ingest.domain.head import SignedHead
from services.ingest.domain.ledger import FrameRecord
from services.ingest.tables import LedgerRow


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frame with its place in the ledger, its entry there and the proof of it."""

    record: FrameRecord
    part: int
    leaf: int
    sha256: bytes
    entry_version: int
    text: bytes
    proof: list[bytes]


@dataclass(frozen=True, slots=True)
class FrozenSpan:
    """Frames in ledger order, the head that covers them, and whether the limit cut them."""

    frames: list[Frozen]
    head: SignedHead | None
    truncated: bool


def freeze_frames(
    notary: Notary,
    archive: Archive,
    outlet_id: str,
    start: datetime,
    end: datetime,
    *,
    cns: Sequence[str] = (),
    limit: int,
) -> FrozenSpan:
    """Frames with DataTime in [start, end), under a head that is made now where none covers them.

    Raises NotFound when a frame's archive segment is missing or does not hold its digest.
    """
    database = notary.database
    with database.transaction() as session:
        rows = ledger_store.frames_between(session, outlet_id, start, end, cns=cns, limit=limit + 1)
    truncated = len(rows) > limit
    rows = rows[:limit]
    if not rows:
        return FrozenSpan([], None, truncated)
    with database.transaction() as session:
        head = log_store.last_head(session)
    if head is None or any(row.leaf >= head.sizes.get(row.part, 0) for row in rows):
        head = head_over_all(notary)
    frames: list[Frozen] = []
    with database.transaction() as session:
        for part, group in groupby(rows, key=lambda row: row.part):
            frames += _prove(session, archive, list(group), head.sizes[part])
    return FrozenSpan(frames, head, truncated)


def _prove(session: Session, archive: Archive, rows: list[LedgerRow], size: int) -> list[Frozen]:
    blocks: dict[tuple[str, int], bytes] = {}
    read = log_store.tile_reader(session, rows[0].part)
    return [
        Frozen(
            record=record_of(row, raw_of(archive, blocks, row)),
            part=row.part,
            leaf=row.leaf,
            sha256=row.sha256,
            entry_version=row.entry_version,
            text=text_of(row),
            proof=merkle.inclusion(read, row.leaf, size),
        )
        for row in rows
    ]


def raw_of(archive: Archive, blocks: dict[tuple[str, int], bytes], row: LedgerRow) -> bytes:
    """The raw bytes of an entry; `blocks` remembers what was read.

    Raises NotFound when the archive does not hold them any more.
    """
    place = (row.segment, row.block_offset)
    if place not in blocks:
        blocks[place] = archive.read_block(row.segment, row.block_offset, row.block_size)
    raw = blocks[place][row.byte_offset : row.byte_offset + row.size]
    if sm3_hash(raw) != row.sm3:
        raise NotFound(f"archive segment {row.segment} no longer holds leaf {row.leaf}")
    return raw

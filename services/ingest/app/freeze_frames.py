"""固定原始报文: raw frames of an outlet and span, with digests and proofs, for a referral."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from gmssl_pyx import sm3_hash
from sqlalchemy.orm import Session

from services.chassis.errors import NotFound
from services.ingest import ledger_store
from services.ingest.app.seal_hours import seal_part
from services.ingest.archive import Archive
from services.ingest.domain.ledger import FrameRecord, Seal
from services.ingest.domain.merkle import Tree, leaf_hash
from services.ingest.tables import LedgerRow


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frame with its place in the ledger and the proof that it is there."""

    record: FrameRecord
    leaf: int
    sha256: bytes
    seal: Seal
    proof: list[bytes]


@dataclass(frozen=True, slots=True)
class FrozenSpan:
    """Frames in ledger order, the seals they stand under, and whether the limit cut them."""

    frames: list[Frozen]
    seals: list[Seal]
    truncated: bool


def freeze_frames(
    session: Session,
    archive: Archive,
    outlet_id: str,
    start: datetime,
    end: datetime,
    *,
    cns: Sequence[str] = (),
    limit: int,
) -> FrozenSpan:
    """Frames with DataTime in [start, end). Leaves that are still open are sealed here.

    Raises NotFound when a frame's archive segment is missing or does not hold its digest.
    """
    rows = ledger_store.frames_between(session, outlet_id, start, end, cns=cns, limit=limit + 1)
    truncated = len(rows) > limit
    rows = rows[:limit]
    frames: list[Frozen] = []
    seals: list[Seal] = []
    for part, group in groupby(rows, key=lambda row: row.part):
        of_part = list(group)
        seal_part(session, part)
        covering = ledger_store.seals_of(session, part, [row.leaf for row in of_part])
        proved = _prove(session, archive, of_part, covering)
        frames += proved
        used = {frozen.seal.first_leaf for frozen in proved}
        seals += [seal for seal in covering if seal.first_leaf in used]
    return FrozenSpan(frames, seals, truncated)


def _prove(
    session: Session, archive: Archive, rows: list[LedgerRow], seals: list[Seal]
) -> list[Frozen]:
    blocks: dict[tuple[str, int], bytes] = {}
    frozen: list[Frozen] = []
    for seal in seals:
        inside = [row for row in rows if 0 <= row.leaf - seal.first_leaf < seal.size]
        if not inside:
            continue
        digests = ledger_store.digests(session, seal.part, seal.first_leaf, seal.size)
        tree = Tree([leaf_hash(digest) for digest in digests])
        frozen += [
            Frozen(
                record=_record(row, _raw(archive, blocks, row)),
                leaf=row.leaf,
                sha256=row.sha256,
                seal=seal,
                proof=tree.proof(row.leaf - seal.first_leaf),
            )
            for row in inside
        ]
    return frozen


def _raw(archive: Archive, blocks: dict[tuple[str, int], bytes], row: LedgerRow) -> bytes:
    place = (row.segment, row.block_offset)
    if place not in blocks:
        blocks[place] = archive.read_block(row.segment, row.block_offset, row.block_size)
    raw = blocks[place][row.byte_offset : row.byte_offset + row.size]
    if sm3_hash(raw) != row.sm3:
        raise NotFound(f"archive segment {row.segment} no longer holds leaf {row.leaf}")
    return raw


def _record(row: LedgerRow, raw: bytes) -> FrameRecord:
    return FrameRecord(
        raw=raw,
        sm3=row.sm3,
        mn=row.mn,
        outlet_id=row.outlet_id,
        cn=row.cn,
        qn=row.qn,
        data_time=row.data_time,
        outcome=row.outcome,
        reason=row.reason,
        received_at=row.received_at,
        peer=row.peer,
        correlation_id=row.correlation_id,
        notes=tuple(row.notes),
    )

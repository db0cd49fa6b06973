"""台账证明: inclusion and consistency proofs against signed heads."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected, NotFound
from services.ingest import log_store
from services.ingest.domain import merkle
from services.ingest.domain.head import SignedHead
from services.ingest.domain.leaf import DIGEST_ONLY, entry_leaf, entry_text
from services.ingest.domain.ledger import FrameRecord
from services.ingest.tables import LedgerRow


@dataclass(frozen=True, slots=True)
class Inclusion:
    """An entry, the head that covers it, and the way from its leaf to the head's root."""

    head: SignedHead
    entry: LedgerRow
    text: bytes  # of version 2; of version 1 empty
    proof: list[bytes]


@dataclass(frozen=True, slots=True)
class Consistency:
    """Two heads and the proof that the second only added to the first."""

    first: SignedHead
    second: SignedHead
    proof: list[bytes]


def inclusion_proof(session: Session, part: int, leaf: int, number: int = 0) -> Inclusion:
    """Prove a leaf under head `number`, 0 = the newest.

    Raises NotFound where there is no such head or leaf under it, and where the entry is not what
    its leaf was made of.
    """
    head = head_of(session, number)
    if leaf >= head.sizes.get(part, 0):
        raise NotFound(f"head {head.number} does not cover leaf {leaf} of partition {part}")
    (row,) = log_store.entries_of(session, part, [leaf])
    proof = merkle.inclusion(log_store.tile_reader(session, part), leaf, head.sizes[part])
    return Inclusion(head, row, text_of(row), proof)


def consistency_proof(session: Session, part: int, first: int, second: int = 0) -> Consistency:
    """Prove that head `second` (0 = the newest) only added to head `first`. Raises NotFound."""
    newer, older = head_of(session, second), head_of(session, first)
    if older.number > newer.number:
        raise InputRejected("the first head must be the older one")
    if part not in newer.sizes:
        raise NotFound(f"head {newer.number} has no partition {part}")
    read = log_store.tile_reader(session, part)
    proof = merkle.consistency(read, older.sizes.get(part, 0), newer.sizes[part])
    return Consistency(older, newer, proof)


def text_of(row: LedgerRow) -> bytes:
    """The canonical text of a stored entry; of version 1 empty.

    Raises NotFound when it no longer gives the leaf that was written with it.
    """
    if row.entry_version == DIGEST_ONLY:
        return b""
    text = entry_text(
        record_of(row, b""),
        part=row.part,
        leaf=row.leaf,
        hour=row.arrival_hour,
        outcome=row.outcome,
        sha256=row.sha256,
        size=row.size,
    )
    if entry_leaf(row.entry_version, row.sm3, text) != row.leaf_sm3:
        raise NotFound(f"entry {row.leaf} of partition {row.part} is not what its leaf covers")
    return text


def record_of(row: LedgerRow, raw: bytes) -> FrameRecord:
    """A stored entry as a frame, with its raw bytes where they were read."""
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
        version=row.version,
        repairs=tuple(row.repairs),
        origin=row.origin,
        command_id=row.command_id,
    )


def head_of(session: Session, number: int = 0) -> SignedHead:
    """A signed head, 0 = the newest. Raises NotFound."""
    head = log_store.head(session, number) if number else log_store.last_head(session)
    if head is None:
        raise NotFound(f"no signed head {number or ''}".rstrip())
    return head

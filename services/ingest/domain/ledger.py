"""证据台账: what is written down of every frame, and where its bytes lie."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gmssl_pyx import sm3_hash

ACCEPTED = "accepted"
DUPLICATE = "duplicate"
REFUSED = "refused"

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """One frame (or bytes that were none) with the gate's verdict. Times are aware UTC."""

    raw: bytes
    sm3: bytes
    mn: str
    outlet_id: str
    cn: str
    qn: str
    data_time: datetime | None
    outcome: str
    reason: str
    received_at: datetime
    peer: str
    correlation_id: str
    notes: tuple[str, ...]
    version: int = 0  # of HJ 212 as it was read: 2005 | 2017 | 2025, 0 = no frame
    repairs: tuple[str, ...] = ()
    origin: int = 0  # number of Origin
    command_id: str = ""  # the call-back that it answers


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame's bytes lie: a compressed block of a segment, and a span inside the block."""

    segment: str
    block_offset: int
    block_size: int
    byte_offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Seal:
    """封存: leaves [first_leaf, first_leaf + size) under one root, as before heads were signed."""

    part: int
    first_leaf: int
    size: int
    hour: datetime
    root: bytes
    previous_seal_id: str
    chain: bytes

    @property
    def seal_id(self) -> str:
        """Name of the seal."""
        return seal_id(self.part, self.first_leaf)


def seal_id(part: int, first_leaf: int) -> str:
    """Name of the seal that starts at a leaf."""
    return f"p{part}-{first_leaf}"


def chain_hash(previous: bytes, root: bytes) -> bytes:
    """SM3(previous chain hash ‖ root); the first seal's previous one is empty."""
    return bytes(sm3_hash(previous + root))


def arrival_hour(received_at: datetime, now: datetime, last: datetime | None) -> datetime:
    """The hour a leaf is filed under: never before the last one, never ahead of our clock.

    A batch that waited for the bus, or a gate whose clock is off, must not reach back into an hour
    that is sealed, nor push the ledger into hours to come.
    """
    hour = min(received_at, now).replace(minute=0, second=0, microsecond=0)
    return max(hour, last) if last is not None else hour

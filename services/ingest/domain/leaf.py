"""台账条目: the canonical text of one ledger entry, and the leaf of the log over it (ADR 0017).

Version 2 is one line of JSON in the form of RFC 8785 (no spaces, UTF-8, minimal escapes): an array
whose members stand in the order of `FIELDS`. It covers what a hearing asks for: which bytes (both
digests), when they came, from where, what was made of them and why. Times are whole microseconds
or seconds since 1970 UTC, so that no number has two spellings. Version 1, of entries written
before, covered the SM3 digest of the raw bytes alone.
"""

import json
from datetime import UTC, datetime, timedelta

from services.ingest.domain.ledger import FrameRecord
from services.ingest.domain.merkle import leaf_hash

DIGEST_ONLY = 1
ENTRY = 2

#: Members of a version 2 entry in their order.
FIELDS = (
    "entry_version", "partition", "leaf", "arrival_hour_s", "received_at_us", "peer", "mn",
    "outlet_id", "cn", "qn", "data_time_s", "outcome", "reason", "hj212_version", "repairs",
    "origin", "command_id", "correlation_id", "notes", "size", "sm3", "sha256",
)  # fmt: skip

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


def entry_text(
    record: FrameRecord,
    *,
    part: int,
    leaf: int,
    hour: datetime,
    outcome: str,
    sha256: bytes,
    size: int,
) -> bytes:
    """The canonical bytes of an entry; `outcome` as it was settled, `hour` as it was filed.

    `size` is that of the raw bytes kept: a record made from a stored row has not read them.
    """
    when = record.data_time
    return _encode(
        (
            ENTRY,
            part,
            leaf,
            (hour - _EPOCH) // _SECOND,
            (record.received_at - _EPOCH) // _MICROSECOND,
            record.peer,
            record.mn,
            record.outlet_id,
            record.cn,
            record.qn,
            None if when is None else (when - _EPOCH) // _SECOND,
            outcome,
            record.reason,
            record.version,
            record.repairs,
            record.origin,
            record.command_id,
            record.correlation_id,
            record.notes,
            size,
            record.sm3.hex(),
            sha256.hex(),
        )
    ).encode()


def entry_leaf(version: int, sm3: bytes, text: bytes) -> bytes:
    """The leaf of an entry: SM3(00 ‖ text), or of a version 1 entry SM3(00 ‖ digest)."""
    return leaf_hash(sm3 if version == DIGEST_ONLY else text)

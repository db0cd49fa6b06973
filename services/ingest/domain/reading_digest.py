"""读数摘要: one digest over many stored rows that does not depend on their order.

A row's canonical form is JSON of its columns by name; bytes are hex, times whole microseconds. The
digest is the sum of the rows' SM3 digests modulo 2^256, with their number beside it: rows may come
from a table, from Parquet or from a rebuild, in any order and in any number of parts. The sum finds
damage and mistakes; what must stand against an adversary is the log.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gmssl_pyx import sm3_hash

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MODULUS = 1 << 256


@dataclass(slots=True)
class RowsDigest:
    """Number of rows and the sum of their digests."""

    rows: int = 0
    total: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row in."""
        self.rows += 1
        self.total = (self.total + int.from_bytes(sm3_hash(canonical(row)), "big")) % _MODULUS

    def merge(self, other: "RowsDigest") -> None:
        """Take another part in."""
        self.rows += other.rows
        self.total = (self.total + other.total) % _MODULUS

    @property
    def value(self) -> bytes:
        """32 bytes."""
        return self.total.to_bytes(32, "big")


def canonical(row: Mapping[str, Any]) -> bytes:
    """The one spelling of a row."""
    text = json.dumps(row, default=_plain, sort_keys=True, ensure_ascii=False)
    return text.encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - _EPOCH) // timedelta(microseconds=1)
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    raise TypeError(f"a row holds no {type(value).__name__}")

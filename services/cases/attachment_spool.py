"""Receives the bytes of a file 证据材料 with bounded memory: counted, digested, kept aside.

A file of hundreds of megabytes waits in a temporary file, and no transaction is open meanwhile: a
phone on a bad line may take minutes. Nothing is left of one that is not finished.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Self, cast

from services.cases.domain.attachments import HEAD_BYTES
from services.chassis.errors import InputRejected

#: Most bytes of one message, and of one row.
CHUNK = 1024 * 1024
#: A file up to here stays in memory: signatures and small photos need no disk.
_IN_MEMORY = CHUNK


@dataclass(frozen=True)
class Received:
    """A file that arrived whole; `source` stands at its beginning."""

    source: BinaryIO
    size_bytes: int
    sha256: bytes
    sm3: bytes
    head: bytes

    def chunks(self) -> Iterator[bytes]:
        """The bytes in pieces of at most 1 MiB."""
        self.source.seek(0)
        while piece := self.source.read(CHUNK):
            yield piece


class Spool:
    """Takes pieces until the file is whole; leaving it throws the bytes away."""

    def __init__(self, most: int) -> None:
        self._most = most
        # `with` closes it: see __exit__.
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._file = cast("BinaryIO", file)
        self._size = 0
        self._head = b""
        self._sha256, self._sm3 = hashlib.sha256(), hashlib.new("sm3")

    def __enter__(self) -> Self:
        """Nothing to do: the file is open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Forget the bytes."""
        self._file.close()

    def add(self, piece: bytes) -> None:
        """Take a piece. Raises `InputRejected` when it is too large, or the whole becomes so."""
        if len(piece) > CHUNK:
            raise InputRejected("a piece has at most 1 MiB", field="chunk", size=str(len(piece)))
        self._size += len(piece)
        if self._size > self._most:
            raise InputRejected(
                f"the file is larger than {self._most} bytes", field="chunk", limit=str(self._most)
            )
        if len(self._head) < HEAD_BYTES:
            self._head = (self._head + piece)[:HEAD_BYTES]
        self._file.write(piece)
        self._sha256.update(piece)
        self._sm3.update(piece)

    def received(self, stated: bytes) -> Received:
        """The whole file. Raises `InputRejected` for none, and with both digests if they differ."""
        if not self._size:
            raise InputRejected("the file is empty", field="chunk")
        digest = self._sha256.digest()
        if stated and stated != digest:
            raise InputRejected(
                "the file is not the one that was announced",
                field="sha256",
                stated=stated.hex(),
                computed=digest.hex(),
                size=str(self._size),
            )
        return Received(self._file, self._size, digest, self._sm3.digest(), self._head)

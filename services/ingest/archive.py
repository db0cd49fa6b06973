"""原始报文归档: append-only segment files, a zstd frame a batch, flushed to disk before the commit.

A segment has one writer (its name holds the writer's), so two replicas never share one and a crash
leaves at most a tail that no ledger row refers to. Such a tail is harmless and stays.
"""

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import zstandard

from services.chassis.errors import NotFound, StorageFull
from services.ingest.domain.ledger import Place

SEGMENT_BYTES = 64 * 1024 * 1024
BLOCK_LIMIT = 256 * 1024 * 1024  # uncompressed; far above any batch

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

Run = Callable[[Callable[[], None]], None]


@dataclass(slots=True)
class _Open:
    name: str
    file: BinaryIO
    size: int


class Archive:
    """Writes and reads segments below `root`. `run` may move the disk's waiting to a thread."""

    def __init__(
        self,
        root: Path,
        writer: str,
        *,
        run: Run = lambda call: call(),
    ) -> None:
        self.root = root
        self._writer = writer
        self._run = run
        self._open: dict[int, _Open] = {}
        self._count = 0
        self._reserving = Lock()

    def append(self, part: int, raws: Sequence[bytes], now: datetime) -> list[Place]:
        """Store frames together; on disk when this returns. Gives each frame's place.

        Raises StorageFull when the disk has no room; nothing that follows is shifted by it.
        """
        try:
            return self._append(part, raws, now)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise StorageFull(f"archive: {error.strerror}") from error

    def _append(self, part: int, raws: Sequence[bytes], now: datetime) -> list[Place]:
        block = zstandard.ZstdCompressor(level=3).compress(b"".join(raws))
        # The span is reserved before the write may wait: neither a second batch meanwhile nor a
        # failed write moves the offset of anything that follows.
        with self._reserving:
            segment = self._segment(part, now)
            start = segment.size
            segment.size += len(block)
        self._run(lambda: _write(segment.file, block, start))
        places, position = [], 0
        for raw in raws:
            places.append(Place(segment.name, start, len(block), position, len(raw)))
            position += len(raw)
        return places

    def read_block(self, segment: str, offset: int, size: int) -> bytes:
        """The frames of one block, uncompressed.

        Raises NotFound when the file is not here or does not hold the block any more.
        """
        path = self.root / segment
        try:
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read(size)
        except FileNotFoundError as error:
            raise NotFound(f"archive segment {segment} is missing") from error
        try:
            return zstandard.ZstdDecompressor().decompress(data, max_output_size=BLOCK_LIMIT)
        except zstandard.ZstdError as error:
            raise NotFound(f"archive segment {segment} is damaged: {error}") from error

    def close(self) -> None:
        """Close the open segments."""
        for segment in self._open.values():
            segment.file.close()
        self._open.clear()

    def _segment(self, part: int, now: datetime) -> _Open:
        current = self._open.get(part)
        if current is not None and current.size < SEGMENT_BYTES:
            return current
        if current is not None:
            current.file.close()
        self._count += 1
        name = f"p{part}/{now:%Y%m%dT%H%M%S}-{self._writer}-{self._count}.zst"
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # "x": a name taken by somebody else must fail rather than be written by two.
        self._open[part] = opened = _Open(name, path.open("xb", buffering=0), 0)
        self._run(lambda: _sync_folders(path.parent, self.root))
        return opened


def _write(file: BinaryIO, block: bytes, offset: int) -> None:
    """Write at an offset and wait for the disk."""
    left = memoryview(block)
    while left:
        written = os.pwrite(file.fileno(), left, offset)
        left, offset = left[written:], offset + written
    os.fsync(file.fileno())


def _sync_folders(*folders: Path) -> None:
    """A new file's name is safe once its folder is."""
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

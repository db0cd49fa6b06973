"""The zip of a record 卷宗包: stored, without times of its own: the same content, the same file.

What is stored and not packed can be written again byte for byte by anybody: a checker does that and
finds every byte that is not as it was written, those between the files too.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

PIECE = 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LARGE = 2**31 - 1
_HEADER, _NAME_AT, _EXTRA_AT = 30, 26, 28
_LOCAL = b"PK\x03\x04"


@dataclass(frozen=True)
class Kept:
    """A file of the zip with what was computed on its way."""

    path: str
    size_bytes: int
    sha256: str
    sm3: str


class RecordZip:
    """Writes a zip file by file; gives size and digests of each."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)

    def add(self, path: str, pieces: Iterable[bytes], size: int) -> Kept:
        """Write a file of a known size. `ValueError` when it has another."""
        info = zipfile.ZipInfo(path, _EPOCH)
        info.create_system, info.external_attr = 3, 0o644 << 16
        info.file_size = size
        sha256, sm3, written = hashlib.sha256(), hashlib.new("sm3"), 0
        with self._zip.open(info, "w", force_zip64=size > _LARGE) as target:
            for piece in pieces:
                target.write(piece)
                sha256.update(piece)
                sm3.update(piece)
                written += len(piece)
        if written != size:
            raise ValueError(f"{path} has {written} bytes and should have {size}")
        return Kept(path, size, sha256.hexdigest(), sm3.hexdigest())

    def close(self) -> None:
        """End the zip."""
        self._zip.close()


def entries(file: IO[bytes]) -> list[zipfile.ZipInfo]:
    """Files in the order they were written. Raises `zipfile.BadZipFile`."""
    with zipfile.ZipFile(file) as archive:
        return sorted(archive.infolist(), key=lambda info: info.header_offset)


def stored(file: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of a file as they lie there, without asking whether they are right."""
    file.seek(info.header_offset)
    header = file.read(_HEADER)
    if len(header) < _HEADER or not header.startswith(_LOCAL):
        return
    name = int.from_bytes(header[_NAME_AT:_EXTRA_AT], "little")
    extra = int.from_bytes(header[_EXTRA_AT:_HEADER], "little")
    file.seek(info.header_offset + _HEADER + name + extra)
    left = info.file_size
    while left and (piece := file.read(min(PIECE, left))):
        left -= len(piece)
        yield piece


def digests(pieces: Iterable[bytes]) -> tuple[int, str, str]:
    """Size, SHA-256, SM3."""
    sha256, sm3, size = hashlib.sha256(), hashlib.new("sm3"), 0
    for piece in pieces:
        sha256.update(piece)
        sm3.update(piece)
        size += len(piece)
    return size, sha256.hexdigest(), sm3.hexdigest()

"""压缩包形式 The one zip file that a list of entries can have.

A zip has many spellings: order, times, attributes, comments, compression, gaps. We write exactly
one (stored, 1980-01-01, UTF-8 names, no extras) and the reader accepts no other, so every byte of
the file is either content, which a digest covers, or form, which follows from the content. Stored
and not deflated: the bytes of deflate differ between zlib versions. Field layout: PKWARE APPNOTE
6.3, 4.3.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 20
_MADE_BY = (3 << 8) | _VERSION  # Unix, so that the attributes below mean rw-r--r--
_UTF8_NAMES = 0x0800
_DOS_DATE = (0 << 9) | (1 << 5) | 1
_ATTRIBUTES = 0o100644 << 16
_MAX_ENTRIES = 0xFFFF - 1
_MAX_BYTES = 0xFFFFFFFF - 1


class ZipFault(ValueError):
    """The file is not in the canonical form; `place` says where."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place, self.reason = place, reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive. `checksum_fits` compares the header's CRC-32 with the content."""

    path: str
    data: bytes
    checksum_fits: bool = True


def write(entries: Iterable[tuple[str, bytes]]) -> bytes:
    """The canonical archive of these (path, content) pairs, in this order."""
    parts: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for path, data in entries:
        head = _local_header(path.encode(), data)
        directory.append(_central_header(path.encode(), data, offset))
        parts += [head, data]
        offset += len(head) + len(data)
    if len(directory) > _MAX_ENTRIES or offset > _MAX_BYTES:
        raise ValueError("too much for a zip without the 64-bit extension")
    return b"".join([*parts, *directory, _end_record(directory, offset)])


def read(archive: bytes) -> list[Entry]:
    """The entries of a canonical archive; ZipFault names the first place that differs."""
    entries: list[Entry] = []
    directory: list[bytes] = []
    offset = 0
    while archive[offset : offset + 4] != b"PK\x01\x02":
        entry, end = _read_local(archive, offset, _place_after(entries))
        entries.append(entry)
        directory.append(_central_header(entry.path.encode(), entry.data, offset))
        offset = end
    _check_tail(archive, offset, directory, entries)
    return entries


def _local_header(name: bytes, data: bytes) -> bytes:
    fields = (_VERSION, _UTF8_NAMES, 0, 0, _DOS_DATE, zlib.crc32(data), len(data), len(data))
    return _LOCAL.pack(b"PK\x03\x04", *fields, len(name), 0) + name


def _central_header(name: bytes, data: bytes, offset: int) -> bytes:
    fields = (_MADE_BY, _VERSION, _UTF8_NAMES, 0, 0, _DOS_DATE, zlib.crc32(data), len(data))
    rest = (len(data), len(name), 0, 0, 0, 0, _ATTRIBUTES, offset)
    return _CENTRAL.pack(b"PK\x01\x02", *fields, *rest) + name


def _end_record(directory: list[bytes], offset: int) -> bytes:
    size = sum(map(len, directory))
    return _END.pack(b"PK\x05\x06", 0, 0, len(directory), len(directory), size, offset, 0)


def _place_after(entries: list[Entry]) -> str:
    return f"zip header after {entries[-1].path if entries else 'the start of the file'}"


def _read_local(archive: bytes, offset: int, place: str) -> tuple[Entry, int]:
    start = offset + _LOCAL.size
    if start > len(archive):
        raise ZipFault(place, "the file ends early")
    fields = _LOCAL.unpack_from(archive, offset)
    crc, size, name_length = fields[6], fields[7], fields[9]
    name = archive[start : start + name_length]
    data = archive[start + name_length : start + name_length + size]
    try:
        path = name.decode()
    except UnicodeDecodeError:
        raise ZipFault(place, "the name is no UTF-8") from None
    found = archive[offset : start + name_length]
    expected = _local_header(name, data)
    # The checksum is judged later, together with the digests: they tell header from content.
    if _without_checksum(found) != _without_checksum(expected):
        raise ZipFault(f"{place} ({path})", "not in canonical form")
    return Entry(path, data, crc == zlib.crc32(data)), start + name_length + size


def _without_checksum(header: bytes) -> bytes:
    return header[:14] + header[18:]


def _check_tail(archive: bytes, offset: int, directory: list[bytes], entries: list[Entry]) -> None:
    """Compare what follows the last entry with what must follow it."""
    if not all(entry.checksum_fits for entry in entries):
        return  # the directory repeats the checksums; the content is the place to name
    position = offset
    for entry, expected in zip(entries, directory, strict=True):
        found = archive[position : position + len(expected)]
        if found != expected:
            name = found[_CENTRAL.size :].decode(errors="replace")
            place = f"zip header or directory entry of {entry.path}"
            raise ZipFault(place, f"header and directory disagree; the directory says {name!r}")
        position += len(expected)
    if archive[position:] != _end_record(directory, offset):
        raise ZipFault("zip end record", "not in canonical form")

"""Frames out of a byte stream (通讯包, HJ 212-2017 6.3): by length, never by looking for the tail.

A 2025 data area is cipher text and may hold `##` or CR LF, so the declared length leads and the CRC
confirms it. When a frame does not verify, reading goes on at the next header whose frame verifies;
what lies before it becomes one `Fault` with its name. Every byte fed ends in exactly one item:
`Frame`, `Fault` or `Filler`, and the items do not depend on how the stream was cut into reads.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.ingest.hj212.crc import crc16
from services.ingest.hj212.policy import PolicyOf, default_policy

SEGMENT_LIMIT = 1024  # HJ 212-2017 table 1
# Real loggers send unsplit segments of 1025 and 1623 bytes; they are read and noted.
SEGMENT_ACCEPTED = 2048
FRAME_OVERHEAD = 12  # header 2, length 4, CRC 4, tail 2
FAULT_LIMIT = 4096  # bytes without any end in sight are cut here, so memory is bounded

_HEADER = b"##"
_HEADER_START = 6  # header and length field
_FILLER = b"\r\n\0 \t"
_FILLER_ONLY = re.compile(rb"[\r\n\0 \t]+")
_LOOKS_LIKE_END = re.compile(rb"[0-9A-Fa-f]{4}\r\n")
_LOOKS_LIKE_HEADER = re.compile(rb"##[0-9]")
_HEX = frozenset(b"0123456789ABCDEFabcdef")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose length and CRC agree; `notes` name what was tolerated."""

    offset: int
    raw: bytes
    segment: bytes
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cipher: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes that are no frame; `kind` is crc, length, header, incomplete or too_long."""

    offset: int
    raw: bytes
    kind: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Filler:
    """Line ends, NULs and blanks between frames: padding of some senders, no fault."""

    offset: int
    raw: bytes


Item = Frame | Fault | Filler


@dataclass(frozen=True, slots=True)
class _Good:
    """A frame that verifies: where its segment ends and where it ends."""

    segment_end: int
    end: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Bad:
    """A fault; `end` is 0 where only the bytes to come can tell how far it reaches."""

    kind: str
    end: int = 0


_Verdict = _Good | _Bad | None  # None: more bytes are needed


class Framer:
    """Cuts one connection's bytes into items; holds at most some kilobytes."""

    def __init__(
        self, policy_of: PolicyOf = default_policy, accepted_segment: int = SEGMENT_ACCEPTED
    ) -> None:
        self._policy_of = policy_of
        self._accepted = accepted_segment
        self._buffer = bytearray()
        self._offset = 0
        self._scan = 0  # headers before this place inside a fault are known not to verify

    @property
    def held(self) -> bytes:
        """Bytes that wait for more to come."""
        return bytes(self._buffer)

    @property
    def begun(self) -> bool:
        """Whether a frame was begun and not finished (padding does not count)."""
        return bool(self._buffer.strip(_FILLER))

    def feed(self, data: bytes) -> list[Item]:
        """The items that these bytes complete."""
        self._buffer += data
        return list(self._items(final=False))

    def flush(self) -> list[Item]:
        """Whatever is held, as items: the stream ended, or stalled in the middle of a frame."""
        return list(self._items(final=True))

    def _items(self, *, final: bool) -> Iterator[Item]:
        while self._buffer:
            item = self._next(final=final)
            if item is None:
                return
            yield item

    def _next(self, *, final: bool) -> Item | None:
        buffer = self._buffer
        if buffer[0] in _FILLER:
            return self._filler(final=final)
        verdict = self._judge(0, final=final)
        if verdict is None:
            return None
        if isinstance(verdict, _Good):
            segment = bytes(buffer[_HEADER_START : verdict.segment_end])
            offset, raw = self._take(verdict.end)
            return Frame(offset, raw, segment, notes=verdict.notes)
        end = self._fault_end(verdict, final=final)
        return Fault(*self._take(end), verdict.kind) if end else None

    def _take(self, size: int) -> tuple[int, bytes]:
        offset, raw = self._offset, bytes(self._buffer[:size])
        del self._buffer[:size]
        self._offset += size
        self._scan = 0
        return offset, raw

    def _filler(self, *, final: bool) -> Filler | None:
        run = _FILLER_ONLY.match(self._buffer)
        end = min(run.end(), FAULT_LIMIT) if run else 0
        if end == len(self._buffer) and end < FAULT_LIMIT and not final:
            return None
        return Filler(*self._take(end))

    def _judge(self, start: int, *, final: bool) -> _Verdict:
        """Whether a frame stands at `start`."""
        buffer = self._buffer
        available = len(buffer) - start
        if not _HEADER.startswith(buffer[start : start + 2]):
            return _Bad("header")
        if available < _HEADER_START:
            digits = bytes(buffer[start + 2 :])
            if digits and not digits.isdigit():
                return _Bad("length")
            return _Bad("incomplete", available) if final else None
        length_field = bytes(buffer[start + 2 : start + _HEADER_START])
        if not length_field.isdigit():
            return _Bad("length")
        length = int(length_field)
        if length > self._accepted:
            return _Bad("too_long")
        crc_start = start + _HEADER_START + length
        if len(buffer) < crc_start + 4:
            return self._cut_off(start) if final else None
        return self._verify(start, crc_start, final=final)

    def _cut_off(self, start: int) -> _Bad:
        """The stream ended inside the declared length: cut off, or declared too long."""
        ended = _LOOKS_LIKE_END.search(self._buffer, start + _HEADER_START)
        return _Bad("length") if ended else _Bad("incomplete", len(self._buffer) - start)

    def _verify(self, start: int, crc_start: int, *, final: bool) -> _Verdict:
        """The declared length has arrived: whether CRC and tail agree with it."""
        buffer = self._buffer
        tail = bytes(buffer[crc_start + 4 : crc_start + 6])
        if not final and (not tail or tail == b"\r"):
            return None
        digits = bytes(buffer[crc_start : crc_start + 4])
        segment = bytes(buffer[start + _HEADER_START : crc_start])
        if _HEX.issuperset(digits) and int(digits, 16) == crc16(segment):
            notes = [] if digits == digits.upper() else ["crc_lower_case"]
            if len(segment) > SEGMENT_LIMIT:
                notes.append("segment_over_1024")
            if tail == b"\r\n":
                tail_size = 2
            else:
                notes.append("tail")
                tail_size = 1 if tail[:1] in (b"\r", b"\n") else 0
            return _Good(crc_start, crc_start + 4 + tail_size, tuple(notes))
        if tail == b"\r\n":
            return _Bad("crc", crc_start + 6)
        return _Bad("length")

    def _fault_end(self, bad: _Bad, *, final: bool) -> int:
        """Where the fault at the start of the buffer ends; 0 while that is not known."""
        limit = self._natural_end(bad, final=final)
        known = limit > 0
        if not known:
            limit = min(FAULT_LIMIT, len(self._buffer))
        start = max(self._scan, 1)
        while (start := self._buffer.find(_HEADER, start, limit + 1)) >= 0 and start < limit:
            verdict = self._judge(start, final=final)
            if isinstance(verdict, _Good):
                return start
            if verdict is None:
                self._scan = start
                return 0
            start += 1
        if known or final or limit == FAULT_LIMIT:
            return limit
        self._scan = max(1, limit - 1)
        return 0

    def _natural_end(self, bad: _Bad, *, final: bool) -> int:
        """Where the bad frame itself says that it ends, or 0."""
        if bad.end:
            return bad.end
        pattern = _LOOKS_LIKE_HEADER if bad.kind == "header" else _LOOKS_LIKE_END
        found = pattern.search(self._buffer, 1, FAULT_LIMIT)
        if found:
            return found.start() if bad.kind == "header" else found.end()
        return len(self._buffer) if final and len(self._buffer) < FAULT_LIMIT else 0

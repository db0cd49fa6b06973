"""Frames out of a byte stream (通讯包, HJ 212-2017 6.3): by length, never by looking for the tail.

A 2025 data area is cipher text and may hold `##` or CR LF, so the declared length leads and the CRC
confirms it. When a frame does not verify, reading goes on at the next header whose frame verifies;
what lies before it becomes one `Fault` with its name. Every byte fed ends in exactly one item:
`Frame`, `Fault` or `Filler`, and the items do not depend on how the stream was cut into reads.
"""

import re
from dataclasses import dataclass

from services.ingest.hj212.crc import crc16
from services.ingest.hj212.judging import REPAIRS, SEGMENT_LIMIT, Bad, Good, Judge, crc_detail
from services.ingest.hj212.policy import PolicyOf, default_policy

__all__ = [
    "FAULT_LIMIT",
    "REPAIRS",
    "SEGMENT_ACCEPTED",
    "SEGMENT_LIMIT",
    "Fault",
    "Filler",
    "Frame",
    "Framer",
    "Item",
]

# Real loggers send unsplit segments of 1025 and 1623 bytes; they are read and noted.
SEGMENT_ACCEPTED = 2048
FAULT_LIMIT = 4096  # bytes without any end in sight are cut here, so memory is bounded

_HEADER = b"##"
_AT_ONCE = 16384  # longer reads are taken in parts, so that memory does not depend on the caller
_FILLER = b"\r\n\0 \t"
_FILLER_ONLY = re.compile(rb"[\r\n\0 \t]+")
_LOOKS_LIKE_END = re.compile(rb"[0-9A-Fa-f]{4}\r\n")
_LOOKS_LIKE_HEADER = re.compile(rb"##[0-9]")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame whose CRC agrees with its segment.

    `segment` is the plaintext, put right by what `repairs` names; `notes` name what the standard
    does not allow and nothing had to be put right for; `cipher` is the wire form of an encrypted
    data area, "raw" or "hex". `raw` is what arrived.
    """

    offset: int
    raw: bytes
    segment: bytes
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cipher: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """Bytes that are no frame.

    `kind` is crc, length, header, incomplete, too_long, or malformed for a repair that is switched
    off; `detail` says it in words and begins with crc_modbus, crc_modbus_byte_swapped or
    crc_byte_swapped where that is the mistake.
    """

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


class Framer:
    """Cuts one connection's bytes into items; holds at most some kilobytes.

    `policy_of` gives for an MN the repairs that are off and the keys; `accepted_segment` is the
    longest segment that is read (1024 by rule, longer ones occur).
    """

    def __init__(
        self, policy_of: PolicyOf = default_policy, accepted_segment: int = SEGMENT_ACCEPTED
    ) -> None:
        self._judge = Judge(policy_of, accepted_segment)
        self._buffer = b""
        self._offset = 0
        self._scan = 0  # headers before this place inside a fault are known not to verify
        self._sought = 1  # before this place the fault shows no end

    @property
    def held(self) -> bytes:
        """Bytes that wait for more to come."""
        return self._buffer

    @property
    def begun(self) -> bool:
        """Whether a frame was begun and not finished (padding does not count)."""
        return bool(self._buffer.strip(_FILLER))

    def feed(self, data: bytes) -> list[Item]:
        """The items that these bytes complete."""
        items: list[Item] = []
        for start in range(0, len(data), _AT_ONCE):
            self._buffer += data[start : start + _AT_ONCE]
            self._read(items, final=False)
        return items

    def flush(self) -> list[Item]:
        """Whatever is held, as items: the stream ended, or stalled in the middle of a frame."""
        items: list[Item] = []
        self._read(items, final=True)
        return items

    def _read(self, items: list[Item], *, final: bool) -> None:
        while self._buffer:
            self._perfect(items)
            item = self._next(final=final) if self._buffer else None
            if item is None:
                return
            items.append(item)

    def _perfect(self, items: list[Item]) -> None:
        """Take the frames that are as the standard has them; `Judge` reads all others.

        An area that begins with sixteen letters and digits may be encrypted hex, one that is not
        ASCII raw cipher bytes: a CRC that agrees with them could be chance.
        """
        buffer, begin, position = self._buffer, self._offset, 0
        if self._judge.failed(begin):
            return
        while buffer.startswith(_HEADER, position):
            digits = buffer[position + 2 : position + 6]
            if not digits.isdigit():
                break
            crc_at = position + 6 + int(digits)
            end = crc_at + 6
            if buffer[crc_at + 4 : end] != b"\r\n":
                break
            segment = buffer[position + 6 : crc_at]
            area_at = segment.find(b"CP=&&") + 5
            if (
                not segment.isascii()
                or not segment.endswith(b"&&")
                or segment[area_at : area_at + 16].isalnum()
                or b"%04X" % crc16(segment) != buffer[crc_at : crc_at + 4]
                or len(segment) > SEGMENT_LIMIT
            ):
                break
            items.append(Frame(begin + position, buffer[position:end], segment))
            position = end
        if position:
            self._take(position)

    def _next(self, *, final: bool) -> Item | None:
        if self._buffer[0] in _FILLER:
            return self._filler(final=final)
        verdict = self._judge.judge(self._buffer, 0, self._offset, final=final)
        if verdict is None:
            return None
        if isinstance(verdict, Good):
            offset, raw = self._take(verdict.size)
            return Frame(
                offset, raw, verdict.segment, verdict.repairs, verdict.notes, verdict.cipher
            )
        end = self._fault_end(verdict, final=final)
        if not end:
            return None
        offset, raw = self._take(end)
        return Fault(offset, raw, verdict.kind, _detail(verdict, raw))

    def _take(self, size: int) -> tuple[int, bytes]:
        offset, raw = self._offset, self._buffer[:size]
        self._buffer = self._buffer[size:]
        self._offset += size
        self._scan, self._sought = 0, 1
        self._judge.forget(self._offset)
        return offset, raw

    def _filler(self, *, final: bool) -> Filler | None:
        run = _FILLER_ONLY.match(self._buffer)
        end = min(run.end(), FAULT_LIMIT) if run else 0
        if end == len(self._buffer) and end < FAULT_LIMIT and not final:
            return None
        return Filler(*self._take(end))

    def _fault_end(self, bad: Bad, *, final: bool) -> int:
        """Where the fault at the start of the buffer ends; 0 while that is not known."""
        buffer = self._buffer
        limit = self._natural_end(bad, final=final)
        known = limit > 0
        if not known:
            limit = min(FAULT_LIMIT, len(buffer))
        start = max(self._scan, 1)
        while (start := buffer.find(_HEADER, start, limit + 1)) >= 0 and start < limit:
            verdict = self._judge.judge(buffer, start, self._offset + start, final=final)
            if isinstance(verdict, Good):
                return start
            if verdict is None:
                self._scan = start
                return 0
            start += 1
        if known or final or limit == FAULT_LIMIT:
            return limit
        self._scan = max(1, limit - 1)
        return 0

    def _natural_end(self, bad: Bad, *, final: bool) -> int:
        """Where the bad frame itself says that it ends, or 0."""
        if bad.size:
            return bad.size
        pattern = _LOOKS_LIKE_HEADER if bad.kind == "header" else _LOOKS_LIKE_END
        found = pattern.search(self._buffer, self._sought, FAULT_LIMIT)
        if found:
            return found.start() if bad.kind == "header" else found.end()
        self._sought = max(1, min(len(self._buffer), FAULT_LIMIT) - 5)  # an end has six bytes
        return len(self._buffer) if final and len(self._buffer) < FAULT_LIMIT else 0


def _detail(bad: Bad, raw: bytes) -> str:
    """The fault's detail; the CRC is looked into only where the fault holds all of its frame."""
    if not bad.crc_at or len(raw) < bad.crc_at + 4:
        return bad.detail
    words = crc_detail(raw[bad.segment_at : bad.crc_at], raw[bad.crc_at : bad.crc_at + 4])
    return f"{words}; {bad.detail}" if bad.detail else words

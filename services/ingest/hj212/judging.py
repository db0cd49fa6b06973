"""Whether a frame stands at a header (帧判定): as declared, or put right where the CRC agrees.

First the declared length; only if that fails, the first end one can see (`&&4DC0` and a tail). A
repair needs the CRC to agree over the repaired segment and no further header inside, so it can
never swallow a frame behind it: the CRC has 256 values (hj212.md 1.6), too few to try many ends.
"""

import re
from dataclasses import dataclass

from services.ingest.hj212.cipher import looks_encrypted, plaintexts
from services.ingest.hj212.crc import crc16, crc16_modbus
from services.ingest.hj212.policy import PolicyOf

SEGMENT_LIMIT = 1024  # HJ 212-2017 table 1

REPAIRS = {
    "length": "length",
    "length_unpadded": "length",
    "length_in_characters": "length",
    "crc_lower_case": "crc",
    "crc_unpadded": "crc",
    "tail_missing": "length",
    "tail_lf": "length",
    "area_not_closed": "malformed",
}
"""Every repair by its name, and the kind of fault that the frame is where it is switched off."""

# Repairs that leave the frame's end where the standard puts it: they are no guess.
_EXACT = frozenset({"crc_lower_case"})

_OPEN = b"CP=&&"
_CLOSE = b"&&"
_MN = re.compile(rb"(?:^|[;,])[ ]*MN[ ]*=([^;,&]*)", re.IGNORECASE)
_HEADER_INSIDE = re.compile(rb"##[0-9]")
_HEX = re.compile(rb"[0-9A-Fa-f]{4}")
_SHORT_HEX = re.compile(rb"([0-9A-Fa-f]{1,3})\r\n")
# An end that one can see, or the header that stands before any.
_END = re.compile(
    rb"(?P<crc>[0-9A-Fa-f]{4})\r?\n|&&(?P<bare>[0-9A-Fa-f]{4})(?=##[0-9])|(?P<header>##[0-9])"
)
_LAST_END = re.compile(
    rb"(?P<crc>[0-9A-Fa-f]{4})\r?\n|&&(?P<bare>[0-9A-Fa-f]{4})(?=##[0-9]|\r?\Z)|(?P<header>##[0-9])"
)

# Work against hostile bytes: CRC is computed over at most this many bytes in vain, and so many more
# for each byte of the stream. Real faults spend about one byte a byte.
_FREE_WORK = 65536
_WORK_A_BYTE = 16


@dataclass(frozen=True, slots=True)
class Good:
    """A frame that verifies; `size` is all of it, `segment` its plaintext."""

    size: int
    segment: bytes
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cipher: str = ""


@dataclass(frozen=True, slots=True)
class Bad:
    """No frame. `size` is 0 where only the bytes to come can tell how far the fault reaches.

    `crc_at` is the place of the CRC, counted from the header, that did not agree; 0 = none.
    """

    kind: str
    size: int = 0
    detail: str = ""
    segment_at: int = 0
    crc_at: int = 0


Verdict = Good | Bad | None  # None: more bytes are needed


@dataclass(slots=True)
class _Header:
    """What is known of a header while its bytes arrive."""

    declared_fails: bool = False
    searched: int = 0  # no end was seen before this place
    bad: Bad | None = None


class Judge:
    """Judges headers of one stream; remembers what it found out, so nothing is computed twice."""

    def __init__(self, policy_of: PolicyOf, accepted_segment: int) -> None:
        self._policy_of = policy_of
        self._accepted = accepted_segment
        self._headers: dict[int, _Header] = {}
        self.work = 0  # bytes whose CRC was computed and did not agree

    def forget(self, offset: int) -> None:
        """Drop what is known of headers before this place of the stream."""
        if self._headers:
            self._headers = {at: known for at, known in self._headers.items() if at >= offset}

    def failed(self, offset: int) -> bool:
        """Whether the header there is known not to verify by its declared length."""
        known = self._headers.get(offset)
        return known is not None and known.declared_fails

    def judge(self, buffer: bytes, start: int, offset: int, *, final: bool) -> Verdict:
        """The verdict on a header at `start`, which is `offset` in the stream."""
        field = buffer[start : start + 6]
        if field[:2] != b"##"[: len(field)]:
            return Bad("header")
        digits = field[2:]
        while digits and not digits.isdigit():
            digits = digits[:-1]
        complete = len(digits) == 4 or len(field) > 2 + len(digits)
        if complete and not digits:
            return Bad("length", detail="no length field")
        if not complete:
            return Bad("incomplete", len(field)) if final else None
        header = self._headers.setdefault(offset, _Header())
        if header.bad is not None:
            return header.bad
        verdict: Verdict = None
        segment_at = start + 2 + len(digits)
        if not header.declared_fails and int(digits) <= self._accepted:
            verdict = self._declared(buffer, start, segment_at, offset, digits, final=final)
            if verdict is None:
                return None
        if verdict is None or (isinstance(verdict, Bad) and not verdict.size):
            header.declared_fails = True
            verdict = self._visible(buffer, start, segment_at, offset, digits, final=final)
        if isinstance(verdict, Bad):
            header.bad = verdict
        return verdict

    def _declared(
        self, buffer: bytes, start: int, segment_at: int, offset: int, digits: bytes, *, final: bool
    ) -> Verdict:
        """The frame read by its declared length."""
        crc_at = segment_at + int(digits)
        crc, tail = buffer[crc_at : crc_at + 4], buffer[crc_at + 4 : crc_at + 6]
        if not final and (len(crc) < 4 or tail in {b"", b"\r"}):
            return None
        repairs = [] if len(digits) == 4 else ["length_unpadded"]
        short = _SHORT_HEX.match(crc + tail)
        if short is not None:
            crc, end = short[1], crc_at + short.end()
            repairs.append("crc_unpadded")
        elif not _HEX.fullmatch(crc):
            return Bad("crc", crc_at + 6 - start, "no CRC") if tail == b"\r\n" else Bad("length")
        elif tail == b"\r\n":
            end = crc_at + 6
        elif tail[:1] == b"\n":
            repairs.append("tail_lf")
            end = crc_at + 5
        else:
            repairs.append("tail_missing")
            end = crc_at + 4 + (tail[:1] == b"\r")
        good = self._agrees(buffer[segment_at:crc_at], crc, offset, end - start, repairs)
        if good is None:
            size = end - start if tail == b"\r\n" and short is None else 0
            return Bad("crc", size, "", segment_at - start, crc_at - start)
        return good

    def _visible(
        self, buffer: bytes, start: int, segment_at: int, offset: int, digits: bytes, *, final: bool
    ) -> Verdict:
        """The frame read up to the first end one can see, whatever its length field says."""
        header = self._headers[offset]
        declared = int(digits)
        too_long = declared > self._accepted
        limit = segment_at + self._accepted + 6
        pattern = _LAST_END if final else _END
        found = pattern.search(buffer, max(segment_at, start + header.searched), limit)
        if found is None:
            if not final and len(buffer) < limit:
                header.searched = max(0, len(buffer) - start - 12)
                return None
            cut = final and len(buffer) < segment_at + declared + 4 and not too_long
            if cut:
                return Bad("incomplete", len(buffer) - start, f"declared {declared}")
            return Bad("too_long" if too_long else "length", detail=f"declared {declared}")
        if found["header"]:
            return Bad("too_long" if too_long else "length", detail=f"declared {declared}")
        crc_at = found.start("crc") if found["crc"] else found.start("bare")
        segment = buffer[segment_at:crc_at]
        end, repairs = found.end(), [_length_repair(digits, segment)]
        if found["bare"]:
            repairs.append("tail_missing")
            end += buffer[end : end + 1] == b"\r"
        elif buffer[end - 2 : end] != b"\r\n":
            repairs.append("tail_lf")
        good = self._agrees(segment, buffer[crc_at : crc_at + 4], offset, end - start, repairs)
        kind = "too_long" if too_long else "length"
        detail = f"declared {declared}, found {len(segment)}"
        return good or Bad(kind, end - start, detail, segment_at - start, crc_at - start)

    def _agrees(
        self, segment: bytes, crc: bytes, offset: int, size: int, repairs: list[str]
    ) -> Verdict:
        """The frame, if the CRC agrees: with the segment, with it closed, or with its plaintext."""
        if self.work > _FREE_WORK + _WORK_A_BYTE * offset:
            return None
        if crc != crc.upper():
            repairs = [*repairs, "crc_lower_case"]
        whole = _OPEN in segment and not _HEADER_INSIDE.search(segment)
        if not whole and not _EXACT.issuperset(repairs):
            return None
        wanted = int(crc, 16)
        policy = self._policy_of(_mn_in(segment))
        for plaintext, form in plaintexts(segment, policy.keys):
            # The CRC of cipher bytes agrees by chance once in 256 times: the text must be one too.
            if crc16(plaintext) == wanted and not looks_encrypted(plaintext):
                return _good(size, plaintext, repairs, policy.repairs_off, form)
            self.work += len(segment)
        open_ended = whole and segment.count(_CLOSE) == 1
        closed = segment + _CLOSE if open_ended else segment
        agrees = crc16(segment) == wanted or (open_ended and crc16(closed) == wanted)
        if agrees:
            if open_ended:
                repairs = [*repairs, "area_not_closed"]
            return _good(size, closed, repairs, policy.repairs_off)
        self.work += len(segment) * (1 + open_ended)
        return None


def crc_detail(segment: bytes, crc: bytes) -> str:
    """In words, why a CRC does not agree; the first word names a known mistake.

    >>> crc_detail(b"123456789", b"374B")
    'crc_modbus_byte_swapped: want 2F80, got 374B'
    """
    got = crc.decode("ascii", "backslashreplace").strip()
    wanted = crc16(segment)
    modbus = crc16_modbus(segment)
    mistakes = {
        modbus: "crc_modbus: ",
        _swapped(modbus): "crc_modbus_byte_swapped: ",
        _swapped(wanted): "crc_byte_swapped: ",
    }
    mistake = mistakes.get(int(crc, 16), "") if _HEX.fullmatch(crc) else ""
    if not mistake and looks_encrypted(segment):
        mistake = "looks encrypted, and no key of its logger fits: "
    return f"{mistake}want {wanted:04X}, got {got}"


def _good(
    size: int, segment: bytes, repairs: list[str], repairs_off: frozenset[str], cipher: str = ""
) -> Verdict:
    """The frame, or the fault that it is where one of its repairs is switched off."""
    for repair in repairs:
        if repair in repairs_off:
            return Bad(REPAIRS[repair], size, f"repair switched off: {repair}")
    notes = ("segment_over_1024",) if len(segment) > SEGMENT_LIMIT else ()
    return Good(size, segment, tuple(repairs), notes, cipher)


def _length_repair(digits: bytes, segment: bytes) -> str:
    """What was wrong with the length field of a segment that ends elsewhere."""
    for encoding in ("utf-8", "gb18030"):
        text = segment.decode(encoding, "replace")
        if len(text) == int(digits) != len(segment):
            return "length_in_characters"
    return "length"


def _mn_in(segment: bytes) -> str:
    found = _MN.search(segment.partition(_OPEN)[0])
    return found[1].decode("utf-8", "replace").strip() if found else ""


def _swapped(value: int) -> int:
    return (value & 0xFF) << 8 | value >> 8

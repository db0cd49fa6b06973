"""The data segment (数据段, HJ 212-2017 6.3.2 and table 2): head fields and the data area CP.

Strict where bytes would be misread, tolerant where the standard's own examples are wrong (blanks
round names and values, `,` for `;` and the reverse, field names in another case): what was
tolerated is named in `notes`. Head and CP are parsed apart because CN and QN may stand in both.
"""

import re
from dataclasses import dataclass

from services.ingest.hj212.errors import PeerProtocolError

Pair = tuple[str, str]

_OPEN = "CP=&&"
_CLOSE = "&&"
_HEAD_NAMES = {
    name.lower(): name for name in ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")
}
_CANONICAL = frozenset(_HEAD_NAMES.values())
_SEPARATOR = re.compile(r"([;,])")
_LOG_OPEN = "=//"  # logs stand between // and // (2017 table C.42) and may hold the separators
_LOG_CLOSE = re.compile(r"//(?=[ ]*(?:[;,]|$))")


@dataclass(frozen=True, slots=True)
class Segment:
    """Head fields by the standard's names, and the text between `CP=&&` and the closing `&&`."""

    head: dict[str, str]
    area_text: str
    notes: tuple[str, ...] = ()

    @property
    def area(self) -> tuple[tuple[Pair, ...], ...]:
        """Items (split at `;`) of values (split at `,`); a piece without a name is all value."""
        items: list[list[str]] = [[]]
        for piece in _tokens(self.area_text):
            if piece == ";":
                items.append([])
            elif piece != ",":
                items[-1].append(piece)
        groups = (_pairs(item) for item in items)
        return tuple(tuple(group) for group in groups if group)

    def pairs(self) -> list[Pair]:
        """The area's names and values in order, whatever separated them."""
        return area_pairs(self.area_text)

    @property
    def mn(self) -> str:
        """MN 设备唯一标识, empty when absent."""
        return self.head.get("MN", "")

    @property
    def cn(self) -> str:
        """CN 命令编码, empty when absent."""
        return self.head.get("CN", "")

    @property
    def qn(self) -> str:
        """QN 请求编码, empty when absent (2005 carries it inside CP)."""
        return self.head.get("QN", "")

    @property
    def st(self) -> str:
        """ST 系统编码, empty when absent."""
        return self.head.get("ST", "")

    @property
    def pw(self) -> str:
        """PW 访问密码, empty when absent."""
        return self.head.get("PW", "")

    @property
    def flag(self) -> int:
        """Flag 标志位 as a number; 0 (2005, no reply wanted) when absent or unreadable."""
        text = self.head.get("Flag", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0

    @property
    def pnum(self) -> int:
        """PNUM 总包数; 0 for an unsplit frame or a number outside 1 to 9999."""
        return self._number("PNUM")

    @property
    def pno(self) -> int:
        """PNO 包号, from 1; 0 as for `pnum`."""
        return self._number("PNO")

    @property
    def rf(self) -> bool:
        """RF=1: filled in after a break (补传, 2025)."""
        return self.head.get("RF") == "1"

    @property
    def wants_reply(self) -> bool:
        """Flag bit 0: the sender waits for 9014."""
        return bool(self.flag & 1)

    @property
    def is_split(self) -> bool:
        """One of several packets; by its numbers, for Flag=7 occurs on unsplit frames."""
        return "PNO" in self.head and "PNUM" in self.head

    def _number(self, name: str) -> int:
        text = self.head.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 4 else 0


def parse_segment(data: bytes) -> Segment:
    """Head and area of a data segment; `PeerProtocolError` malformed on broken grammar."""
    text, notes = _decoded(data)
    head_text, opened, rest = text.partition(_OPEN)
    if not opened:
        raise PeerProtocolError("malformed", "no CP=&&")
    area, closed, after = rest.rpartition(_CLOSE)
    if not closed:
        raise PeerProtocolError("malformed", "CP is not closed by &&")
    if after and after.strip():
        raise PeerProtocolError("malformed", "text after the closing &&")
    pieces = head_text.removesuffix(";").split(";")
    try:
        head = dict([piece.split("=") for piece in pieces])
    except ValueError:
        head = {}
    if len(head) != len(pieces) or not head.keys() <= _CANONICAL or " " in head_text:
        head = _tolerant_head(head_text, notes)
    return Segment(head, area, tuple(notes))


def area_pairs(area: str) -> list[Pair]:
    """The `name=value` pairs of a data area in order; a piece without a name is all value."""
    if "//" in area:
        return _pairs(_tokens(area)[::2])
    return _pairs(area.replace(",", ";").split(";"))


def _pairs(pieces: list[str]) -> list[Pair]:
    pairs = []
    for piece in pieces:
        name, equals, value = piece.partition("=")
        if equals and (name := name.strip()):
            pairs.append((name, value.strip()))
        elif piece := piece.strip():
            pairs.append(("", piece))
    return pairs


def _tokens(area: str) -> list[str]:
    """Pieces and, between them, the separators; a log between `//` and `//` stays whole."""
    tokens = [""]
    position = 0
    while (start := area.find(_LOG_OPEN, position)) >= 0:
        closed = _LOG_CLOSE.search(area, start + len(_LOG_OPEN))
        if closed is None:
            break
        before, *more = _SEPARATOR.split(area[position:start])
        tokens[-1] += before
        tokens += more
        tokens[-1] += area[start : closed.end()]
        position = closed.end()
    before, *more = _SEPARATOR.split(area[position:])
    tokens[-1] += before
    return tokens + more


def _decoded(data: bytes) -> tuple[str, list[str]]:
    """UTF-8 as the standard says; loggers with Chinese Windows send GB 18030."""
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("gb18030"), ["gb18030"]
    except UnicodeDecodeError:
        return data.decode("latin-1"), ["no_text"]


def _tolerant_head(text: str, notes: list[str]) -> dict[str, str]:
    """The head of a frame that is not written as the table says; what was tolerated is noted."""
    if "," in text:
        notes.append("head_comma")
    head: dict[str, str] = {}
    for name, value in _pairs(text.replace(",", ";").split(";")):
        canonical = _HEAD_NAMES.get(name.lower())
        if canonical is None:
            notes.append("unknown_head_field")
        elif canonical in head:
            notes.append("repeated_head_field")
        else:
            if canonical != name:
                notes.append("head_field_case")
            head[canonical] = value
    return head

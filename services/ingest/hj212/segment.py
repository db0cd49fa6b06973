"""The data segment (数据段, HJ 212-2017 6.3.2 and table 2): head fields and the data area CP.

Strict where bytes would be misread, tolerant where the standard's own examples are wrong (blanks
round names and values, `,` for `;` and the reverse, field names in another case): what was
tolerated is named in `notes`. Head and CP are parsed apart because CN and QN may stand in both.
"""

from dataclasses import dataclass

from services.ingest.hj212.errors import PeerProtocolError

_OPEN = "CP=&&"
_CLOSE = "&&"
_HEAD_NAMES = {
    name.lower(): name for name in ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")
}


@dataclass(frozen=True, slots=True)
class Segment:
    """Head fields by the standard's names, and the text between `CP=&&` and the closing `&&`."""

    head: dict[str, str]
    area: str
    notes: tuple[str, ...] = ()

    @property
    def flag(self) -> int:
        """Flag 标志位 as a number; 0 (2005, no reply wanted) when absent or unreadable."""
        text = self.head.get("Flag", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0

    @property
    def wants_reply(self) -> bool:
        """Flag bit 0: the sender waits for 9014."""
        return bool(self.flag & 1)

    @property
    def is_split(self) -> bool:
        """One of several packets; by its numbers, for Flag=7 occurs on unsplit frames."""
        return "PNO" in self.head and "PNUM" in self.head


def parse_segment(data: bytes) -> Segment:
    """Head and area of a data segment; `PeerProtocolError` malformed on broken grammar."""
    text, notes = _decoded(data)
    head_text, opened, rest = text.partition(_OPEN)
    if not opened:
        raise PeerProtocolError("malformed", "no CP=&&")
    area, closed, after = rest.rpartition(_CLOSE)
    if not closed:
        raise PeerProtocolError("malformed", "CP is not closed by &&")
    if after.strip():
        raise PeerProtocolError("malformed", "text after the closing &&")
    head = _head(head_text, notes)
    return Segment(head, area, tuple(notes))


def area_pairs(area: str) -> list[tuple[str, str]]:
    """The `name=value` pairs of a data area in order; a piece without `=` has an empty name."""
    pairs = []
    for piece in area.replace(",", ";").split(";"):
        name, equals, value = piece.partition("=")
        if equals:
            pairs.append((name.strip(), value.strip()))
        elif piece.strip():
            pairs.append(("", piece.strip()))
    return pairs


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


def _head(text: str, notes: list[str]) -> dict[str, str]:
    head: dict[str, str] = {}
    for name, value in area_pairs(text):
        canonical = _HEAD_NAMES.get(name.lower())
        if canonical is None:
            notes.append("unknown_head_field")
            continue
        if canonical != name:
            notes.append("head_field_case")
        if canonical in head:
            notes.append("repeated_head_field")
            continue
        head[canonical] = value
    return head

"""What the phones received: parts as they came, kept in a file, joined to texts for the eye."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

_CONCATENATION = bytes([5, 0, 3])


@dataclass(frozen=True, slots=True)
class ReceivedPart:
    """One SMS as it reached a phone. `reference` ties a long text's parts (0-255, -1 alone)."""

    message_id: str
    at: str
    phone: str
    sender: str
    text: str
    reference: int
    total: int
    number: int


def read_part(
    *, message_id: str, phone: str, sender: str, octets: bytes, esm_class: int, data_coding: int
) -> ReceivedPart:
    """Read the octets of a submit_sm as a phone would: header off, then by data coding."""
    reference, total, number = -1, 1, 1
    if esm_class & 0x40 and octets[:3] == _CONCATENATION:
        reference, total, number = octets[3], octets[4], octets[5]
        octets = octets[6:]
    text = octets.decode("utf-16-be" if data_coding == 8 else "latin-1", errors="replace")
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return ReceivedPart(message_id, at, phone, sender, text, reference, total, number)


class Memory:
    """Every part that arrived, oldest first, appended to `messages.jsonl`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "messages.jsonl"
        self.parts: list[ReceivedPart] = []
        if self._file.exists():
            lines = self._file.read_text(encoding="utf-8").splitlines()
            self.parts = [ReceivedPart(**json.loads(line)) for line in lines if line]

    def keep(self, part: ReceivedPart) -> None:
        """Append one part."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(part), ensure_ascii=False) + "\n")
        self.parts.append(part)


@dataclass(frozen=True, slots=True)
class Text:
    """One text on a phone; `complete` is False while parts are missing."""

    phone: str
    sender: str
    at: str
    text: str
    parts: int
    complete: bool
    message_ids: list[str]


def join_texts(parts: list[ReceivedPart]) -> list[Text]:
    """Join parts to texts, newest first. A part that is there already begins the text anew."""
    texts: list[Text] = []
    open_sets: dict[tuple[str, str, int, int], dict[int, ReceivedPart]] = {}
    for part in parts:
        key = (part.phone, part.sender, part.reference, part.total)
        pieces = open_sets.setdefault(key, {})
        if part.number in pieces:
            texts.append(_text(pieces))
            pieces = open_sets[key] = {}
        pieces[part.number] = part
        if len(pieces) == part.total:
            texts.append(_text(open_sets.pop(key)))
    texts += [_text(pieces) for pieces in open_sets.values()]
    return sorted(texts, key=lambda text: text.at, reverse=True)


def _text(pieces: dict[int, ReceivedPart]) -> Text:
    ordered = [pieces[number] for number in sorted(pieces)]
    first, last = ordered[0], max(ordered, key=lambda part: part.at)
    return Text(
        phone=first.phone,
        sender=first.sender,
        at=last.at,
        text="".join(part.text for part in ordered),
        parts=first.total,
        complete=len(ordered) == first.total,
        message_ids=[part.message_id for part in ordered],
    )

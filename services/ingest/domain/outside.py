"""外部线索 as plain values: what is kept of an item, its natural key, and what a repetition is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Place = tuple[int, str]
"""Kind and natural key."""


#: Begins the note that a frame of an item's bytes carries; its kind follows.
NOTE = "outside:"


def is_outside(notes: Iterable[str]) -> bool:
    """Whether a frame holds an outside item's bytes.

    >>> is_outside(["outside:mark"]), is_outside(["gb18030"])
    (True, False)
    """
    return any(note.startswith(NOTE) for note in notes)


@dataclass(frozen=True, slots=True)
class MarkRevision:
    """标记: one revision; [start_at, end_at), no factors = all."""

    outlet_id: str
    mark_id: str
    revision: int
    family: int
    subtype: int
    condition: str
    facility: str
    factors: tuple[str, ...]
    start_at: datetime
    end_at: datetime
    status: str
    reason: str
    proof_ids: tuple[str, ...]
    made_by: str
    made_at: datetime | None
    rule_version: str
    manual_values: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class OutsideRecord:
    """One received item. `raw` are the bytes of its digest `sm3`; times are aware UTC."""

    kind: int
    key: str
    at: datetime
    until: datetime | None
    subject: str
    division: str
    outlet_id: str
    credit_code: str
    raw: bytes
    sm3: bytes
    received_at: datetime
    peer: str
    correlation_id: str
    mark: MarkRevision | None = None
    channel: str = "push"  # of a mark: console | grpc | csv | push

    @property
    def place(self) -> Place:
        """Kind and natural key."""
        return self.kind, self.key


@dataclass(slots=True)
class Judged:
    """What became of the items of a batch: new and deviating ones by version, and repetitions."""

    added: list[tuple[OutsideRecord, int]]
    repeated: list[OutsideRecord]


def natural_key(division: str, *parts: object) -> str:
    """Join the parts of a key; it begins with the province, whose numbers are its own.

    >>> natural_key("130402", "meter-7", 1700000000)
    '13|meter-7|1700000000'
    """
    return "|".join([division[:2], *map(str, parts)])


def judge(records: Iterable[OutsideRecord], known: Mapping[Place, list[bytes]]) -> Judged:
    """Tell first values and deviations from repetitions.

    `known` has the digests of the versions that are kept, in order. The first received stays
    version 0; another content for the same key is kept as a further version (it is evidence).
    """
    seen = {place: list(digests) for place, digests in known.items()}
    judged = Judged([], [])
    for record in records:
        digests = seen.setdefault(record.place, [])
        if record.sm3 in digests:
            judged.repeated.append(record)
        else:
            judged.added.append((record, len(digests)))
            digests.append(record.sm3)
    return judged

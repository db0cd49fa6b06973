"""输入摘要: what a judgement rests on, as digests anybody can compute again.

The canonical form is written down in docs/judgement.md, section Digests.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from services.detect.domain.block import Block, Limit
from services.detect.judgement.marks import MarkRevision
from services.detect.kernels.series import Ints

if TYPE_CHECKING:
    from services.detect.packs.pack import Pack


class Input(NamedTuple):
    """输入 of a judgement (the message InputDigest): kind, which one, and its digest."""

    kind: str
    """readings | mark | limit | pack | furnace"""
    id: str
    """Factor, mark id and revision, limit id, or pack@version."""
    sha256: bytes


def reading_input(block: Block, row: int, slots: Ints) -> Input:
    """Received hours of one series: value, converted, flag and presence at the given hour slots."""
    raise NotImplementedError


def mark_inputs(marks: Iterable[MarkRevision], spans: Sequence[tuple[int, int]]) -> list[Input]:
    """Counting mark revisions that touch one of the spans of hour slots [first, end)."""
    raise NotImplementedError


def limit_inputs(limits: Iterable[Limit], spans: Sequence[tuple[int, int]]) -> list[Input]:
    """Limits in force in one of the spans of hour slots [first, end)."""
    raise NotImplementedError


def pack_inputs(packs: "Iterable[Pack]") -> list[Input]:
    """Rule packs that judged."""
    raise NotImplementedError


def inputs_digest(inputs: Iterable[Input]) -> bytes:
    """SHA-256 over inputs in order of kind and id, each once: 32 bytes."""
    raise NotImplementedError

"""输入摘要: what a judgement rests on, as digests that anybody can compute again.

The canonical form is written down in docs/judgement.md, section Digests.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from services.detect.domain.block import Block, Limit
from services.detect.domain.standard_checks import StandardCheck
from services.detect.judgement.marks import MarkRevision
from services.detect.judgement.parameters import OutletFacts
from services.detect.kernels.series import Floats, Ints

if TYPE_CHECKING:
    from services.detect.packs.pack import Pack

Spans = Sequence[tuple[int, int]]


class Input(NamedTuple):
    """输入 of a judgement (the message InputDigest): kind, which one, and its digest."""

    kind: str
    """readings | mark | limit | pack | facts | qc"""
    id: str
    """Factor, mark id/revision, limit id, pack@version, outlet id, or factor/moment of a check."""
    sha256: bytes


def reading_input(block: Block, row: int, slots: Ints) -> Input:
    """Received hours of one series: presence, flag, value and converted value at hour slots.

    A slot outside the block counts as nothing received.
    """
    column = slots - block.start[row]
    inside = (column >= 0) & (column < block.value.shape[1])
    at = np.where(inside, column, 0)
    present = block.present[row, at] & inside
    whole = hashlib.sha256()
    for part in (
        slots.astype("<i8"),
        present.astype("u1"),
        np.where(present, block.flag[row, at], 0).astype("u1"),
        _canonical(block.value[row, at], present),
        _canonical(block.converted[row, at], present),
    ):
        whole.update(part.tobytes())
    return Input("readings", block.keys[row].factor, whole.digest())


def mark_inputs(marks: Iterable[MarkRevision], factor: str, spans: Spans) -> list[Input]:
    """Counting mark revisions that touch one of the spans of hour slots [first, end).

    `factor` "" = of every factor. A revision never changes, and its pieces are cut where another
    one begins to count: so the digest is of what was submitted, not of the piece.
    """
    found = {}
    for one in marks:
        means = not factor or not one.factors or factor in one.factors
        touches = (
            one.start_s < end * 3600 and first * 3600 < one.end_s for first, end in spans
        )  # fmt: skip
        if means and any(touches):
            name = f"{one.mark_id}/{one.revision}"
            text = _text(
                one.outlet_id, name, one.family, one.subtype, one.condition, one.facility,
                ",".join(sorted(one.factors)), int(one.status), int(one.decision), one.sm3.hex(),
            )  # fmt: skip
            found[name] = Input("mark", name, text)
    return list(found.values())


def check_inputs(found: Iterable[tuple[StandardCheck, Ints]]) -> list[Input]:
    """Failed standard checks, each with the hour slots that it makes invalid (`causes`).

    The hours say what the last passed check was good for, so that one needs no line of its own.
    """
    return [
        Input("qc", check.name, _text(
            check.outlet_id, check.factor, check.at_s, check.measured, check.standard,
            int(check.said), check.sm3.hex(), ",".join(map(str, slots.tolist())),
        ))
        for check, slots in found
    ]  # fmt: skip


def limit_inputs(limits: Iterable[Limit], spans: Spans) -> list[Input]:
    """Limits in force in one of the spans of hour slots [first, end).

    Not their period: a limit that ends later than it did is the same for the hours in hand.
    """
    return [
        Input("limit", one.limit_id, _text(
            one.limit_id, one.averaging, one.lower, one.upper, one.unit, one.ref_o2, one.source,
            one.decimals, one.basis, one.water_temperature,
        ))
        for one in limits
        if any(one.since < end and first < one.until for first, end in spans)
    ]  # fmt: skip


def pack_inputs(packs: "Iterable[Pack]") -> list[Input]:
    """Rule packs that judged."""
    return [Input("pack", pack.name, pack.sha256) for pack in packs]


def facts_input(facts: OutletFacts) -> Input:
    """What rules ask of an outlet."""
    traits = ",".join(f"{name}={value}" for name, value in sorted(facts.traits.items()))
    return Input("facts", facts.outlet_id, _text(
        facts.division, facts.credit_code, facts.industry, facts.medium, facts.process,
        facts.ref_o2, facts.operator, traits,
    ))  # fmt: skip


def inputs_text(inputs: Iterable[Input]) -> str:
    """Inputs in order, each once: a line `kind id digest` each, fields between tabs."""
    return "\n".join(sorted({f"{one.kind}\t{one.id}\t{one.sha256.hex()}" for one in inputs}))


def inputs_digest(inputs: Iterable[Input]) -> bytes:
    """SHA-256 of `inputs_text` in UTF-8: 32 bytes."""
    return hashlib.sha256(inputs_text(inputs).encode()).digest()


def _canonical(values: Floats, present: np.ndarray) -> np.ndarray:
    """Doubles with one NaN and one zero."""
    plain = np.where(present & np.isfinite(values), values, np.nan) + 0.0
    return plain.astype("<f8")


def _text(*fields: object) -> bytes:
    """SHA-256 of fields as text between tabs; a number as its shortest decimal."""
    plain = (f"{field:.12g}" if isinstance(field, float) else str(field) for field in fields)
    return hashlib.sha256("\t".join(plain).encode()).digest()

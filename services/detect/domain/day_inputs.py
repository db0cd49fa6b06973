"""日研判的输入: digests of everything that one outlet's day rests on. Pure."""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.detect.domain.digest import (
    Input,
    check_inputs,
    facts_input,
    limit_inputs,
    mark_inputs,
    pack_inputs,
    reading_input,
)
from services.detect.domain.judged import Judged
from services.detect.judgement.furnace import FurnaceMeans
from services.detect.judgement.marks import MarkRevision
from services.detect.judgement.model import Codes, Note
from services.detect.kernels.series import Floats


@dataclass(frozen=True)
class DaySpan:
    """The day in hand: hour slots and columns of a `Judged`."""

    first: int
    column: int
    year_start: int

    @property
    def end(self) -> int:
        """Hour slot after the last."""
        return self.first + 24

    @property
    def columns(self) -> slice:
        """Columns of the day's hours."""
        return slice(self.column, self.column + 24)


def day_inputs(
    judged: Judged, outlet_id: str, rows: list[int], span: DaySpan, substituted_kg: Floats
) -> list[Input]:
    """日研判的输入 of an outlet, whose rows of `judged` are given.

    Readings and recomputed means of the day, limits as far as they reach into it, marks that touch
    it, with those that charged a pool before, pack and facts. What earlier days add (突变, the
    amount substituted) is one input `context` a factor: their values themselves are not listed.
    `substituted_kg` (S,) is 0 or NaN where nothing was substituted.
    """
    slots = np.arange(span.first, span.end, dtype=np.int64)
    part = judged.part_at(span.first)
    # Who runs the monitors decides nothing: a new operator does not make a new judgement.
    facts = dataclasses.replace(judged.facts(outlet_id), operator="")
    found = [*pack_inputs([part.pack]), facts_input(facts)]
    for at in rows:
        factor = judged.hours.factors[at]
        found.append(reading_input(judged.block, int(judged.rows[at]), slots))
        found += check_inputs(judged.failed_checks(at, [(span.first, span.end)]))
        found += _minutes(factor, judged.hours.recomputed[at, span.columns])
        notes = judged.result.notes[at, span.columns]
        found += _context(factor, notes, float(substituted_kg[at]))
        clipped = [
            dataclasses.replace(
                one, since=max(one.since, span.first), until=min(one.until, span.end)
            )
            for one in judged.block.limits.get(judged.block.keys[int(judged.rows[at])], ())
            if one.since < span.end and span.first < one.until
        ]
        found += limit_inputs(clipped, [(span.first, span.end)])
    charged = bool(part.effects.uses.get(outlet_id))
    since = span.year_start if charged else span.first
    found += mark_inputs(judged.marks.get(outlet_id, ()), "", [(since, span.end)])
    if charged:
        found += _particulate(judged.known.particulate.get(outlet_id, {}), span.end)
    return found


def day_marks(judged: Judged, outlet_id: str, span: DaySpan) -> list[MarkRevision]:
    """生效标记 that touch the day, as they count on it, in order of start."""
    touching = [
        one
        for one in judged.marks.get(outlet_id, ())
        if one.start_s < span.end * 3600 and span.first * 3600 < one.end_s
    ]
    return sorted(touching, key=lambda one: (one.start_s, one.mark_id, one.revision))


def furnace_input(factor: str, means: FurnaceMeans) -> Input:
    """炉温五分钟均值 of the day as received."""
    whole = hashlib.sha256(means.start_s.astype("<i8").tobytes())
    whole.update(_plain(means.degc))
    whole.update(means.flag.astype("u1").tobytes())
    return Input("minutes", factor, whole.digest())


def _minutes(factor: str, recomputed: Floats) -> list[Input]:
    if not np.isfinite(recomputed).any():
        return []
    return [Input("minutes", factor, hashlib.sha256(_plain(recomputed)).digest())]


def _context(factor: str, notes: Codes, substituted_kg: float) -> list[Input]:
    sudden = (notes & int(Note.SUDDEN)) > 0
    if not sudden.any() and not substituted_kg > 0.0:
        return []
    whole = hashlib.sha256(sudden.astype("u1").tobytes())
    whole.update(_plain(np.array([substituted_kg])))
    return [Input("context", factor, whole.digest())]


def _particulate(means: Mapping[int, float], end: int) -> list[Input]:
    mine = sorted((hour, value) for hour, value in means.items() if hour < end)
    if not mine:
        return []
    whole = hashlib.sha256(np.array([hour for hour, _ in mine], dtype="<i8").tobytes())
    whole.update(_plain(np.array([value for _, value in mine])))
    return [Input("context", "particulate", whole.digest())]


def _plain(values: Floats) -> bytes:
    """Doubles with one NaN and one zero."""
    return (np.where(np.isfinite(values), values, np.nan) + 0.0).astype("<f8").tobytes()

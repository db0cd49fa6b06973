"""标记覆盖: the marks of one outlet laid over its hours, charged to pools, strongest first."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

import numpy as np

from services.detect.judgement.mark_kinds import CONDITION_FAMILIES, PROCESS_FAMILY, kind_of
from services.detect.judgement.model import Codes, MarkEffect
from services.detect.judgement.parameters import MarkKind, OutletFacts, PoolRule
from services.detect.judgement.periods import day_of, first_hour, period_of
from services.detect.judgement.pools import (
    Outcome,
    PoolCharge,
    PoolHours,
    charge_pools,
    facilities,
    periods,
    pools_of,
)
from services.detect.kernels.series import Bools, Floats, Ints

if TYPE_CHECKING:
    from services.detect.judgement.marks import MarkRevision

#: Which effect wins where several marks cover an hour. A refused mark does nothing, so another one
#: that stands wins over it; device marks first (domain.md B.4: drop device-invalid hours first).
_STRENGTH = (
    MarkEffect.NONE,
    MarkEffect.OVER_CAP,
    MarkEffect.PM_HIGH,
    MarkEffect.MISSING,
    MarkEffect.STOPPED,
    MarkEffect.EXEMPT,
    MarkEffect.EXCUSED,
    MarkEffect.INVALID,
)
_OF_STRENGTH = np.array(_STRENGTH, dtype=np.uint8)
_REFUSED = {
    Outcome.CAP: MarkEffect.OVER_CAP,
    Outcome.EVENT: MarkEffect.OVER_CAP,
    Outcome.PM: MarkEffect.PM_HIGH,
}
#: Effect of a kind -> strength of each outcome.
_TABLE = {
    effect: np.array(
        [_STRENGTH.index(_REFUSED.get(one, effect if one else MarkEffect.NONE)) for one in Outcome],
        dtype=np.int64,
    )
    for effect in _STRENGTH
}
_WHY = {Outcome.CHARGED: "", Outcome.CAP: "cap", Outcome.EVENT: "event", Outcome.PM: "pm"}


class MarkRules(Protocol):
    """What is asked of a rule pack (`packs.pack.Pack`)."""

    @property
    def marks(self) -> Sequence[MarkKind]:
        """标记种类."""

    @property
    def pools(self) -> Sequence[PoolRule]:
        """豁免时段上限."""


@dataclass(frozen=True)
class Span:
    """Hour slots [first, end)."""

    first: int
    end: int

    @property
    def hours(self) -> int:
        """Length."""
        return self.end - self.first


@dataclass
class Layer:
    """Marks of one kind, facility and factor set over the hours of a span."""

    kind: MarkKind
    facility: str
    factors: frozenset[str]  # empty = all
    pieces: "list[MarkRevision]"
    covered: Bools
    outcome: Codes  # of its pool; without a pool every covered hour is charged

    @property
    def effect(self) -> MarkEffect:
        """What the kind makes of an hour that is not refused."""
        return MarkEffect[self.kind.effect.upper()]

    @property
    def is_device(self) -> bool:
        """Whether it speaks of a monitoring device, not of a working condition."""
        return self.kind.family not in CONDITION_FAMILIES and not self.kind.condition

    @property
    def means_all(self) -> bool:
        """Whether every pollutant is meant."""
        # A process parameter that is not named is no pollutant.
        return not self.factors and not self.kind.factors and self.kind.family != PROCESS_FAMILY

    def means(self, factor: str) -> bool:
        """Whether a factor is meant."""
        if not self.factors and not self.kind.factors:
            return self.means_all
        return (not self.factors or factor in self.factors) and (
            not self.kind.factors or factor in self.kind.factors
        )


@dataclass(frozen=True)
class OutletCover:
    """All marks of one outlet over its hours."""

    span: Span
    layers: Sequence[Layer]
    stopped: Bools  # every facility is
    charges: tuple[PoolCharge, ...]
    unknown: "tuple[MarkRevision, ...]"

    def of(self, factor: str) -> Codes:
        """`MarkEffect` of each hour of the span for one factor."""
        strength = np.where(self.stopped, _STRENGTH.index(MarkEffect.STOPPED), 0)
        for layer in self.layers:
            if layer.effect not in {MarkEffect.STOPPED, MarkEffect.NONE} and layer.means(factor):
                np.maximum(strength, _strengths(layer), out=strength)
        return _OF_STRENGTH[strength]


def horizon(first: int, pools: Sequence[PoolRule]) -> int:
    """First hour that matters for an hour: that of its natural year, and events that ran into it.

    An event that began earlier than its own bound before New Year is beyond it anyway.
    """
    _, year, _ = period_of(day_of(first), "year")
    bounds = (
        max(one.event_cap_hours, one.cap_hours if one.period == "event" else 0.0) for one in pools
    )
    return first_hour(year) - math.ceil(max(bounds, default=0.0)) - 1


def cover_outlet(
    marks: "Sequence[MarkRevision]",
    facts: OutletFacts,
    pack: MarkRules,
    span: Span,
    particulate: Mapping[int, float],
) -> OutletCover:
    """Lay counting marks over the hours of a span and charge the pools: device marks first."""
    layers, unknown = _layers(marks, facts, pack.marks, span)
    pm = np.full(span.hours, np.nan)
    for hour, value in particulate.items():
        if span.first <= hour < span.end:
            pm[hour - span.first] = value
    none = np.zeros(span.hours, dtype=np.bool_)
    charges: list[PoolCharge] = []
    lost = none.copy()
    for devices in (True, False):
        own = [layer for layer in layers if layer.is_device is devices]
        for rule in pools_of(pack.pools, facts, day_of(span.end - 1)):
            for name in facilities(facts):
                pooled = [x for x in own if x.kind.pool == rule.key and x.facility == name]
                if pooled:
                    charges += _charge(rule, pooled, span, lost, pm)
        for layer in own:
            if layer.effect is MarkEffect.INVALID and layer.means_all:
                lost |= layer.outcome == Outcome.CHARGED
    charges.sort(key=lambda one: (one.hour, one.pool, one.facility))
    return OutletCover(span, layers, _stopped(layers, facts, none), tuple(charges), unknown)


def _layers(
    marks: "Sequence[MarkRevision]", facts: OutletFacts, kinds: Sequence[MarkKind], span: Span
) -> "tuple[list[Layer], tuple[MarkRevision, ...]]":
    """Marks by kind, facility and factors; those that no kind knows apart."""
    names = facilities(facts)
    found: dict[tuple[str, str, tuple[str, ...]], tuple[MarkKind, list[MarkRevision]]] = {}
    unknown = []
    for piece in sorted(marks, key=lambda one: (one.start_s, one.mark_id, one.end_s)):
        kind = kind_of(piece, kinds, facts)
        if kind is None:
            unknown.append(piece)
            continue
        for name in [piece.facility] if piece.facility in names else names:
            key = (kind.key, name, tuple(sorted(set(piece.factors))))
            found.setdefault(key, (kind, []))[1].append(piece)
    layers = [
        _layer(kind, facility, pieces, span) for (_, facility, _), (kind, pieces) in found.items()
    ]
    return layers, tuple(unknown)


def _layer(kind: MarkKind, facility: str, pieces: "list[MarkRevision]", span: Span) -> Layer:
    covered = _seconds(pieces, span) >= max(kind.min_overlap_minutes * 60, 1)
    outcome = np.where(covered, Outcome.CHARGED, Outcome.NONE).astype(np.uint8)
    return Layer(kind, facility, frozenset(pieces[0].factors), pieces, covered, outcome)


def _seconds(pieces: "Sequence[MarkRevision]", span: Span) -> Ints:
    """Seconds of each hour that the union of the pieces covers. Pieces are sorted by start."""
    seconds = np.zeros(span.hours, dtype=np.int64)
    done = span.first * 3600
    for piece in pieces:
        begin, end = max(piece.start_s, done), min(piece.end_s, span.end * 3600)
        if begin >= end:
            continue
        done = end
        first, last = begin // 3600 - span.first, (end - 1) // 3600 - span.first
        seconds[first : last + 1] += 3600
        seconds[first] -= begin % 3600
        seconds[last] -= -end % 3600
    return seconds


def _charge(
    rule: PoolRule, layers: Sequence[Layer], span: Span, lost: Bools, pm: Floats
) -> list[PoolCharge]:
    """Charge one pool and facility; every layer of it learns the outcome."""
    capped = rule.event_cap_conditions
    events = [x for x in layers if not capped or x.kind.condition in capped]
    covered = np.logical_or.reduce([layer.covered for layer in layers])
    in_event = covered & np.logical_or.reduce([x.covered for x in events] or [covered & False])
    outcome = charge_pools(rule, PoolHours(span.first, covered, in_event, lost, pm))
    for layer in layers:
        layer.outcome = np.where(layer.covered, outcome, Outcome.NONE).astype(np.uint8)
    return _charges(rule, layers, span, outcome)


def _charges(
    rule: PoolRule, layers: Sequence[Layer], span: Span, outcome: Codes
) -> list[PoolCharge]:
    marked = np.flatnonzero(outcome != Outcome.NONE)
    owner = dict(zip(marked.tolist(), _owners(layers, span, marked), strict=True))
    hours = [hour for hour in owner if outcome[hour] != Outcome.LOST]
    if rule.period == "event":
        names = _event_names(list(owner), owner)
    else:
        ordered = list(periods(rule, span.first, span.hours))
        begins = [begin for _, begin, _ in ordered]
        names = {hour: ordered[bisect_right(begins, hour) - 1][0] for hour in hours}
    return [
        PoolCharge(
            rule.key, layers[0].facility, names[hour], span.first + hour, owner[hour],
            outcome[hour] == Outcome.CHARGED, _WHY[Outcome(outcome[hour])],
        )
        for hour in hours
    ]  # fmt: skip


def _event_names(hours: Sequence[int], owner: Mapping[int, str]) -> dict[int, str]:
    """Mark id of the first hour of each run of hours."""
    names: dict[int, str] = {}
    for _, run in groupby(enumerate(hours), key=lambda pair: pair[1] - pair[0]):
        event = [hour for _, hour in run]
        names.update(dict.fromkeys(event, owner[event[0]]))
    return names


def _owners(layers: Sequence[Layer], span: Span, hours: Ints) -> list[str]:
    """For each of the hours the first mark (by start, then id) that touches it."""
    pieces = sorted(
        (piece for layer in layers for piece in layer.pieces),
        key=lambda one: (one.start_s, one.mark_id),
    )
    owner = np.zeros(span.hours, dtype=np.int64)
    for number, piece in reversed(list(enumerate(pieces))):
        first = max(piece.start_s // 3600 - span.first, 0)
        owner[first : max(-(-piece.end_s // 3600) - span.first, first)] = number
    return [pieces[number].mark_id for number in owner[hours].tolist()]


def _strengths(layer: Layer) -> Ints:
    """Strength of a layer in each hour."""
    return _TABLE[layer.effect][layer.outcome]


def _stopped(layers: Sequence[Layer], facts: OutletFacts, none: Bools) -> Bools:
    """Hours in which every facility behind the outlet is marked 停运."""
    per_facility = []
    for name in facilities(facts):
        own = [x.covered for x in layers if x.effect is MarkEffect.STOPPED and x.facility == name]
        per_facility.append(np.logical_or.reduce([*own, none]))
    stopped: Bools = np.logical_and.reduce(per_facility)
    return stopped

"""用电监控 (falsification.csv D24, D25): was the treatment running while production did. Pure.

A Beijing day is judged from three days of readings (itself and its neighbours, so that a span over
midnight is one span) and from each meter's own level in the days before it. The same readings give
the same day, whenever and in whatever order they came. What is not known is never called clean.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from services.detect.judgement.meter_day import MINUTES, MeterDay, held
from services.detect.judgement.parameters import PowerRule
from services.detect.kernels.series import Bools, Floats

Signs = NDArray[np.int8]
"""1 = yes, 0 = no, -1 = not known."""

#: Known minutes that make a day count in the reference: half of it.
_DAY_KNOWN = 720
_SLICE = slice(MINUTES, 2 * MINUTES)


class PowerState(IntEnum):
    """研判状态 of a pair's day; the numbers of power.proto."""

    EVALUATED = 1
    SHORT_HISTORY = 2
    NO_READINGS = 3
    NO_RUNNING = 4


@dataclass(frozen=True)
class OwnLevel:
    """自身水平 of a meter: order statistics of the days before the judged one, in kW."""

    p90_kw: float  # of all known minutes; NaN = none
    running_p10_kw: float  # of the minutes above production_share x P90; NaN = none
    known_days: int


@dataclass(frozen=True)
class Pair:
    """产治对应 in force on a day."""

    pair_id: str
    outlet_id: str
    name: str
    production: tuple[str, ...]
    treatment: tuple[str, ...]
    logic: str = "all"  # all | any


@dataclass(frozen=True)
class Meter:
    """What a judged day needs of a meter: the day with its neighbours, and the own level."""

    days: tuple[MeterDay, MeterDay, MeterDay]
    own: OwnLevel


@dataclass(frozen=True)
class Span:
    """时段 [start, end) in minutes of the day. `counts`: long enough for a finding."""

    start: int
    end: int
    counts: bool

    @property
    def minutes(self) -> int:
        """Its length."""
        return self.end - self.start


@dataclass(frozen=True)
class PairResult:
    """产治研判 of one pair and day; minutes of the day."""

    state: PowerState
    production_minutes: int
    unprotected: tuple[Span, ...]
    idle: tuple[Span, ...]
    unknown_minutes: int
    passed_minutes: int
    """Up to the newest reading of the pair's meters."""

    @property
    def unprotected_minutes(self) -> int:
        """无保护生产 minutes, in spans of every length."""
        return sum(span.minutes for span in self.unprotected)

    @property
    def counted_minutes(self) -> int:
        """无保护生产 minutes that count for a finding."""
        return sum(span.minutes for span in self.unprotected if span.counts)

    @property
    def idle_minutes(self) -> int:
        """空转 minutes."""
        return sum(span.minutes for span in self.idle)


def own_level(days: Iterable[MeterDay], rule: PowerRule) -> OwnLevel:
    """自身水平 (D24): P90 of a meter's power in kW, and P10 of its running state.

    Order statistics, not interpolated: the value at rank ceil(share x n). A day with less than half
    of its minutes known does not count.
    """
    shape = {"most_minutes": rule.max_cadence_minutes, "most_cadences": rule.max_hold_cadences}
    parts = [kw[np.isfinite(kw)] for kw in (held([day], **shape) for day in days)]
    parts = [kw for kw in parts if kw.size >= _DAY_KNOWN]
    if not parts:
        return OwnLevel(np.nan, np.nan, 0)
    kw = np.concatenate(parts)
    p90 = _ranked(kw, 0.9)
    running = kw[kw > rule.production_share * p90]
    return OwnLevel(p90, _ranked(running, 0.1) if running.size else np.nan, len(parts))


def judge_pair(pair: Pair, meters: Mapping[str, Meter], rule: PowerRule) -> PairResult:
    """产治研判: minutes of the middle day in which production ran and its treatment did not.

    Production runs above `production_share` of its own P90; treatment is off below
    `treatment_share` of its own P10 of the running state (D24). A state shorter than the debounce
    does not count as one. Treatment must run `pre_run_minutes` before production and
    `post_run_minutes` after it. Several meters: any production meter running is production; the
    pair's logic says whether all or any of the treatment meters must run.
    """
    mine = [meters[one] for one in (*pair.production, *pair.treatment)]
    until = max((_newest(one.days) + 1 for one in mine), default=0)
    signs = {name: _runs(meters[name], rule, until) for name in pair.production}
    on = debounced(_any(signs.values()), rule.debounce_minutes)
    treats = [_treats(meters[name], rule, until) for name in pair.treatment]
    together = _any(treats) if pair.logic == "any" else _all(treats)
    treated = debounced(together, rule.debounce_minutes)
    needed = _widened(on, rule.pre_run_minutes, rule.post_run_minutes)
    unprotected = (needed == 1) & (treated == 0)
    idle = (needed == 0) & (treated == 1)
    open_question = (needed == -1) & (treated != 1) | (needed == 1) & (treated == -1)
    passed = int(np.clip(until - MINUTES, 0, MINUTES))
    return PairResult(
        state=_state(pair, meters, rule),
        production_minutes=int((on[_SLICE] == 1).sum()),
        unprotected=_counted(_spans(unprotected, rule.warning_minutes), rule.dispatch_minutes),
        idle=_spans(idle, rule.idle_minutes or 3 * MINUTES + 1),
        unknown_minutes=int(open_question[_SLICE][:passed].sum()),
        passed_minutes=passed,
    )


def debounced(signs: Signs, minutes: int) -> Signs:
    """消抖: a state shorter than `minutes` counts as the one before it.

    Not known stays not known, and interrupts: a short state after it, or at the beginning, is not
    known either. A state that is long enough counts from its own first minute.

    >>> debounced(np.array([1, 1, 0, 1, 1, 0, 0, -1, 0], dtype=np.int8), 2).tolist()
    [1, 1, 1, 1, 1, 0, 0, -1, -1]
    """
    if not signs.size:
        return signs
    first = np.flatnonzero(np.diff(signs, prepend=signs[0] - 1))
    length = np.diff(first, append=signs.size)
    kept = np.where((signs[first] == -1) | (length >= minutes), np.arange(first.size), -1)
    source = np.maximum.accumulate(kept)
    settled = np.where(source >= 0, signs[first[np.maximum(source, 0)]], -1)
    return np.repeat(settled.astype(np.int8), length)


def power_of(days: Sequence[MeterDay], rule: PowerRule) -> Floats:
    """用电功率 of consecutive days, kW by minute, NaN = not known."""
    return held(
        list(days), most_minutes=rule.max_cadence_minutes, most_cadences=rule.max_hold_cadences
    )


def threshold_kw(own: OwnLevel, rule: PowerRule, *, production: bool) -> float:
    """判定阈值 in kW: production runs above it, treatment is off below it; NaN = no own level."""
    if own.known_days < rule.min_reference_days or not own.p90_kw >= rule.min_p90_kw:
        return np.nan
    level = rule.production_share * own.p90_kw
    return level if production else rule.treatment_share * own.running_p10_kw


def sum_over(parts: Sequence[MeterDay], total: MeterDay, rule: PowerRule) -> tuple[float, int]:
    """总表核对 (D33): share of minutes in which the meters exceed the total, and minutes compared.

    Only minutes in which every meter and the total are known. NaN where there is none.
    """
    if not parts:
        return np.nan, 0
    together = np.sum([power_of([one], rule) for one in parts], axis=0)
    whole = power_of([total], rule)
    known = np.isfinite(together) & np.isfinite(whole)
    if not known.any():
        return np.nan, 0
    over = together[known] > (1 + rule.sum_tolerance) * whole[known] + rule.min_p90_kw
    return float(over.mean()), int(known.sum())


def minutes_by_hour(spans: Iterable[Span]) -> list[tuple[int, int, int, int]]:
    """(hour of the day, minutes, first minute, end minute) of each hour that spans reach into."""
    found: dict[int, tuple[int, int, int]] = {}
    for span in spans:
        for hour in range(span.start // 60, (span.end - 1) // 60 + 1):
            start, end = max(span.start, hour * 60), min(span.end, hour * 60 + 60)
            minutes, first, last = found.get(hour, (0, start - hour * 60, 0))
            begun = min(first, start - hour * 60)
            found[hour] = (minutes + end - start, begun, max(last, end - hour * 60))
    return [(hour, *found[hour]) for hour in sorted(found)]


def _newest(days: Sequence[MeterDay]) -> int:
    """Last minute with a reading over the window, -1 = none."""
    return max((n * MINUTES + d.newest for n, d in enumerate(days) if d.newest >= 0), default=-1)


def _signs(known: Bools, yes: Bools) -> Signs:
    return np.where(known, yes, -1).astype(np.int8)


def _runs(meter: Meter, rule: PowerRule, until: int) -> Signs:
    """Whether a production meter runs."""
    kw, level = power_of(meter.days, rule), threshold_kw(meter.own, rule, production=True)
    return _cut(_signs(np.isfinite(kw) & np.isfinite(level), kw > level), until)


def _treats(meter: Meter, rule: PowerRule, until: int) -> Signs:
    """Whether a treatment meter runs."""
    kw, level = power_of(meter.days, rule), threshold_kw(meter.own, rule, production=False)
    return _cut(_signs(np.isfinite(kw) & np.isfinite(level), kw >= level), until)


def _cut(signs: Signs, until: int) -> Signs:
    """Nothing is known after the newest reading: a reading holds, it does not foretell."""
    signs[until:] = -1
    return signs


def _any(parts: Iterable[Signs]) -> Signs:
    """Kleene's or: one yes is yes, all no is no."""
    rows = np.array(list(parts))
    return np.where((rows == 1).any(axis=0), 1, rows.min(axis=0)).astype(np.int8)


def _all(parts: Iterable[Signs]) -> Signs:
    """Kleene's and: one no is no, all yes is yes."""
    rows = np.array(list(parts))
    return np.where((rows == 0).any(axis=0), 0, rows.min(axis=0)).astype(np.int8)


def _widened(on: Signs, before: int, after: int) -> Signs:
    """Production with the minutes before and after it in which treatment must run."""
    wide = on.copy()
    for start, end in _stretches(on == 1):
        wide[max(0, start - before) : end + after] = 1
    return wide


def _stretches(minutes: Bools) -> list[tuple[int, int]]:
    """Runs of True as [start, end)."""
    edges = np.flatnonzero(np.diff(minutes, prepend=False, append=False))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _spans(minutes: Bools, counts_from: int) -> tuple[Span, ...]:
    """Runs that reach into the middle day, cut to it; they count by their whole length."""
    return tuple(
        Span(max(a, MINUTES) - MINUTES, min(b, 2 * MINUTES) - MINUTES, b - a >= counts_from)
        for a, b in _stretches(minutes)
        if b > MINUTES and a < 2 * MINUTES
    )


def _counted(spans: tuple[Span, ...], enough: int) -> tuple[Span, ...]:
    """Short spans count together where a day of them reaches `enough` minutes (domain.md D.2)."""
    if sum(span.minutes for span in spans) < enough:
        return spans
    return tuple(Span(span.start, span.end, counts=True) for span in spans)


def _state(pair: Pair, meters: Mapping[str, Meter], rule: PowerRule) -> PowerState:
    """The worst of the pair's meters: one that says nothing makes the day not evaluated."""
    found = PowerState.EVALUATED
    for name in (*pair.production, *pair.treatment):
        meter = meters[name]
        if not np.isfinite(power_of(meter.days, rule)[_SLICE]).any():
            return PowerState.NO_READINGS
        if meter.own.known_days < rule.min_reference_days:
            found = PowerState.SHORT_HISTORY
        elif found is PowerState.EVALUATED and not meter.own.p90_kw >= rule.min_p90_kw:
            found = PowerState.NO_RUNNING
    return found


def _ranked(values: Floats, share: float) -> float:
    """The value at rank ceil(share x n), counted from 1."""
    at = max(0, int(np.ceil(share * values.size)) - 1)
    return float(np.partition(values, at)[at])

"""串通雷达: outlets of one operator whose data carry the traces of one hand."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.digit_likeness import digit_likeness
from services.detect.kernels.innovations import innovations
from services.detect.kernels.noise_match import noise_match
from services.detect.kernels.series import Floats, Ints
from services.detect.kernels.series_profile import series_profile
from services.detect.kernels.shared_moments import SharedMoments, shared_moments
from services.detect.screening.coarse import coarse
from services.detect.screening.moments import moments, not_common
from services.detect.screening.panel import Panel
from services.detect.screening.same_outlets import same_outlets
from services.detect.screening.traces import (
    LEAST_OWN,
    Trace,
    control_of,
    joint,
    poisson_tail,
    strength_of,
)

#: Outlets that share no operator are compared as well, so many pairs a factor: the null.
_CONTROL = 600
_NOISE_MIN, _NOISE_LAG_H = 15, 6.0
_MOMENT_MIN, _PLATEAU_H = 10, 6.0

Pair = tuple[str, str]


@dataclass(frozen=True)
class Edge:
    """连线: two outlets of one operator, and what joins them."""

    outlets: Pair
    operator: str
    traces: tuple[Trace, ...]
    """Strongest of each kind, strongest first."""
    strength: float
    """-log10 p of all kinds together, after the number of pairs compared."""


@dataclass(frozen=True)
class Ring:
    """串通圈: outlets of one operator that edges join."""

    operator: str
    outlets: tuple[str, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class Radar:
    """What was compared and what was found."""

    rings: tuple[Ring, ...]
    pairs: int
    """Pairs of outlets that share an operator."""
    control: int
    """Pairs that share none, from which the null was learnt."""


def radar(panels: Sequence[Panel], same: Rule, least: float = 2.0) -> Radar:
    """串通雷达: rings of outlets of one operator (of one owner, where no operator is known).

    Four kinds of traces: copied values, residual noise of one sequence at a lag beyond common
    weather, one habit of last digits, marks and gaps and plateaus that begin at the same moments.
    An edge is drawn where chance makes fewer than 10^-least such in the whole panel; rings are what
    edges connect. `same` is the rule of `same_outlets`.
    """
    works = [_Work(panel, same) for panel in panels]
    pairs = sum(len(work.pairs) for work in works)
    edges = [edge for work in works for edge in work.edges(max(pairs, 1)) if edge.strength >= least]
    control = sum(len(found) for work in works for found in work.control.values())
    return Radar(tuple(rings_of(edges)), pairs, control)


def rings_of(edges: Iterable[Edge]) -> Iterator[Ring]:
    """串通圈 of edges: what they connect, largest first."""
    joined: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        joined[edge.operator].append(edge)
    found = []
    for operator, mine in joined.items():
        head: dict[str, str] = {}
        for edge in mine:
            one, other = (_head(head, outlet) for outlet in edge.outlets)
            head[max(one, other)] = min(one, other)
        groups: dict[str, list[Edge]] = defaultdict(list)
        for edge in mine:
            groups[_head(head, edge.outlets[0])].append(edge)
        for group in groups.values():
            outlets = tuple(sorted({outlet for edge in group for outlet in edge.outlets}))
            found.append(Ring(operator, outlets, tuple(sorted(group, key=_strongest))))
    yield from sorted(found, key=lambda r: (-len(r.outlets), -r.edges[0].strength, r.outlets))


def _head(head: dict[str, str], outlet: str) -> str:
    head.setdefault(outlet, outlet)
    while head[outlet] != outlet:
        outlet = head[outlet]
    return outlet


def _strongest(edge: Edge) -> tuple[float, Pair]:
    return -edge.strength, edge.outlets


@dataclass(frozen=True)
class _Work:
    """Outlets of one panel."""

    panel: Panel
    same: Rule

    @cached_property
    def operator(self) -> dict[str, str]:
        """Who serves each outlet: the operator, else the owner."""
        panel = self.panel
        return {
            outlet: (panel.operator[rows[0]] if panel.operator else "") or panel.enterprise[rows[0]]
            for outlet, rows in panel.rows_of.items()
        }

    @cached_property
    def pairs(self) -> list[Pair]:
        """Outlets of one operator, each two."""
        served: dict[str, list[str]] = defaultdict(list)
        for outlet, operator in self.operator.items():
            served[operator].append(outlet)
        return [pair for outlets in served.values()
                for pair in itertools.combinations(sorted(outlets), 2)]  # fmt: skip

    @cached_property
    def rows_of_factor(self) -> dict[str, dict[str, int]]:
        """Row of each outlet, by factor."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for row, key in enumerate(self.panel.keys):
            found[key.factor][key.outlet_id] = row
        return found

    @cached_property
    def control(self) -> dict[str, list[Pair]]:
        """Outlets of different operators that measure a factor, evenly taken from all pairs."""
        found = {}
        for factor, rows in self.rows_of_factor.items():
            every = [pair for pair in itertools.combinations(sorted(rows), 2)
                     if self.operator[pair[0]] != self.operator[pair[1]]]  # fmt: skip
            found[factor] = every[:: max(1, len(every) // _CONTROL)]
        return found

    def edges(self, compared: int) -> Iterator[Edge]:
        """Every pair with what joins it, after so many comparisons."""
        traces: dict[Pair, dict[str, list[Trace]]] = defaultdict(lambda: defaultdict(list))
        copied = self._copies()
        for pair, trace in itertools.chain(
            copied, self._noise({(p, t.factor) for p, t in copied}), self._digits(), self._moments()
        ):
            traces[pair][trace.kind].append(trace)
        for pair, kinds in sorted(traces.items()):
            best = [max(found, key=lambda t: t.strength) for found in kinds.values()]
            # The best of several factors is one of several tries.
            tried = [math.log10(len(found)) for found in kinds.values()]
            strengths = [max(t.strength - n, 0.0) for t, n in zip(best, tried, strict=True)]
            strength = joint(strengths) - math.log10(compared)
            shown = tuple(sorted(best, key=lambda t: (-t.strength, t.kind)))
            yield Edge(pair, self.operator[pair[0]], shown, strength)

    def _copies(self) -> list[tuple[Pair, Trace]]:
        """照搬: equal or scaled stretches, as `same_outlets` finds them."""
        found: dict[tuple[Pair, str], Trace] = {}
        asked = set(self.pairs)
        for sign in same_outlets(self.panel, self.same):
            one, other = (self.panel.keys[row] for row in (sign.row, *sign.others))
            pair = one.outlet_id, other.outlet_id
            strength = min(sign.score * math.log10(2.0), 300.0)
            lag = (sign.begin - sign.source) / self.panel.per_hour
            best = found.get((pair, one.factor))
            if pair in asked and (best is None or strength > best.strength):
                trace = Trace("copy", one.factor, sign.score, 0.0, lag, strength)
                found[pair, one.factor] = trace
        return [(pair, trace) for (pair, _), trace in found.items()]

    def _noise(self, copied: set[tuple[Pair, str]]) -> Iterator[tuple[Pair, Trace]]:
        """噪声: innovations of one sequence at a lag beyond weather; not of copied values."""
        grid = coarse(self.panel, _NOISE_MIN)
        unit = innovations(grid.series, grid.per_day).unit
        least = max(1, round(_NOISE_LAG_H * grid.per_hour))
        for factor, pairs, rows in self._by_factor():
            asked = [pair for pair in pairs if (pair, factor) not in copied]
            found, null = (
                noise_match(unit, _rows(some, rows), least)
                for some in (asked, self.control[factor])
            )
            control = control_of(null.z, found.z)
            for pair, z, lag in zip(asked, found.z, found.lag, strict=True):
                if np.isfinite(z):
                    strength = strength_of(float(z), control, found.lags)
                    hours = float(lag) / grid.per_hour
                    yield pair, Trace("noise", factor, float(z), _typical(control), hours, strength)

    def _digits(self) -> Iterator[tuple[Pair, Trace]]:
        """尾数: one habit of last digits."""
        profile = series_profile(self.panel.series)
        for factor, pairs, rows in self._by_factor():
            names = sorted(rows)
            at = {name: place for place, name in enumerate(names)}
            here = [rows[name] for name in names]
            z = digit_likeness(self.panel.of_rows(here).series, profile.grid[here])
            null, own = (
                np.array([z[at[a], at[b]] for a, b in some], dtype=np.float64)
                for some in (self.control[factor], pairs)
            )
            control = control_of(null, own)
            for pair, likeness in zip(pairs, own, strict=True):
                if np.isfinite(likeness):
                    strength = strength_of(float(likeness), control, 1)
                    usual = _typical(control)
                    yield pair, Trace("digits", factor, float(likeness), usual, 0.0, strength)

    def _moments(self) -> Iterator[tuple[Pair, Trace]]:
        """时刻: things that begin together at plants of different owners."""
        names = sorted(self.panel.rows_of)
        at = {name: place for place, name in enumerate(names)}
        begins = moments(self.panel, names, _MOMENT_MIN, _PLATEAU_H)
        group = np.unique([self.operator[name] for name in names], return_inverse=True)[1]
        times = max(1, _MOMENT_MIN // self.panel.step_min)
        shared = shared_moments(not_common(begins, group), max(1, self.panel.per_day // times))
        more = self._common_calendar(shared, group)
        owner = {key.outlet_id: own for key, own in zip(
            self.panel.keys, self.panel.enterprise, strict=True
        )}  # fmt: skip
        for a, b in self.pairs:
            if owner[a] == owner[b]:
                continue  # one plant stops, and is calibrated, in one go
            common, expected = (float(m[at[a], at[b]]) for m in shared)
            if np.isfinite(expected) and common + expected > 0:
                expected *= more[group[at[a]]]
                strength = poisson_tail(common, expected)
                yield (a, b), Trace("moments", "", common, expected, 0.0, strength)

    @staticmethod
    def _common_calendar(shared: SharedMoments, group: Ints) -> list[float]:
        """How many times more often than rotation says outlets meet that have no common hand.

        Strangers do by a common calendar; the outlets of one operator by its network and rounds:
        the median of its pairs, where it has enough.
        """
        apart = group[:, None] != group
        usual = np.nansum(shared.common[apart]), np.nansum(shared.expected[apart])
        more = max(1.0, float(usual[0] / usual[1])) if usual[1] > 0 else 1.0
        found = []
        for one in range(int(group.max(initial=-1)) + 1):
            at = np.flatnonzero(group == one)
            upper = np.triu_indices(len(at), 1)
            met, chance = (part[np.ix_(at, at)][upper] for part in shared)
            enough = len(met) >= LEAST_OWN and bool(np.isfinite(chance).all())
            ratio = float(np.median(met / np.maximum(chance, 0.5))) if enough else 1.0
            found.append(max(more, ratio))
        return found

    def _by_factor(self) -> Iterator[tuple[str, list[Pair], Mapping[str, int]]]:
        """Factors with the pairs of one operator that both measure them."""
        for factor, rows in sorted(self.rows_of_factor.items()):
            pairs = [pair for pair in self.pairs if pair[0] in rows and pair[1] in rows]
            if pairs:
                yield factor, pairs, rows


def _rows(pairs: Sequence[Pair], rows: Mapping[str, int]) -> Ints:
    return np.array([[rows[a], rows[b]] for a, b in pairs], dtype=np.int64).reshape(-1, 2)


def _typical(z: Floats) -> float:
    return float(np.nanmedian(z)) if np.isfinite(z).any() else 0.0

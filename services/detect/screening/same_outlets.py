"""两口同数: one outlet repeats another, value for value anywhere, scaled among its own owner's."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.innovations import innovations
from services.detect.kernels.series import Floats, Ints
from services.detect.kernels.twin_likeness import twin_likeness
from services.detect.screening.coarse import Coarse, coarse
from services.detect.screening.copies import LEVELS, Copies, crossings
from services.detect.screening.explained import (
    Explained,
    guarded,
    judged_and_history,
    record_before,
)
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign

#: Hours of the stretches of two outlets that are compared.
_HOURS = (24.0, 48.0, 96.0)
_LEAST_CELLS = 12
#: Pairs times ends that are compared at once.
_PAIRS = 500_000


def needs_days(_: Rule) -> float:
    """Days of own history that equal values need: none; scaled ones wait `min_history_days`."""
    return 0.0


def same_outlets(panel: Panel, rule: Rule) -> list[Sign]:
    """两口同数 (D16): equal to another outlet at any lag, or scaled within one owner or operator.

    Equal values are sought by a hash join over all outlets of the panel that measure the factor;
    chance is that of all their values against all. Scaled and shifted copies need a reason to look:
    a common owner or operator, and a lag of hours.
    """
    return [*_equal(panel, rule), *_scaled(panel, rule)]


def _equal(panel: Panel, rule: Rule) -> Iterator[Sign]:
    factors = {factor: n for n, factor in enumerate(sorted({key.factor for key in panel.keys}))}
    group = np.array([factors[key.factor] for key in panel.keys], dtype=np.int64)
    copies = Copies(panel, rule.hours("window_values"))
    chances = copies.chance(group)
    for candidate in copies.between(group):
        row, source, lag, _ = candidate
        stretch = copies.evidence(candidate)
        chance = chances[group[row]]
        for cell in crossings(stretch.bits - chance, LEVELS, int(panel.judged_since()[row])):
            begin, bits, least = int(stretch.begin[cell]), stretch.bits[cell], float(chance[cell])
            hours = (cell + 1 - begin) / panel.per_hour
            variant = "shifted" if lag else "exact"
            for one, other, at, told in (
                (row, source, begin, begin - lag), (source, row, begin - lag, begin)
            ):  # fmt: skip
                yield Sign(one, cell + 1, at, rule.id, float(bits) - least, hours,
                           value=float(bits), expected=least, silent_at=least, others=(other,),
                           variant=variant, source=told)  # fmt: skip


def _scaled(panel: Panel, rule: Rule) -> Iterator[Sign]:
    groups = _neighbours(panel)
    rows = sorted({row for group in groups for row in group})
    if not rows:
        return
    grid = coarse(panel.of_rows(rows), rule.hours("least_min"))
    moves = innovations(grid.series, grid.per_day)
    explained = Explained(grid, moves)
    place = {row: at for at, row in enumerate(rows)}
    lengths = [round(hours * grid.per_hour) for hours in _HOURS]
    sizes: dict[int, list[list[int]]] = defaultdict(list)
    for group in groups:
        sizes[len(group)].append([place[row] for row in group])
    for alike, length in itertools.product(sizes.values(), lengths):
        if length >= _LEAST_CELLS:
            own = np.array(alike)
            yield from _Pairs(panel, rule, grid, moves.unit, explained, length, own, rows).signs()


def _neighbours(panel: Panel) -> list[tuple[int, ...]]:
    """Rows of one factor at different outlets of one owner, or of one operator."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, key in enumerate(panel.keys):
        found["owner " + panel.enterprise[row], key.factor].append(row)
        if panel.operator and panel.operator[row]:
            found["operator " + panel.operator[row], key.factor].append(row)
    return sorted({tuple(rows) for rows in found.values() if len(rows) > 1})


@dataclass(frozen=True)
class _Pairs:
    """Stretches of one length of the rows of groups of one size."""

    panel: Panel
    rule: Rule
    grid: Coarse
    moves: Floats
    explained: Explained
    length: int
    own: Ints
    """(groups x size): rows of the coarse grid."""
    names: Sequence[int]
    """Of those rows in the panel."""

    def signs(self) -> Iterator[Sign]:
        """Signs of both rows of each pair."""
        judged, history = judged_and_history(self.panel, self.rule, self.grid, self.length)
        least = self.rule.number("least_bits")
        for lag in range(round(self.rule.number("most_lag_h") * self.grid.per_hour) + 1):
            for pair in self._alike(judged, lag):
                bits = self._bits(pair, lag, judged)
                # The record costs as much as the search: asked for where there is something to say.
                if (np.nan_to_num(bits) >= least).any():
                    old = self._bits(pair, lag, history)[None]
                    until = judged - guarded(judged, self.length, self.grid)
                    record = np.fmax(record_before(old, history, until)[0], 0.0)
                    yield from self._signs_of(pair, lag, judged, bits, record)

    def _alike(self, ends: Ints, lag: int) -> list[tuple[int, int]]:
        """Pairs of rows that move alike before some end."""
        size = self.own.shape[1]
        step = max(1, _PAIRS // max(len(ends) * size**2, 1))
        found = []
        for at in range(0, len(self.own), step):
            own = self.own[at : at + step]
            z = twin_likeness(self.moves[own], self.length, ends, lag)
            alike = (np.nan_to_num(z) >= self.rule.number("z")).any(axis=1)
            for group, i, j in zip(*np.nonzero(alike), strict=True):
                if lag or i < j:
                    found.append((int(own[group, i]), int(own[group, j])))
        return found

    def _bits(self, pair: tuple[int, int], lag: int, ends: Ints) -> Floats:
        """Evidence that the first copies the second; NaN where they are not even alike."""
        bits = np.full(len(ends), np.nan)
        z = twin_likeness(self.moves[[pair]], self.length, ends, lag)[0, :, 0, 1]
        for at in np.flatnonzero(np.nan_to_num(z) >= self.rule.number("z")):
            end = int(ends[at])
            begin = end - self.length
            honest = self.explained.days_before(pair[0], begin, 0, 0)
            bits[at] = self.explained.bits(pair[0], begin, end, (pair[1], lag), honest)
        return bits

    def _signs_of(
        self, pair: tuple[int, int], lag: int, ends: Ints, bits: Floats, record: Floats
    ) -> Iterator[Sign]:
        row, source = (self.names[at] for at in pair)
        least, weight = self.rule.number("least_bits"), self.rule.number("scaled_weight")
        since, moved = self.panel.judged_since()[row], lag * self.grid.times
        hours = self.length / self.grid.per_hour
        for at in np.flatnonzero(np.nan_to_num(bits - record) >= least):
            end = int(ends[at]) * self.grid.times
            begin, known = end - self.length * self.grid.times, float(record[at])
            both = (row, source, begin, begin - moved), (source, row, begin - moved, begin)
            for one, other, first, told in both if end > since else ():
                yield Sign(one, end, first, self.rule.id, float(bits[at] - known) * weight,
                           hours, value=float(bits[at]), expected=known,
                           silent_at=known + least, others=(other,), variant="scaled",
                           source=told)  # fmt: skip

"""照搬候选: which stretch of which row may repeat which other, and the evidence cell by cell."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.detect.kernels.change_bits import change_bits
from services.detect.kernels.copied_stretch import Stretch, copied_stretch
from services.detect.kernels.equal_hash_pairs import equal_hash_pairs
from services.detect.kernels.fresh_values import fresh_values
from services.detect.kernels.series import Bools, Floats, Ints
from services.detect.kernels.window_hash import window_hash
from services.detect.screening.panel import Panel

#: Bits beyond chance at which a growing stretch is said again.
LEVELS = (0.0, 3.0, 6.0, 10.0, 15.0, 22.0, 32.0, *(50.0 * 2**n for n in range(12)))
#: Candidates followed up of each row: those that share the most fingerprints.
_MOST = 500
#: Fresh values after which what a change says is first learnt.
_LEARNT = 64


class Candidate(NamedTuple):
    """照搬候选: a row may repeat, `lag` cells later, what `source` said."""

    row: int
    source: int
    lag: int
    known: int
    """Cell with which the first fingerprint in common was complete."""


class Copies:
    """照搬 among the rows of a panel: fingerprints, candidates, evidence."""

    def __init__(self, panel: Panel, window: int) -> None:
        self._panel = panel
        self._window = window
        self._bits: dict[int, Floats] = {}
        self._fresh = fresh_values(panel.series)
        self._first = np.searchsorted(self._fresh.row, np.arange(len(panel.keys) + 1))

    def within(self, min_lag: int) -> list[Candidate]:
        """Rows that may repeat themselves at least `min_lag` cells later."""
        return self._found(np.arange(len(self._panel.keys)), min_lag)

    def between(self, group: Ints) -> list[Candidate]:
        """Rows that may repeat another row of their group, at any lag; the later one first."""
        return self._found(group, None)

    def _found(self, group: Ints, min_lag: int | None) -> list[Candidate]:
        fresh = self._fresh
        first, second = equal_hash_pairs(*window_hash(fresh, self._window, group))
        telling = self._telling(second)
        first, second = first[telling], second[telling]
        a, b = fresh.row[first], fresh.row[second]
        lag = fresh.cell[second] - fresh.cell[first]
        kept = a != b if min_lag is None else (a == b) & (lag >= min_lag)
        late = lag >= 0
        row, source = np.where(late, b, a), np.where(late, a, b)
        ended = np.where(late, fresh.cell[second], fresh.cell[first])
        kept &= ended >= self._panel.judged_since()[row]
        return _most_frequent(row[kept], source[kept], np.abs(lag[kept]), ended[kept])

    def _telling(self, place: Ints) -> Bools:
        """Fingerprints of more than a to and fro: half of their values are different ones."""
        windows = self._fresh.value[place[:, None] - np.arange(self._window)]
        ordered = np.sort(windows, axis=1)
        return np.asarray((np.diff(ordered, axis=1) != 0).sum(axis=1) + 1 >= self._window / 2)

    def chance(self, group: Ints) -> Floats:
        """(groups x T): bits that chance reaches among all values of a group up to each cell.

        2 log2 n - 1: of n^2 / 2 pairs of stretches about one is equal for so many bits.
        """
        of, cells = group[self._fresh.row], self._panel.cells
        number = int(group.max(initial=-1)) + 1
        count = np.bincount(of * cells + self._fresh.cell, minlength=number * cells)
        seen = np.cumsum(count.reshape(number, cells), axis=1)
        return np.asarray(2 * np.log2(np.maximum(seen, 2)) - 1)

    def chance_of(self, row: int) -> Floats:
        """(T,): bits that chance reaches among the values of a row up to each cell."""
        return np.asarray(2 * np.log2(np.maximum(np.cumsum(self.fresh(row)), 2)) - 1)

    def fresh(self, row: int) -> Bools:
        """(T,): fresh cells of a row."""
        found = np.zeros(self._panel.cells, dtype=bool)
        found[self._fresh.cell[self._first[row] : self._first[row + 1]]] = True
        return found

    def bits(self, row: int) -> Floats:
        """(T,): what each cell says, against all that the row said before."""
        if row not in self._bits:
            own = slice(self._first[row], self._first[row + 1])
            found = np.zeros(self._panel.cells)
            found[self._fresh.cell[own]] = _causal_bits(self._fresh.value[own])
            self._bits[row] = found
        return self._bits[row]

    def evidence(self, candidate: Candidate) -> Stretch:
        """Bits of the stretch that ends at each cell of the row; 0 before it was a candidate.

        A cell weighs what it says of the row or of the source, whichever is less; nothing where one
        of them only repeats its last value.
        """
        row, source, lag, known = candidate
        kept = self._panel.cells - lag
        own = self._narrow[row, lag:]
        told = self._narrow[source, :kept]
        with np.errstate(invalid="ignore"):
            equal = own == told
        apart = np.isfinite(own) & np.isfinite(told) & ~equal
        bits = np.minimum(self.bits(row)[lag:], self.bits(source)[:kept])
        found = copied_stretch(equal, apart, bits)
        lead = np.zeros(lag, dtype=np.int64)
        total = np.concatenate([lead, found.bits])
        total[:known] = 0.0
        return Stretch(total, np.concatenate([lead, found.begin + lag]))

    @cached_property
    def _narrow(self) -> NDArray[np.float32]:
        """Values as float32, the precision of rings; NaN where not valid."""
        with np.errstate(over="ignore"):
            return self._panel.series.masked.astype(np.float32)


def _most_frequent(row: Ints, source: Ints, lag: Ints, ended: Ints) -> list[Candidate]:
    """Different candidates; of a row, those that were met most often."""
    if not len(row):
        return []
    order = np.lexsort((ended, lag, source, row))
    met = np.column_stack([row, source, lag, ended])[order]
    new = np.ones(len(met), dtype=bool)
    new[1:] = (met[1:, :3] != met[:-1, :3]).any(axis=1)
    first = np.flatnonzero(new)
    found, times = met[first], np.diff(first, append=len(met))
    found = found[np.lexsort((-times, found[:, 0]))]
    begin = np.searchsorted(found[:, 0], found[:, 0])
    return [Candidate(*map(int, line)) for line in found[np.arange(len(found)) - begin < _MOST]]


def _causal_bits(values: Floats) -> Floats:
    """What each change says, against those before it; learnt anew when a quarter more is known."""
    found = np.zeros(len(values))
    begin, end = 0, _LEARNT
    while begin < len(values):
        lead = max(begin - 2, 0)  # a change is judged by where it began and the change before it
        found[begin:end] = change_bits(values[lead:end], values[:begin])[begin - lead :]
        begin, end = end, end + end // 4
    return found


def crossings(score: Floats, levels: Sequence[float], since: int) -> Iterator[int]:
    """Cells where a score first reaches each level, again in each rise above the lowest."""
    last, reached = -2, -1
    for cell in np.flatnonzero(score >= levels[0]):
        if cell != last + 1:
            reached = -1
        last = int(cell)
        level = int(np.searchsorted(levels, score[cell], "right")) - 1
        if level > reached:
            reached = level
            if last >= since:
                yield last

"""照搬候选: which stretch of which row may repeat which other, and the evidence cell by cell."""

import itertools
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
_MOST = 12
#: What a change says is judged by the changes before its eighth of the series.
_PARTS = 8


class Candidate(NamedTuple):
    """照搬候选: a row may repeat, `lag` cells later, what `source` said."""

    row: int
    source: int
    lag: int


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
        a, b = fresh.row[first], fresh.row[second]
        lag = fresh.cell[second] - fresh.cell[first]
        kept = a != b if min_lag is None else (a == b) & (lag >= min_lag)
        late = lag >= 0
        row, source = np.where(late, b, a), np.where(late, a, b)
        ended = np.where(late, fresh.cell[second], fresh.cell[first])
        kept &= ended >= self._panel.judged_since()[row]
        return _most_frequent(row[kept], source[kept], np.abs(lag[kept]))

    def count(self, row: int) -> int:
        """Fresh values of a row."""
        return int(self._first[row + 1] - self._first[row])

    def counted(self, row: int) -> Ints:
        """(T,): fresh values of a row up to and with each cell."""
        return np.cumsum(self.fresh(row))

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
        """Bits of the stretch that ends at each cell of the row.

        A cell weighs what it says of the row or of the source, whichever is less; nothing where one
        of them only repeats its last value.
        """
        row, source, lag = candidate
        kept = self._panel.cells - lag
        own = self._narrow[row, lag:]
        told = self._narrow[source, :kept]
        with np.errstate(invalid="ignore"):
            equal = own == told
        apart = np.isfinite(own) & np.isfinite(told) & ~equal
        bits = np.minimum(self.bits(row)[lag:], self.bits(source)[:kept])
        found = copied_stretch(equal, apart, bits)
        lead = np.zeros(lag)
        return Stretch(np.concatenate([lead, found.bits]),
                       np.concatenate([lead.astype(np.int64), found.begin + lag]))  # fmt: skip

    @cached_property
    def _narrow(self) -> NDArray[np.float32]:
        """Values as float32, the precision of rings; NaN where not valid."""
        with np.errstate(over="ignore"):
            return self._panel.series.masked.astype(np.float32)


def _most_frequent(row: Ints, source: Ints, lag: Ints) -> list[Candidate]:
    """Different candidates; of a row, those that were met most often."""
    if not len(row):
        return []
    found, times = np.unique(np.column_stack([row, source, lag]), axis=0, return_counts=True)
    found = found[np.lexsort((-times, found[:, 0]))]
    first = np.searchsorted(found[:, 0], found[:, 0])
    return [Candidate(*map(int, line)) for line in found[np.arange(len(found)) - first < _MOST]]


def _causal_bits(values: Floats) -> Floats:
    found = np.zeros(len(values))
    edges = np.linspace(0, len(values), _PARTS + 1).astype(int)
    for begin, end in itertools.pairwise(edges):
        lead = max(begin - 1, 0)
        found[begin:end] = change_bits(values[lead:end], values[:begin])[begin - lead :]
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

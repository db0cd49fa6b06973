"""指纹表: what a partition tells of its series so that copies between partitions are found."""

import zlib
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from services.detect.domain.series_key import SeriesKey
from services.detect.kernels.fresh_values import fresh_values
from services.detect.kernels.window_hash import window_hash
from services.detect.screening.panel import Panel

#: One fingerprint in so many is kept, chosen by its hash: a copy keeps the same ones everywhere.
KEPT = 4


class Meeting(NamedTuple):
    """相遇: two series that share fingerprints at one lag; values are still to be compared."""

    first: int
    second: int
    """Numbers of the series; the second says it later, or has the larger number."""
    lag_min: int
    times: int
    """Fingerprints in common."""


class Prints(NamedTuple):
    """指纹表, sorted by hash: 16 bytes a fingerprint. Tables of any partitions may be merged."""

    code: NDArray[np.uint64]
    series: NDArray[np.uint32]
    """As the caller numbers the series of all partitions."""
    minute: NDArray[np.uint32]
    """Minutes since 1970 of the cell that ends the fingerprint."""

    @classmethod
    def of(cls, panel: Panel, numbers: Iterable[int], window: int) -> Self:
        """Fingerprints of the rows of a panel, from `panel.since` on.

        Only equal factors can meet: the hash holds the factor's code.
        """
        fresh = fresh_values(panel.series)
        group = np.array([zlib.crc32(k.factor.encode()) for k in panel.keys], dtype=np.int64)
        place, code = window_hash(fresh, window, group)
        row, cell = fresh.row[place], fresh.cell[place]
        kept = (code % np.uint64(KEPT) == 0) & (cell >= panel.judged_since()[row])
        minute = panel.start_s // 60 + cell[kept] * panel.step_min
        number = np.array(list(numbers), dtype=np.uint32)[row[kept]]
        return cls._sorted(code[kept], number, minute.astype(np.uint32))

    @classmethod
    def empty(cls) -> Self:
        """No fingerprint."""
        nothing = np.zeros(0, dtype=np.uint32)
        return cls(nothing.astype(np.uint64), nothing, nothing)

    @classmethod
    def merged(cls, tables: Iterable[Self]) -> Self:
        """One table of several."""
        every = list(tables)
        return cls._sorted(*(np.concatenate([t[part] for t in every]) for part in range(3)))

    @classmethod
    def _sorted(
        cls,
        code: NDArray[np.uint64],
        series: NDArray[np.uint32],
        minute: NDArray[np.uint32],
    ) -> Self:
        order = np.lexsort((minute, series, code))
        return cls(code[order], series[order], minute[order])

    def meetings(self, least: int = 2) -> list[Meeting]:
        """Pairs of series with at least so many fingerprints in common at one lag."""
        same = self.code[1:] == self.code[:-1]
        same &= self.series[1:] != self.series[:-1]
        at = np.flatnonzero(same)
        one, other = self.series[at].astype(np.int64), self.series[at + 1].astype(np.int64)
        lag = self.minute[at + 1].astype(np.int64) - self.minute[at].astype(np.int64)
        one, other = np.where(lag >= 0, one, other), np.where(lag >= 0, other, one)
        met = np.column_stack([one, other, np.abs(lag)])
        found, times = np.unique(met, axis=0, return_counts=True)
        return [
            Meeting(int(line[0]), int(line[1]), int(line[2]), int(n))
            for line, n in zip(found, times, strict=True)
            if n >= least
        ]


class PartitionPrints(NamedTuple):
    """指纹表 with the names of its series; their numbers count from 0."""

    keys: tuple[SeriesKey, ...]
    table: Prints

    @classmethod
    def merged(cls, tables: Sequence[Self]) -> Self:
        """One table of several, in this order."""
        shifted, first = [Prints.empty()], 0
        for keys, table in tables:
            shifted.append(table._replace(series=table.series + np.uint32(first)))
            first += len(keys)
        return cls(tuple(key for keys, _ in tables for key in keys), Prints.merged(shifted))

    def without(self, outlets: Container[str]) -> Self:
        """The rest, when some outlets are taken out."""
        stays = np.array([key.outlet_id not in outlets for key in self.keys], dtype=bool)
        number = (np.cumsum(stays) - 1).astype(np.uint32)
        kept = stays[self.table.series]
        code, series, minute = (part[kept] for part in self.table)
        keys = tuple(key for key, stay in zip(self.keys, stays, strict=True) if stay)
        return type(self)(keys, Prints(code, number[series], minute))

"""环形矩阵: series x slots, each cell stamped with the absolute slot it holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from services.detect.domain.grid import Grid
from services.detect.kernels.series import Bools, Floats, Ints
from services.detect.windows import ring_file

_GROWTH = 64
_GROWTH_SHARE = 4  # and a quarter more than there is: growing n series copies O(n) cells, not O(n²)
_SIGNIFICANT = 7


class Values(NamedTuple):
    """Columns of received values on one grid."""

    row: Ints
    time_s: Ints
    value: Floats
    converted: Floats
    flag: NDArray[np.uint8]


class Written(NamedTuple):
    """What became of the columns, one entry a value."""

    slot: Ints
    new: Bools
    """True where the cell was empty; a repetition or a later version leaves it as it was."""
    too_old: Bools
    """True where a newer lap of the ring holds the cell already."""


@dataclass(frozen=True)
class Window:
    """A rectangle read from a ring; NaN and flag 0 where nothing was received."""

    slot: Ints
    """(series x columns): absolute slot of each cell; rows may start at different slots."""
    value: Floats
    converted: Floats
    flag: NDArray[np.uint8]
    present: Bools


class Ring:
    """One grid's values of all series of a partition."""

    def __init__(self, grid: Grid, path: Path | None) -> None:
        self.grid = grid
        self._path = path
        self._use(ring_file.open_cells(path, grid, 0))
        self.newest = self._stamp.max(axis=1, initial=0).astype(np.int64)

    @classmethod
    def of(cls, grid: Grid, folder: Path | None) -> Self:
        """The ring of a grid: a file in the folder, or memory where the grid is not durable."""
        keep = grid.durable and folder is not None
        return cls(grid, folder / f"{grid.name}.ring" if keep and folder else None)

    @property
    def rows(self) -> int:
        """Series there is room for."""
        return len(self._cells)

    def oldest(self, row: int) -> int:
        """Oldest slot that a series has a value in; 0 where it has none."""
        stamps = self._stamp[row]
        return int(stamps.min(initial=np.iinfo(np.int32).max, where=stamps > 0)) * bool(
            stamps.any()
        )

    def grow(self, rows: int) -> None:
        """Make room for at least `rows` series."""
        if rows <= self.rows:
            return
        wanted = -(-max(rows, self.rows + self.rows // _GROWTH_SHARE) // _GROWTH) * _GROWTH
        grown = ring_file.open_cells(self._path, self.grid, wanted)
        if self._path is None:
            grown[: self.rows] = self._cells
        self._use(grown)
        more = np.zeros(wanted - len(self.newest), dtype=np.int64)
        self.newest = np.concatenate([self.newest, more])

    def write(self, columns: Values) -> Written:
        """Put values into their cells; the first value of a cell stays."""
        slot = self.grid.slot_of(columns.time_s)
        cell = slot % self.grid.slots
        held = self._stamp[columns.row, cell].astype(np.int64)
        new, too_old = held < slot, held > slot
        # Within one batch, too, a later lap wins a cell and the first of equal keys stays. The last
        # assignment wins in numpy, so: by lap, and backwards within a lap.
        put = np.flatnonzero(new)[::-1]
        put = put[np.argsort(slot[put], kind="stable")]
        row, at = columns.row[put], cell[put]
        self._value[row, at] = columns.value[put]
        self._converted[row, at] = columns.converted[put]
        self._flag[row, at] = columns.flag[put]
        # The stamp goes last: a cell half written by a killed process still counts as empty.
        self._stamp[row, at] = slot[put]
        np.maximum.at(self.newest, columns.row, slot)
        return Written(slot, new, too_old)

    def read(self, rows: Ints, start: Ints, columns: int) -> Window:
        """Read `columns` slots of each row, each from its own start slot."""
        slot = start[:, None] + np.arange(columns, dtype=np.int64)
        index = rows[:, None], slot % self.grid.slots
        present = self._stamp[index] == slot
        value = _decimals(self._value[index], present)
        converted = _decimals(self._converted[index], present)
        flag = np.where(present, self._flag[index], 0).astype(np.uint8)
        return Window(slot, value, converted, flag, present)

    def flush(self) -> None:
        """Ask the kernel to write what changed."""
        if isinstance(self._cells, np.memmap):
            self._cells.flush()

    def _use(self, cells: NDArray[Any]) -> None:
        """Take cells over, with plain views of their planes: memmap's own indexing is slow."""
        self._cells = cells
        plain = cells.view(np.ndarray)
        self._value, self._converted = plain["value"], plain["converted"]
        self._stamp, self._flag = plain["stamp"], plain["flag"]


def _decimals(stored: NDArray[np.float32], present: Bools) -> Floats:
    """Decimal numbers of the present cells, NaN elsewhere."""
    whole = np.full(stored.shape, np.nan)
    known = present & np.isfinite(stored)
    whole[known] = decimal_of(stored[known])
    return whole


def decimal_of(stored: NDArray[np.float32]) -> Floats:
    """The decimal number that was received, from its float32: 35.1 and not 35.09999847.

    float32 keeps seven significant digits, which is more than HJ 212 sends of a concentration; a
    limit must not be passed or missed by the binary neighbour of what the logger wrote.
    """
    wide = stored.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        digits = _SIGNIFICANT - 1 - np.floor(np.log10(np.abs(wide)))
        up = np.power(10.0, np.clip(digits, 0, 30))
        down = np.power(10.0, np.clip(-digits, 0, 30))
        rounded = np.round(wide * up / down) / up * down
    return np.where(np.isfinite(digits), rounded, wide)

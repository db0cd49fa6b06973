"""分区数据窗口: the rings of one partition, and what a batch touched in them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from services.chassis.log import get_logger
from services.detect.domain.grid import DAY, HOUR, MINUTE, REALTIME, Grid
from services.detect.domain.series_key import PRESENCE, SeriesKey
from services.detect.kernels.series import Floats, Ints
from services.detect.windows import custody
from services.detect.windows.ring import Ring, Values
from services.detect.windows.series_index import SeriesIndex

log = get_logger(__name__)

INDEX_FILE = "series.jsonl"
GRIDS = (HOUR, DAY, MINUTE, REALTIME)
#: Bits that an hour slot needs: rows stand above them where both make one number.
_SLOT_BITS = 32
_NUMBER = {grid.name: number for number, grid in enumerate(GRIDS)}


@dataclass(frozen=True)
class Columns:
    """Received values of one partition; `series` names a grid and a series for each number."""

    series: list[tuple[Grid, SeriesKey]]
    series_index: Ints
    time_s: Ints
    value: Floats
    converted: Floats
    flag: NDArray[np.uint8]


@dataclass
class Touched:
    """Outlets to judge again, with the earliest hour slot that a batch wrote to."""

    since: dict[str, int] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)
    too_old: int = 0

    def add(self, outlet_id: str, first: int, last: int) -> None:
        """Widen an outlet's span."""
        self.since[outlet_id] = min(first, self.since.get(outlet_id, first))
        self.latest[outlet_id] = max(last, self.latest.get(outlet_id, last))


class PartitionWindows:
    """All rings of a partition, one row a series in each of them."""

    def __init__(self, folder: Path | None) -> None:
        """Map the files in `folder`, or keep everything in memory where it is None.

        `lost` tells that there was nothing to map that can be trusted.
        """
        self.folder = folder
        self.lost = False
        if folder is not None:
            boot = custody.boot_id()
            self.lost = not custody.is_intact(folder, INDEX_FILE, GRIDS, boot)
            if self.lost:
                aside = custody.move_aside(folder)
                if aside is not None:
                    log.warning("partition_files_moved_aside", folder=folder.name, to=aside.name)
            folder.mkdir(parents=True, exist_ok=True)
            custody.sign(folder, boot, clean=False)
        self._judged_until: dict[str, int] = {}
        self.reload()

    def reload(self) -> None:
        """Map the files as they are now."""
        if self.folder is not None:
            (self.folder / INDEX_FILE).touch()
        self.index = SeriesIndex(self.folder / INDEX_FILE if self.folder else None)
        self.rings = {grid: Ring.of(grid, self.folder) for grid in GRIDS}
        self._grow()
        self._index_size = self._size_on_disk()

    def changed_elsewhere(self) -> bool:
        """Tell whether another process added series while we did not own the partition."""
        return self._size_on_disk() != self._index_size

    def write(self, columns: Columns) -> Touched:
        """Put a batch into the rings; tell which outlets have to be judged again."""
        touched = Touched()
        grid_of = self._put(columns, touched)
        self._touch(touched, columns, grid_of)
        return touched

    def fill(self, columns: Columns) -> None:
        """Put much history into the rings at once; the caller knows what to judge."""
        grid_of = self._put(columns, Touched())
        shorter = grid_of[columns.series_index] != _NUMBER[DAY.name]
        presence = self.index.rows_for(SeriesKey(k.outlet_id, PRESENCE) for _, k in columns.series)
        row_of = np.array(presence, dtype=np.int64)
        rows = row_of[columns.series_index[shorter]]
        slots = HOUR.slot_of(columns.time_s[shorter])
        first = np.unique(rows << _SLOT_BITS | slots, return_index=True)[1]
        self._note_presence(rows[first], slots[first])

    def _put(self, columns: Columns, touched: Touched) -> Ints:
        """Write each value into the ring of its grid; gives the grid's number of each series."""
        rows = self._rows(columns)
        grid_of = np.array([_NUMBER[grid.name] for grid, _ in columns.series], dtype=np.int64)
        kind = grid_of[columns.series_index]
        for number, grid in enumerate(GRIDS):
            mine = np.flatnonzero(kind == number)
            if mine.size:
                part = Values(
                    rows[mine],
                    columns.time_s[mine],
                    columns.value[mine],
                    columns.converted[mine],
                    columns.flag[mine],
                )
                written = self.rings[grid].write(part)
                touched.too_old += int(written.too_old.sum())
        return grid_of

    def settled(self, touched: Touched) -> None:
        """Remember that what a batch touched has been judged and stored."""
        for outlet_id, slot in touched.latest.items():
            self._judged_until[outlet_id] = max(slot, self._judged_until.get(outlet_id, slot))

    def watermark(self, outlet_id: str) -> int:
        """Newest hour slot in which the outlet sent anything; 0 where it never did."""
        row = self.index.row(SeriesKey(outlet_id, PRESENCE))
        return 0 if row is None else int(self.rings[HOUR].newest[row])

    def close(self) -> None:
        """Write everything out and say so; the windows may be used on, but are dirty no more."""
        for ring in self.rings.values():
            ring.flush()
        if self.folder is not None:
            custody.sign(self.folder, custody.boot_id(), clean=True)

    def _rows(self, columns: Columns) -> Ints:
        rows = self.index.rows_for(key for _, key in columns.series)
        self.index.rows_for(_presence_keys(key for _, key in columns.series))
        self._grow()
        self._index_size = self._size_on_disk()
        return np.array(rows, dtype=np.int64)[columns.series_index]

    def _grow(self) -> None:
        for ring in self.rings.values():
            ring.grow(len(self.index))

    def _touch(self, touched: Touched, columns: Columns, grid_of: Ints) -> None:
        """Note in which hours outlets sent, and which outlets must be judged."""
        names = list(dict.fromkeys(key.outlet_id for _, key in columns.series))
        outlets = {name: number for number, name in enumerate(names)}
        outlet_of = np.array([outlets[key.outlet_id] for _, key in columns.series], dtype=np.int64)
        shorter = grid_of[columns.series_index] != _NUMBER[DAY.name]
        index = columns.series_index[shorter]
        slots = HOUR.slot_of(columns.time_s[shorter])
        # One row an outlet, grid and hour: a batch has ten factors and some hours of each.
        came = np.unique(np.stack([outlet_of[index], grid_of[index], slots]), axis=1)
        presence = self.index.rows_for(SeriesKey(name, PRESENCE) for name in names)
        rows = np.array(presence, dtype=np.int64)[came[0]]
        known_until = self.rings[HOUR].newest[rows]
        self._note_presence(rows, came[2])
        newest = np.maximum(known_until, self.rings[HOUR].newest[rows])
        for number, grid, slot, until in zip(*came.tolist(), newest.tolist(), strict=True):
            self._touch_outlet(touched, names[number], GRIDS[grid], slot, until)

    def _note_presence(self, rows: Ints, slots: Ints) -> None:
        ones = np.ones(slots.size)
        flags = np.zeros(slots.size, dtype=np.uint8)
        self.rings[HOUR].write(Values(rows, slots * HOUR.step_s, ones, ones, flags))

    def _touch_outlet(
        self, touched: Touched, outlet_id: str, grid: Grid, slot: int, known_until: int
    ) -> None:
        # Shorter values matter where they open an hour (a silence ends) or come after their hour
        # was judged (its recomputed mean changes); in between they wait for the hour's own value.
        opens = slot > self._judged_until.get(outlet_id, 0)
        late = slot < known_until
        if grid is HOUR or opens or (grid is MINUTE and late):
            touched.add(outlet_id, slot, slot)

    def _size_on_disk(self) -> int:
        path = self.folder / INDEX_FILE if self.folder else None
        return path.stat().st_size if path and path.exists() else 0


def _presence_keys(keys: Iterable[SeriesKey]) -> list[SeriesKey]:
    return [SeriesKey(outlet_id, PRESENCE) for outlet_id in {key.outlet_id for key in keys}]

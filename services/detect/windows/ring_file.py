"""环形矩阵文件: the file under a ring; a header names format and grid, then one record a series."""

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.chassis.log import get_logger
from services.detect.domain.grid import Grid

log = get_logger(__name__)

MAGIC = "farsight-ring"
VERSION = 1
HEADER = 4096


def record(grid: Grid) -> np.dtype[Any]:
    """Layout of one series: four planes, each over all slots, little endian."""
    return np.dtype(
        [
            ("value", "<f4", (grid.slots,)),
            ("converted", "<f4", (grid.slots,)),
            ("stamp", "<i4", (grid.slots,)),  # absolute slot, 0 = empty
            ("flag", "u1", (grid.slots,)),  # ASCII letter, 0 = absent
        ]
    )


def header_of(grid: Grid) -> dict[str, object]:
    """What a file of this grid must say about itself."""
    return {
        "magic": MAGIC,
        "version": VERSION,
        "grid": grid.name,
        "step_s": grid.step_s,
        "slots": grid.slots,
        "offset_s": grid.offset_s,
    }


def open_cells(path: Path | None, grid: Grid, rows: int) -> NDArray[Any]:
    """Map a ring's cells with room for `rows` series at least, or make them in memory.

    A file of another format or grid is moved aside as `.old`: its values come back from ingest.
    """
    layout = record(grid)
    if path is None:
        return np.zeros(rows, dtype=layout)
    if not is_ring(path, grid):
        create(path, grid)
    there = (path.stat().st_size - HEADER) // layout.itemsize
    if there < rows:
        with path.open("r+b") as file:
            file.truncate(HEADER + rows * layout.itemsize)  # sparse: zeros are empty cells
    count = max(there, rows)
    if count == 0:
        return np.zeros(0, dtype=layout)  # nothing to map yet
    return np.memmap(path, dtype=layout, mode="r+", offset=HEADER, shape=(count,))


def is_ring(path: Path, grid: Grid) -> bool:
    """Tell whether the file is a ring of this grid and format."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(HEADER).rstrip(b"\0"))
    except (OSError, ValueError):
        return False
    return bool(found == header_of(grid))


def create(path: Path, grid: Grid) -> None:
    """Make an empty ring file; what was there under this name is moved aside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.replace(path.with_suffix(".old"))
        log.warning("ring_file_moved_aside", file=path.name)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(json.dumps(header_of(grid)).encode().ljust(HEADER, b"\0"))
    fresh.replace(path)

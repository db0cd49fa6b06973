"""文件可信性: whether a partition's files are what the last process left.

Cells reach the disk when the kernel writes its pages. A killed process loses nothing by that; a
machine that lost its power may. So a folder says under which boot it was written and whether it
was closed in order; one of another boot that was not is moved aside, and its values come back from
ingest.
"""

import json
import os
from pathlib import Path

from services.detect.domain.grid import Grid
from services.detect.windows import ring_file

STATE_FILE = "state.json"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Name the present start of the machine; empty where the system does not tell."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def is_intact(folder: Path, index: str, grids: tuple[Grid, ...], boot: str) -> bool:
    """Tell whether index and rings are all there, in our format, and written out or cached."""
    rings = [(folder / f"{grid.name}.ring", grid) for grid in grids if grid.durable]
    whole = (folder / index).exists() and all(ring_file.is_ring(*ring) for ring in rings)
    return whole and _is_trusted(folder, boot)


def _is_trusted(folder: Path, boot: str) -> bool:
    """Closed in order, or written under this very boot of the machine."""
    try:
        state = json.loads((folder / STATE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(state.get("clean")) or (bool(boot) and state.get("boot") == boot)


def sign(folder: Path, boot: str, *, clean: bool) -> None:
    """Note who writes here: dirty when a process takes the folder, clean when it has flushed."""
    fresh = folder / f"{STATE_FILE}.new"
    with fresh.open("w", encoding="utf-8") as file:
        json.dump({"boot": boot, "clean": clean}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / STATE_FILE)


def move_aside(folder: Path) -> Path | None:
    """Rename a folder that can't be trusted, so that an empty one takes its place."""
    if not folder.exists() or not any(folder.iterdir()):
        return None
    number = sum(1 for _ in folder.parent.glob(f"{folder.name}.old*"))
    aside = folder.with_name(f"{folder.name}.old{number}")
    folder.rename(aside)
    return aside

"""Processes of this installation that outlived their supervisor (残留进程).

A process is ours when it carries our marker in its environment. PostgreSQL and Valkey overwrite
their environment to show a title; they are known by program and working folder instead. Nothing
else is ever touched: an editor open on one of our logs is not ours.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from farsight.local.folders import DataFolder
from farsight.local.supervisor import MARKER

_GRACE_S = 10

# Program -> the folder below `servers` that it runs in.
_HOMES = {"postgres": "postgres", "valkey-server": "valkey"}


def find(folder: DataFolder) -> list[int]:
    """The pids of every process that belongs to this data folder, ourselves excluded."""
    return [pid for pid in _pids() if pid != os.getpid() and _is_ours(pid, folder)]


def end(folder: DataFolder) -> list[int]:
    """End what is left, politely and then firmly; the pids that were found first."""
    found = find(folder)
    _signal(found, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    while find(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    while survivors := find(folder):
        _signal(survivors, signal.SIGKILL)
        time.sleep(0.1)
    return found


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _is_ours(pid: int, folder: DataFolder) -> bool:
    process = Path("/proc") / str(pid)
    try:
        if _is_zombie(process):
            return False
        variables = (process / "environ").read_bytes().split(b"\0")
        if f"{MARKER}={folder.root}".encode() in variables:
            return True
        home = _HOMES.get((process / "comm").read_text().strip())
        return home is not None and (process / "cwd").readlink() == folder.servers / home
    except OSError:  # it has ended meanwhile, or it is another user's
        return False


def _is_zombie(process: Path) -> bool:
    return (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue

"""How much memory a process really uses (内存), its children included."""

from collections import defaultdict
from pathlib import Path

_PROC = Path("/proc")


def memory_of_trees(roots: list[int]) -> dict[int, int]:
    """Bytes of each process with all its descendants.

    Counts proportional shares (PSS) where the kernel tells them, so that PostgreSQL's shared
    buffers are not counted once a backend; resident size otherwise.
    """
    children = _children()
    return {root: sum(_memory(pid) for pid in _tree(root, children)) for root in roots}


def _children() -> dict[int, list[int]]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:  # it ended meanwhile
            continue
        children[int(stat.rpartition(")")[2].split()[1])].append(int(entry.name))
    return children


def _tree(root: int, children: dict[int, list[int]]) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting.extend(children.get(pid, ()))
    return found


def _memory(pid: int) -> int:
    for file, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            lines = (_PROC / str(pid) / file).read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return 0

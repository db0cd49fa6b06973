"""Ending everything of one installation and nothing else (停机)."""

import os
import signal
import time

from farsight.local import leftovers
from farsight.local.folders import DataFolder

SHUTDOWN_TIMEOUT_S = 90
"""Longer than the supervisor's groups one after the other: demo, services, servers, epmd."""


def shut_down(folder: DataFolder) -> None:
    """Let the supervisor end its programs in order, then end whatever is left."""
    pid = _supervisor_pid(folder)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT_S
        while pid in leftovers.find(folder) and time.monotonic() < deadline:
            _reap()
            time.sleep(0.1)
    leftovers.end(folder)
    folder.supervisor_socket.unlink(missing_ok=True)


def _supervisor_pid(folder: DataFolder) -> int | None:
    """The supervisor's pid if that process is really ours: pids are used again."""
    path = folder.run / "supervisord.pid"
    if not path.exists() or not path.read_text().strip().isdigit():
        return None
    pid = int(path.read_text())
    return pid if pid in leftovers.find(folder) else None


def _reap() -> None:
    """Collect ended children, so that they do not stay as zombies."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return

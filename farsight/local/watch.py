"""Following a running platform (看护): says when a process ended and came back."""

import subprocess
import time

from farsight.local.errors import LocalError
from farsight.local.folders import DataFolder
from farsight.local.supervisor import ProcessState, Supervisor

_POLL_S = 1.0


def follow(folder: DataFolder, supervisor: Supervisor, daemon: subprocess.Popen[bytes]) -> None:
    """Print restarts until interrupted. Raises `LocalError` when the supervisor itself ends."""
    before = {each.name: each for each in supervisor.processes()}
    while daemon.poll() is None:
        time.sleep(_POLL_S)
        if daemon.poll() is not None:
            break
        now = {each.name: each for each in supervisor.processes()}
        for name, state in now.items():
            _tell(folder, before[name], state)
        before = now
    raise LocalError(f"the supervisor ended with status {daemon.returncode}")


def _tell(folder: DataFolder, before: ProcessState, now: ProcessState) -> None:
    stamp = time.strftime("%H:%M:%S")
    log = folder.log_of(now.name)
    if now.state in ("BACKOFF", "FATAL") and before.state != now.state:
        print(f"{stamp} {now.name} does not stay up ({now.reason}); see {log}", flush=True)
    elif now.pid and before.pid and now.pid != before.pid:
        print(f"{stamp} {now.name} ended and was started again (pid {now.pid})", flush=True)

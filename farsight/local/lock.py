"""One `farsight up` a data folder (互斥): an advisory lock that dies with its holder."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from farsight.local.errors import AlreadyRunning
from farsight.local.folders import DataFolder


@dataclass(frozen=True)
class Holder:
    """Who runs the platform: the process that ends everything when it gets SIGTERM."""

    pid: int


class RunLock:
    """The lock file of a data folder. The kernel releases it when the last holder has ended."""

    def __init__(self, folder: DataFolder) -> None:
        self._root = folder.root
        self._path = folder.run / "up.lock"
        self.descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)

    def acquire(self) -> None:
        """Take the lock. Raises `AlreadyRunning`."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = read_holder(self._path)
            raise AlreadyRunning(self._root, holder.pid if holder else None) from None

    def note_holder(self, holder: Holder) -> None:
        """Write down who holds it, for `farsight down` and `status`."""
        self._path.write_text(json.dumps(asdict(holder)))

    def release(self) -> None:
        """Give it back; a supervisor that got the descriptor still holds it."""
        os.close(self.descriptor)


def running(folder: DataFolder) -> Holder | None:
    """Who runs the platform on this folder now; None when nobody does."""
    lock = RunLock(folder)
    try:
        lock.acquire()
    except AlreadyRunning:
        return read_holder(folder.run / "up.lock")
    finally:
        lock.release()
    return None


def read_holder(path: Path) -> Holder | None:
    """The last noted holder; it may have ended."""
    text = path.read_text()
    return Holder(**json.loads(text)) if text else None

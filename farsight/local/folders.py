"""Where one installation keeps its state (数据目录)."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Linux refuses a unix socket path of 108 bytes or more; supervisord appends ".<pid>" while binding.
_SOCKET_PATH_LIMIT = 96


@dataclass(frozen=True)
class DataFolder:
    """The layout of a data folder; `root` is absolute, so that it identifies the installation."""

    root: Path

    @classmethod
    def open(cls, path: str | Path) -> "DataFolder":
        """The folder at `path`, made with its sub-folders where missing."""
        folder = cls(Path(path).expanduser().resolve())
        for part in (folder.logs, folder.keys, folder.run, folder.servers):
            part.mkdir(parents=True, exist_ok=True)
        for private in (folder.keys, folder.run):
            private.chmod(0o700)
        return folder

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.root / "logs"

    @property
    def keys(self) -> Path:
        """Generated passwords and signing keys, readable by the owner only."""
        return self.root / "keys"

    @property
    def run(self) -> Path:
        """Lock, supervisor configuration and its socket: state of the running platform."""
        return self.root / "run"

    @property
    def servers(self) -> Path:
        """Data of the embedded PostgreSQL, RabbitMQ and Valkey."""
        return self.root / "servers"

    @property
    def supervisor_socket(self) -> Path:
        """The supervisor's unix socket; in the temporary folder where its path gets too long."""
        path = self.run / "supervisor.sock"
        if len(str(path).encode()) < _SOCKET_PATH_LIMIT:
            return path
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"farsight-{digest}.sock"

    def log_of(self, process: str) -> Path:
        """The log file of one process."""
        return self.logs / f"{process}.log"

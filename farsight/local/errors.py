"""What can go wrong when the platform is started; each text is one clear line for the operator."""

from pathlib import Path


class LocalError(Exception):
    """The platform cannot be started or reached as asked."""


class ServerUnavailable(LocalError):
    """A server is missing or refuses: names the server, its address and the setting."""

    def __init__(self, server: str, address: str, setting: str, reason: str) -> None:
        super().__init__(f"{server} at {address} (setting {setting}): {reason}")
        self.server = server
        self.address = address
        self.setting = setting


class ProcessFailed(LocalError):
    """A process of ours does not come up; `tail` holds the last lines of its log."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        super().__init__(f"{name} {reason}; its log is {log}")
        self.name = name
        self.log = log

    def tail(self, lines: int = 15) -> str:
        """The last lines of the process's log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class AlreadyRunning(LocalError):
    """Another `farsight up` works on the same data folder."""

    def __init__(self, root: Path, pid: int | None) -> None:
        by = f" (pid {pid})" if pid else ""
        super().__init__(f"farsight is already running on {root}{by}; `farsight down` ends it")
        self.pid = pid

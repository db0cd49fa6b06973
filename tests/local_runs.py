"""Running `farsight` as a user does: a process of its own on a data folder of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

COMMAND = [sys.executable, "-m", "farsight"]
SERVER_SETTINGS = ("AMQP_URI", "DATABASE_URL", "REDIS_URL", "FARSIGHT_DATA", "FARSIGHT_SMPP_URI")


def plain_environment() -> dict[str, str]:
    """The environment without settings that would point at somebody else's servers."""
    return {key: value for key, value in os.environ.items() if key not in SERVER_SETTINGS}


def farsight(
    *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a sub-command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment or plain_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


def start_up(data: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start `farsight up` in the foreground; its output is in `data`.out."""
    with output_of(data).open("ab") as output:
        return subprocess.Popen(
            [*COMMAND, "up", "--data", str(data), "--any-port", *options],
            env=plain_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def output_of(data: Path) -> Path:
    """Where `start_up` writes."""
    return data.with_name(data.name + ".out")


def eventually(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until the condition holds. Fails with `what` at the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def processes_of(data: Path) -> dict[int, str]:
    """Every living process that has the data folder in its environment, command or working folder.

    Independent of the product's own search: it also finds processes without our marker.
    """
    needle = str(data).encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in (os.getpid(), os.getppid()):
            continue
        try:
            if (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                continue
            command = (entry / "cmdline").read_bytes()
            traces = command + (entry / "environ").read_bytes()
            traces += b"\0" + os.fsencode((entry / "cwd").readlink())
        except OSError:
            continue
        if needle in traces:
            found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found

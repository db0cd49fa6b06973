"""The whole platform as a user starts it, in a folder of its own, for tests and the bench."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farsight.local.folders import DataFolder
from farsight.local.installation import known_environment
from tests.e2e.clients import Person, wait_until
from tests.local_runs import COMMAND, output_of, plain_environment, start_up


@dataclass
class RunningPlatform:
    """Addresses and handles of a platform that `farsight up` started."""

    data: Path
    env: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def hj212(self) -> str:
        return self.env["FARSIGHT_HJ212_BIND"]

    @property
    def grpc(self) -> str:
        return self.env["FARSIGHT_GRPC_ADDR"]

    @property
    def console(self) -> str:
        return f"http://{self.env['FARSIGHT_CONSOLE_BIND']}"

    @property
    def handset(self) -> str:
        return self.env["FARSIGHT_HANDSET_URL"]

    def operator(self) -> Person:
        """Sign in as the operator of the installation, who sees all of it."""
        return Person(self.grpc, "operator", self.env["FARSIGHT_BOOTSTRAP_PASSWORD"])

    def seed(self) -> None:
        """Load the demo province through the public door."""
        done = subprocess.run(
            [COMMAND[0], "-m", "farsight.lab.seed"],
            env=self.env, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr

    def start_command(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a sub-command against this platform."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run_command(self, *arguments: str) -> str:
        """Run a sub-command to its end; its output."""
        process = self.start_command(*arguments)
        output, errors = process.communicate(timeout=400)
        assert process.returncode == 0, output + errors
        return output

    def json_command(self, *arguments: str) -> dict[str, Any]:
        """Run a sub-command that prints one JSON object."""
        output = self.run_command(*arguments)
        found: dict[str, Any] = json.loads(output[output.index("{") :])
        return found

    def status(self) -> dict[str, Any]:
        """Ask `farsight status --json`; its exit code is not asked here."""
        process = self.start_command("status", "--data", str(self.data), "--json")
        output, errors = process.communicate(timeout=60)
        assert output, errors
        found: dict[str, Any] = json.loads(output)
        return found

    def waiting(self, prefix: str) -> int:
        """Count the messages in queues whose names start with `prefix`."""
        return sum(n for name, n in self.status()["queues"].items() if name.startswith(prefix))

    def kill(self, name: str) -> int:
        """End one process with SIGKILL; the pid that died."""
        pid = self._row(name)["pid"]
        os.kill(pid, 9)
        return int(pid)

    def wait_ready(self, name: str, *, not_pid: int = 0) -> None:
        """Wait until the supervisor has the process back and it says that it is ready."""
        wait_until(lambda: self._is_ready(name, not_pid), 120, f"{name} ready")

    def _is_ready(self, name: str, not_pid: int) -> bool:
        try:
            row = self._row(name)
        except (AssertionError, ValueError):
            return False  # `farsight status` asks servers that may be away
        # A server has no probe: it counts as ready when it runs.
        return row["pid"] not in {0, not_pid} and row["ready"] is not False

    def _row(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(
            one for one in self.status()["processes"] if one["name"] == name
        )
        return found

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(90)


def start_platform(data: Path, *options: str, seconds: float = 150) -> RunningPlatform:
    """Run `farsight up` on a new folder until it says ready."""
    process = start_up(data, *options)
    output = output_of(data)
    deadline = time.monotonic() + seconds
    while "ready after" not in output.read_text(encoding="utf-8", errors="replace"):
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            raise AssertionError(output.read_text(encoding="utf-8", errors="replace")[-4000:])
        time.sleep(0.2)
    env = {**plain_environment(), **known_environment(DataFolder.open(data))}
    return RunningPlatform(data, env, process)

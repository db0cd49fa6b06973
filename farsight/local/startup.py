"""The order of a start (启动次序): servers, schemas, services, demo province, demo actors."""

import subprocess
import sys
import time
from collections.abc import Iterable

from farsight.local.errors import ProcessFailed
from farsight.local.installation import Installation
from farsight.local.processes import DEMO, SERVICES, Run
from farsight.local.programs import Program
from farsight.local.summary import summary
from farsight.local.supervisor import Supervisor
from farsight.local.waiting import CrashWatch, await_ready, await_server


class Startup:
    """One start, with a line for each step that says how long it has taken so far."""

    def __init__(self, installation: Installation, supervisor: Supervisor, began: float) -> None:
        self._installation = installation
        self._supervisor = supervisor
        self._began = began
        self._watch = CrashWatch(installation.folder, supervisor)

    def run(self) -> None:
        """Start everything and wait until it is ready. Raises `LocalError`."""
        self._servers()
        if self._installation.run is not Run.SERVERS:
            self._once("migrate", "services.chassis.migrate", "all")
            self._group(SERVICES)
        if self._installation.run is Run.DEMO:
            gate = self._installation.environment["FARSIGHT_GATE_GRPC_ADDR"]
            self._once("seed", "farsight.lab.seed", "--marks", gate)
            self._group(DEMO)
        print(summary(self._installation, self._elapsed_s()), flush=True)

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def _say(self, text: str) -> None:
        print(f"{self._elapsed_s():6.1f} s  {text}", flush=True)

    def _servers(self) -> None:
        for server in self._installation.servers:
            self._start(server.programs)
        for server in self._installation.servers:
            await_server(self._installation.folder, self._watch, server)
            own = "" if server.programs else f", {server.setting}"
            self._say(f"{server.name} answers ({server.address}{own})")

    def _once(self, name: str, module: str, *arguments: str) -> None:
        """Run a step that ends by itself. Raises `ProcessFailed`."""
        log = self._installation.folder.log_of(name)
        with log.open("ab") as output:
            done = subprocess.run(
                [sys.executable, "-m", module, *arguments],
                env=dict(self._installation.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
        if done.returncode != 0:
            raise ProcessFailed(name, f"ended with status {done.returncode}", log)
        self._say(f"{name} done")

    def _group(self, group: str) -> None:
        processes = [each for each in self._installation.processes if each.group == group]
        programs = [each.program(self._installation.addresses) for each in processes]
        self._start(programs)
        await_ready(
            self._installation.folder,
            self._watch,
            programs,
            lambda program: self._say(f"{program.name} is ready"),
        )

    def _start(self, programs: Iterable[Program]) -> None:
        for program in programs:
            self._supervisor.start(program)

"""The table of what runs on one machine (进程表): design.md section 3 and the demo."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from farsight.local.ports import Address, Listener
from farsight.local.programs import Program

SERVICES, DEMO = "services", "demo"

_CHASSIS = "services.chassis"
_NAMEKO = ("registry", "ingest", "detect", "cases", "referral", "notify")


@dataclass(frozen=True)
class Process:
    """One row: name, the Python module it runs, and when it belongs to a run."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    group: str = SERVICES
    stop_wait_s: int = 15

    @property
    def probe_listener(self) -> Listener:
        """The listener of its `/livez`, `/readyz` and `/metrics`."""
        return Listener(f"probe-{self.name}")

    def program(self, addresses: Mapping[str, Address]) -> Program:
        """What the supervisor is told."""
        probe = addresses[self.probe_listener.name]
        return Program(
            name=self.name,
            group=self.group,
            command=(sys.executable, "-m", self.module, *self.arguments),
            environment={"FARSIGHT_PROBE_BIND": str(probe)},
            stop_wait_s=self.stop_wait_s,
            probe=probe,
        )


HANDSET = Process("handset", "farsight", ("handset",))
"""The SMS centre; left out when FARSIGHT_SMPP_URI names a real one."""

PLATFORM = (
    *(Process(name, f"{_CHASSIS}.host", (name,)) for name in _NAMEKO),
    Process("doors", f"{_CHASSIS}.doors", _NAMEKO),
    Process("ingest-gate", "services.ingest.gate"),
    Process("console", "services.console"),
)

DEMO_ACTORS = (
    # Both go on where they stopped, so a restart neither repeats history nor forgets a check.
    Process("demo-loggers", "farsight", ("simulate", "--history", "90", "--live"), DEMO),
    Process("demo-officers", "farsight", ("demo-officers",), DEMO),
    Process("demo-power", "farsight", ("demo-power",), DEMO),
)


class Run(Enum):
    """How much of the table a run starts."""

    SERVERS = "servers"
    PLATFORM = "platform"
    DEMO = "demo"


def processes(run: Run, *, own_sms_centre: bool) -> list[Process]:
    """The rows of a run in the order of their start."""
    if run is Run.SERVERS:
        return []
    return [
        *([HANDSET] if own_sms_centre else []),
        *PLATFORM,
        *(DEMO_ACTORS if run is Run.DEMO else []),
    ]

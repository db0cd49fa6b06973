"""`python -m services.ingest.gate`: the gate process."""

import os
import socket

import uvloop

from services.chassis.log import configure_logging
from services.ingest.gate.process import run
from services.ingest.gate.settings import GateSettings


def main() -> None:
    """Read the environment and serve."""
    settings = GateSettings.from_env()
    configure_logging("ingest-gate", as_json=settings.chassis.log_json)
    uvloop.run(run(settings, f"{socket.gethostname()}-{os.getpid()}"))


if __name__ == "__main__":
    main()

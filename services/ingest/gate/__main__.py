"""`python -m services.ingest.gate`: the gate process."""

import os
import secrets
import socket

import uvloop

from services.chassis.log import configure_logging
from services.ingest.gate.process import run
from services.ingest.gate.settings import GateSettings


def main() -> None:
    """Read the environment and serve."""
    settings = GateSettings.from_env()
    configure_logging("ingest-gate", as_json=settings.chassis.log_json)
    # Names this life of the process, not its place: a container that starts anew has the same
    # host name and pid, but knows nothing of the commands that its forerunner carried out.
    gate_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    uvloop.run(run(settings, gate_id))


if __name__ == "__main__":
    main()

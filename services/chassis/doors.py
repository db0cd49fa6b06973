"""`python -m services.chassis.doors NAME...`: one gRPC host for the named services' `door.py`.

Each door module has `SERVICES` (full names of its gRPC services) and `register(server, settings)`.
On Kubernetes each service's door is a Deployment of its own; on one machine one process hosts all.
"""

import asyncio
import importlib
import signal
import sys

from services.chassis import grpc_host
from services.chassis.identity import Tokens
from services.chassis.log import configure_logging, get_logger
from services.chassis.probes import Probes
from services.chassis.settings import ChassisSettings

log = get_logger(__name__)


async def serve(names: list[str], settings: ChassisSettings) -> None:
    """Host the doors until SIGTERM; calls in flight get ten seconds."""
    probes = Probes(settings.probe_bind)
    server = grpc_host.build_server(Tokens(settings.token_key))
    services: list[str] = []
    for name in names:
        door = importlib.import_module(f"services.{name}.door")
        door.register(server, settings)
        services.extend(door.SERVICES)
    await grpc_host.add_health_and_reflection(server, services)
    if not server.add_insecure_port(settings.grpc_bind):
        sys.exit(f"cannot listen on {settings.grpc_bind} (FARSIGHT_GRPC_BIND)")
    await server.start()
    probes.ready()
    log.info("doors_open", bind=settings.grpc_bind, services=services)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    probes.not_ready()
    await server.stop(10)


def main() -> None:
    """Start from the command line."""
    names = sys.argv[1:]
    if not names:
        sys.exit("usage: python -m services.chassis.doors SERVICE...")
    settings = ChassisSettings.from_env()
    configure_logging("doors", as_json=settings.log_json)
    asyncio.run(serve(names, settings))


if __name__ == "__main__":
    main()

"""Start the console: `python -m services.console`."""

import sys

import httpx
import uvicorn

from services.chassis.errors import FarsightError, Unavailable
from services.chassis.log import configure_logging
from services.chassis.probes import Probes
from services.chassis.settings import ChassisSettings
from services.console.app import create_app
from services.console.settings import ConsoleSettings

#: Seconds that open answers get when the process is asked to end.
GRACE_S = 5


def main() -> int:
    """Serve until a signal comes. A wrong setting is one clear line and exit code 2."""
    try:
        chassis, settings = ChassisSettings.from_env(), ConsoleSettings.from_env()
    except FarsightError as error:
        print(error.message, file=sys.stderr)  # noqa: T201 - nobody configured logging yet
        return 2
    configure_logging("console", as_json=chassis.log_json)
    host, port = settings.bind
    probes = Probes(chassis.probe_bind, [lambda: ask_ready(port)])
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    probes.ready()
    server.run()
    return 0


def ask_ready(port: int) -> None:
    """Ask the console's own /readyz, so that both ports tell the same. Raises Unavailable."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5, trust_env=False)
    except httpx.HTTPError as error:
        raise Unavailable("the console does not listen yet") from error
    if answer.status_code != httpx.codes.OK:
        raise Unavailable(answer.text.strip())


if __name__ == "__main__":
    sys.exit(main())

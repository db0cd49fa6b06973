"""`python -m services.chassis.host NAME`: runs one nameko service with probes and logs.

psycopg's wait function and eventlet's patching must come before anything else is imported, so this
module imports the rest inside `main`.
"""

import os
import sys


def main() -> None:
    """Start the service named on the command line; ends on SIGTERM after its workers finished."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m services.chassis.host SERVICE")
    os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
    os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
    import eventlet  # noqa: PLC0415 - see the module's docstring

    eventlet.monkey_patch()
    from services.chassis.nameko_runner import run  # noqa: PLC0415 - same

    run(sys.argv[1])


if __name__ == "__main__":
    main()

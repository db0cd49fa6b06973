"""`farsight up`: start everything on this machine, show it coming up, watch it, end it."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from farsight.local import leftovers
from farsight.local.errors import LocalError, ProcessFailed
from farsight.local.folders import DataFolder
from farsight.local.installation import Installation, plan_installation
from farsight.local.lock import Holder, RunLock
from farsight.local.ports import PUBLIC_LISTENERS, Address
from farsight.local.processes import Run
from farsight.local.servers import ping_once
from farsight.local.shutdown import shut_down
from farsight.local.startup import Startup
from farsight.local.supervisor import Supervisor, start_supervisor
from farsight.local.watch import follow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `farsight up`."""
    names = ", ".join(each.name for each in PUBLIC_LISTENERS)
    add_data_argument(parser)
    parser.add_argument("--demo", action="store_true", help="with the demo province and its actors")
    parser.add_argument(
        "--servers-only", action="store_true", help="PostgreSQL, RabbitMQ and Valkey, no services"
    )
    parser.add_argument("--detach", action="store_true", help="return as soon as all is ready")
    parser.add_argument(
        "--port",
        action="append",
        default=[],
        metavar="NAME=[HOST:]PORT",
        help=f"ask for a port, repeatable; NAME is one of {names}",
    )
    parser.add_argument(
        "--any-port", action="store_true", help="do not prefer the usual ports; take free ones"
    )


def add_data_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--data`, which every command about a local installation has."""
    default = os.environ.get("FARSIGHT_DATA") or ".data"
    help_ = "folder that keeps all state (default: FARSIGHT_DATA or .data)"
    parser.add_argument("--data", type=Path, default=default, metavar="DIR", help=help_)


def run(args: argparse.Namespace) -> int:
    """Run the platform; 0 ended as asked, 1 it could not start or lost its supervisor."""
    began = time.monotonic()
    try:
        asked = _asked_ports(args.port)
    except LocalError as error:
        print(f"farsight up: {error}", file=sys.stderr)
        return 2
    try:
        with _stop_on_signals(), _locked(DataFolder.open(args.data)) as (folder, lock):
            lock.note_holder(Holder(os.getpid()))
            _end_leftovers(folder)
            installation = plan_installation(
                folder, run=_run_of(args), asked=asked, use_preferred=not args.any_port
            )
            return _run(installation, lock, args, began)
    except LocalError as error:
        print(f"farsight up: {error}", file=sys.stderr)
        if isinstance(error, ProcessFailed):
            print(error.tail(), file=sys.stderr)
        return 1


def _run(installation: Installation, lock: RunLock, args: argparse.Namespace, began: float) -> int:
    folder = installation.folder
    supervisor = Supervisor(folder)
    detached = False
    try:
        for server in installation.servers:
            if not server.programs:
                ping_once(server)  # somebody else's server refuses before anything is started
            server.prepare()
        daemon = start_supervisor(
            folder,
            installation.programs,
            installation.environment,
            keep_open=lock.descriptor if args.detach else None,
        )
        Startup(installation, supervisor, began).run()
        if args.detach:
            lock.note_holder(Holder(daemon.pid))
            detached = True
            return 0
        follow(folder, supervisor, daemon)
    except KeyboardInterrupt:
        print("\nending every process ...", flush=True)
        return 0
    finally:
        if not detached:
            shut_down(folder)
    return 1


def _run_of(args: argparse.Namespace) -> Run:
    if args.servers_only:
        return Run.SERVERS
    return Run.DEMO if args.demo else Run.PLATFORM


def _asked_ports(options: list[str]) -> dict[str, Address]:
    known = {each.name for each in PUBLIC_LISTENERS}
    asked = {}
    for option in options:
        name, _, text = option.partition("=")
        if name not in known:
            raise LocalError(f"--port {option}: NAME must be one of {', '.join(sorted(known))}")
        asked[name] = Address.parse(text)
    return asked


@contextmanager
def _locked(folder: DataFolder) -> Iterator[tuple[DataFolder, RunLock]]:
    lock = RunLock(folder)
    try:
        lock.acquire()
        yield folder, lock
    finally:
        lock.release()


@contextmanager
def _stop_on_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end us as Ctrl-C does: through `finally`, once."""

    def stop(_number: int, _frame: object) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_leftovers(folder: DataFolder) -> None:
    if leftovers.find(folder):
        print("ending what an earlier run left behind ...", flush=True)
        shut_down(folder)

"""`farsight down`: end every process that `farsight up` started on a data folder, nothing else."""

import argparse
import os
import signal
import sys
import time

from farsight.local import leftovers
from farsight.local.folders import DataFolder
from farsight.local.lock import running
from farsight.local.shutdown import SHUTDOWN_TIMEOUT_S, shut_down
from farsight.local.up import add_data_argument


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `farsight down`."""
    add_data_argument(parser)


def run(args: argparse.Namespace) -> int:
    """End the platform; 0 also when nothing ran, 1 when something would not end."""
    if not args.data.exists():
        print(f"nothing runs on {args.data}")
        return 0
    folder = DataFolder.open(args.data)
    holder = running(folder)
    found = leftovers.find(folder)
    if holder is None and not found:
        print(f"nothing runs on {folder.root}")
        return 0
    if holder is not None:
        _ask(folder, holder.pid)
    shut_down(folder)
    left = leftovers.find(folder)
    if left:
        print(f"farsight down: still there: {left}", file=sys.stderr)
        return 1
    print(f"ended {len(found)} processes of {folder.root}")
    return 0


def _ask(folder: DataFolder, pid: int) -> None:
    """Let the holder end its platform itself, and wait for it."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + SHUTDOWN_TIMEOUT_S
    while running(folder) is not None and time.monotonic() < deadline:
        time.sleep(0.2)

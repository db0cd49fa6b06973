"""`farsight migrate`: bring the schemas of one or all services up to date."""

import argparse
import subprocess
import sys

from farsight.local.folders import DataFolder
from farsight.local.installation import known_environment
from farsight.local.up import add_data_argument
from services.chassis.migrate import SERVICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `farsight migrate`."""
    add_data_argument(parser)
    parser.add_argument("service", nargs="*", choices=[*SERVICES, "all"], default="all")


def run(args: argparse.Namespace) -> int:
    """Run the migrations on `DATABASE_URL`, or on the data folder's own running server."""
    names = [args.service] if isinstance(args.service, str) else args.service
    environment = known_environment(DataFolder.open(args.data))
    done = subprocess.run(
        [sys.executable, "-m", "services.chassis.migrate", *names], env=environment, check=False
    )
    return 1 if done.returncode else 0

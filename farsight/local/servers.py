"""The three servers: embedded by default, or the ones the environment names (服务器).

`AMQP_URI`, `DATABASE_URL` and `REDIS_URL` switch each to a real one; then none is started, and a
missing or refusing one is told in one line that names the server, its address and the setting.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Server:
    """One server the platform needs; `programs` is empty when it is not ours."""

    name: str
    setting: str
    url: str
    ping: Callable[[str], None]
    programs: tuple[Program, ...]

    @property
    def address(self) -> str:
        """`host:port` without user and password."""
        parts = urlsplit(self.url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def plan(
    folder: DataFolder,
    addresses: Mapping[str, Address],
    passwords: Passwords,
    environment: Mapping[str, str],
) -> list[Server]:
    """The servers in the order of their start; prepares the folders of the embedded ones."""
    return [
        _postgres(folder, addresses, passwords, environment.get(postgres.SETTING)),
        _rabbitmq(folder, addresses, passwords, environment.get(rabbitmq.SETTING)),
        _valkey(folder, addresses, passwords, environment.get(valkey.SETTING)),
    ]


def _postgres(
    folder: DataFolder, addresses: Mapping[str, Address], passwords: Passwords, given: str | None
) -> Server:
    if given:
        return Server(postgres.SERVER, postgres.SETTING, given, postgres.ping, ())
    data = folder.servers / "postgres"
    postgres.prepare(data, passwords.postgres)
    address = addresses["postgres"]

    def ping(url: str) -> None:
        admin = postgres.url(address, passwords.postgres, "postgres")
        postgres.ensure_database(admin, postgres.DATABASE)
        postgres.ping(url)

    url = postgres.url(address, passwords.postgres)
    return Server(postgres.SERVER, postgres.SETTING, url, ping, (postgres.program(data, address),))


def _rabbitmq(
    folder: DataFolder, addresses: Mapping[str, Address], passwords: Passwords, given: str | None
) -> Server:
    if given:
        return Server(rabbitmq.SERVER, rabbitmq.SETTING, given, rabbitmq.ping, ())
    data = folder.servers / "rabbitmq"
    rabbitmq.prepare(data, addresses["amqp"], passwords.amqp)
    programs = rabbitmq.programs(
        data,
        amqp=addresses["amqp"],
        distribution=addresses["amqp-dist"],
        epmd=addresses["epmd"],
    )
    uri = rabbitmq.uri(addresses["amqp"], passwords.amqp)
    return Server(rabbitmq.SERVER, rabbitmq.SETTING, uri, rabbitmq.ping, programs)


def _valkey(
    folder: DataFolder, addresses: Mapping[str, Address], passwords: Passwords, given: str | None
) -> Server:
    if given:
        return Server(valkey.SERVER, valkey.SETTING, given, valkey.ping, ())
    address = addresses["redis"]
    configuration = valkey.prepare(folder.servers / "valkey", address, passwords.redis)
    url = valkey.url(address, passwords.redis)
    return Server(valkey.SERVER, valkey.SETTING, url, valkey.ping, (valkey.program(configuration),))


def ping_once(server: Server) -> None:
    """Raise `ServerUnavailable` when the server does not answer now."""
    try:
        server.ping(server.url)
    except _FAILURES as error:
        first_line = (str(error) or type(error).__name__).splitlines()[0]
        raise ServerUnavailable(server.name, server.address, server.setting, first_line) from None

"""Which port each listener uses (端口): asked for, remembered, preferred, or any that is free."""

import json
import random
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from farsight.local.errors import LocalError

LOOPBACK = "127.0.0.1"

# Below Linux' range for outgoing connections (32768 and up), so that no client socket takes a
# port between our choice and the server's bind.
_SEARCH_RANGE = range(20000, 32000)


@dataclass(frozen=True)
class Listener:
    """One listening socket of the platform."""

    name: str
    preferred: int | None = None
    setting: str | None = None
    """Environment variable that asks for `host:port`."""


PUBLIC_LISTENERS = (
    Listener("console", 8080, "FARSIGHT_CONSOLE_BIND"),
    Listener("hj212", 9212, "FARSIGHT_HJ212_BIND"),
    Listener("grpc", 9213, "FARSIGHT_GRPC_BIND"),
    Listener("gate-grpc", 9214, "FARSIGHT_GATE_GRPC_BIND"),
    Listener("handset", 8081, "FARSIGHT_HANDSET_BIND"),
)
SERVER_LISTENERS = tuple(
    Listener(name) for name in ("postgres", "amqp", "amqp-dist", "epmd", "redis")
)
PRIVATE_LISTENERS = (*SERVER_LISTENERS, Listener("smpp"))


@dataclass(frozen=True)
class Address:
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """From `host:port` or a bare port (then on loopback). Raises `LocalError`."""
        host, _, port = text.rpartition(":")
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise LocalError(f"{text!r} is no host:port")
        return cls(host.strip("[]") or LOOPBACK, int(port))


def choose(
    listeners: Iterable[Listener],
    *,
    asked: Mapping[str, Address],
    remembered: Mapping[str, Address],
    use_preferred: bool = True,
) -> dict[str, Address]:
    """One free address a listener. Raises `LocalError` when an asked one is taken.

    Every chosen port stays bound until all are chosen, so no port is given twice.
    """
    held: list[socket.socket] = []
    try:
        return {
            listener.name: _choose_one(
                listener,
                asked.get(listener.name),
                remembered.get(listener.name),
                use_preferred=use_preferred,
                held=held,
            )
            for listener in listeners
        }
    finally:
        for each in held:
            each.close()


def _choose_one(
    listener: Listener,
    asked: Address | None,
    remembered: Address | None,
    *,
    use_preferred: bool,
    held: list[socket.socket],
) -> Address:
    if asked is not None:
        if not _hold(asked, held):
            raise LocalError(
                f"port {asked.port} asked for {listener.name} is taken or {asked.host} is not here"
            )
        return asked
    if remembered is not None and _hold(remembered, held):
        return remembered
    candidates = [listener.preferred] if use_preferred and listener.preferred else []
    candidates += random.sample(_SEARCH_RANGE, 200)
    for port in candidates:
        address = Address(LOOPBACK, port)
        if _hold(address, held):
            return address
    raise LocalError(f"no free port found for {listener.name}")


def _hold(address: Address, held: list[socket.socket]) -> bool:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_STREAM)
    # A port in TIME_WAIT is free for a server that sets this option, as all of ours do.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((address.host, address.port))
        probe.listen(1)  # without it a second bind with SO_REUSEADDR would succeed
    except OSError:
        probe.close()
        return False
    held.append(probe)
    return True


def load(path: Path) -> dict[str, Address]:
    """The addresses of the last run; empty on the first."""
    if not path.exists():
        return {}
    return {name: Address.parse(text) for name, text in json.loads(path.read_text()).items()}


def save(path: Path, addresses: Mapping[str, Address]) -> None:
    """Keep the addresses for the next run."""
    path.write_text(json.dumps({name: str(each) for name, each in addresses.items()}, indent=1))

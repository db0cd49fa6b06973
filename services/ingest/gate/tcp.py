"""The TCP doors of the gate: who may connect, who is swept, and when nobody is read."""

import asyncio
import socket
import ssl
from collections import Counter
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

from services.chassis.log import get_logger
from services.ingest.gate import metrics
from services.ingest.gate.connection import LoggerConnection
from services.ingest.gate.intake import Intake
from services.ingest.gate.sessions import Sessions
from services.ingest.gate.settings import GateSettings
from services.ingest.gate.tls import TlsFilter, server_context
from services.ingest.gate.turns import Turns
from services.ingest.hj212.policy import PolicyOf

log = get_logger(__name__)

SWEEP_S = 1.0
BACKLOG = 4096  # connections that wait to be taken; after an outage thousands come in a second
CLOSE_S = 2.0  # for a logger to take its last answers when the gate ends


class Listener:
    """The TCP side of the gate: a plain door, and one with TLS where it is set."""

    def __init__(
        self,
        settings: GateSettings,
        intake: Intake,
        sessions: Sessions,
        policy_of: PolicyOf,
        turns: Turns,
    ) -> None:
        self.settings = settings
        self.intake = intake
        self.sessions = sessions
        self.policy_of = policy_of
        self.turns = turns
        self.paused = True
        self.resumed_at = 0.0  # when reading last began, seconds of the loop's clock
        self._connections: set[LoggerConnection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._by_host: Counter[str] = Counter()
        self._counted: dict[LoggerConnection, str] = {}
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None
        self.clock = asyncio.get_running_loop().time

    @property
    def port(self) -> int:
        """The port that is really listened on (for a bind to port 0)."""
        return int(self._servers[0].sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen. Raises OSError when an address is taken, InputRejected for TLS files."""
        tls = self.settings.tls
        context = server_context(tls) if tls is not None else None
        if self.settings.hj212_bind is not None:
            await self._listen(self.settings.hj212_bind, None)
        if tls is not None:
            await self._listen(tls.bind, context)
        self._sweeper = asyncio.create_task(self._sweep(), name="sweep")

    def trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        """Whether a PROXY header is expected from this address."""
        return address is not None and any(address in each for each in self.settings.proxies)

    def admit(self, connection: LoggerConnection, *, by_host: bool) -> bool:
        """Whether the caps allow one more connection, all in all and of this host."""
        full = len(self._connections) >= self.settings.connections
        if full or (by_host and not self.count_host(connection)):
            metrics.TURNED_AWAY.inc()
            log.warning("connection_turned_away", peer=connection.peer)
            return False
        self._connections.add(connection)
        self._empty.clear()
        metrics.CONNECTIONS.set(len(self._connections))
        return True

    def count_host(self, connection: LoggerConnection) -> bool:
        """Count the connection for its host, if that has room for it."""
        host = connection.host
        if self._by_host[host] >= self.settings.connections_per_host:
            return False
        self._by_host[host] += 1
        self._counted[connection] = host
        return True

    def left(self, connection: LoggerConnection) -> None:
        """Forget a connection that ended."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
        host = self._counted.pop(connection, None)
        if host is not None:
            self._by_host[host] -= 1
            if not self._by_host[host]:
                del self._by_host[host]
        metrics.CONNECTIONS.set(len(self._connections))

    def set_paused(self, paused: bool) -> None:
        """Stop or go on reading on every connection; TCP tells the loggers to wait."""
        if paused == self.paused:
            return
        self.paused = paused
        if not paused:
            self.resumed_at = self.clock()
        for connection in list(self._connections):
            connection.apply_pressure()

    def stop_listening(self) -> None:
        """Take no new connections."""
        for server in self._servers:
            server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()

    def flush(self) -> None:
        """Account the frames that were begun and will not be finished; reading is paused."""
        for connection in list(self._connections):
            connection.flush()

    async def close(self) -> None:
        """End every connection; those that do not take what was written are cut."""
        for connection in list(self._connections):
            connection.finish("drained")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), CLOSE_S)
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)

    async def _listen(self, bind: tuple[str, int], context: ssl.SSLContext | None) -> None:
        host, port = bind

        def connected() -> LoggerConnection:
            tls = None if context is None else TlsFilter(context)
            return LoggerConnection(self, tls)

        server = await asyncio.get_running_loop().create_server(
            connected, host, port, backlog=BACKLOG
        )
        for listening in server.sockets:
            _keep_alive(listening)
        self._servers.append(server)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self.clock()
            for connection in list(self._connections):
                connection.sweep(now, self.settings)


def _keep_alive(listening: socket.socket) -> None:
    """Ask the kernel for a sign of life after a minute's silence; connections inherit it.

    A logger that lost its power or its mobile network sends no FIN.
    """
    for option, value in (
        (socket.TCP_KEEPIDLE, 60),
        (socket.TCP_KEEPINTVL, 20),
        (socket.TCP_KEEPCNT, 3),
    ):
        listening.setsockopt(socket.IPPROTO_TCP, option, value)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

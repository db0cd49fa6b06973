"""HJ 212 over TCP: a protocol object a connection, and the listener that caps and sweeps."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import cast

from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.gate import metrics
from services.ingest.gate.connections import Link
from services.ingest.gate.intake import Intake
from services.ingest.gate.sessions import Sessions
from services.ingest.gate.settings import GateSettings
from services.ingest.hj212.session import Received, Session

log = get_logger(__name__)

SWEEP_S = 1.0
CLOSE_S = 2.0  # for a logger to take its last answers when the gate ends


class LoggerConnection(asyncio.Protocol):
    """One logger's connection: bytes to the intake, 9014 back."""

    def __init__(self, listener: "Listener") -> None:
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self._faults_in_row = 0
        self._writing = True
        self.host = ""
        self.peer = ""
        self.certificate = ""
        self.links: dict[str, Link] = {}
        self._ended = ""  # why, once it is known
        self.session = Session(listener.clock())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection in, or turn it away when a cap is reached."""
        # uvloop's transports have the methods but not the base class.
        transport = cast("asyncio.Transport", transport)
        self.host, port, *_ = transport.get_extra_info("peername")
        self.peer = f"{self.host}:{port}"
        if not self._listener.admit(self):
            transport.abort()
            return
        self._transport = transport
        self.apply_pressure()

    def data_received(self, data: bytes) -> None:
        """Settle the frames that these bytes complete."""
        self._take(self.session.receive(data, self._listener.clock()))

    def connection_lost(self, exc: Exception | None) -> None:
        """Account the rest: a frame that the end of the connection cut."""
        del exc
        if self._transport is None:
            return
        self._transport = None
        self._take(self.session.flush())
        for link in self.links.values():
            self._listener.sessions.end(link, self._ended or "peer")
        self._listener.left(self)

    def pause_writing(self) -> None:
        """The logger does not read its answers: stop reading its questions."""
        self._writing = False
        self.apply_pressure()

    def resume_writing(self) -> None:
        """It reads again."""
        self._writing = True
        self.apply_pressure()

    def apply_pressure(self) -> None:
        """Read or do not, as the gate and the logger's own reading allow."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        reading = self._writing and not self._listener.paused
        if reading and not transport.is_reading():
            transport.resume_reading()
        elif not reading and transport.is_reading():
            transport.pause_reading()

    def send(self, data: bytes) -> bool:
        """Write, if the logger is still there; gives whether it is."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        metrics.REPLIES.inc()
        return True

    def sweep(self, now: float, settings: GateSettings) -> None:
        """Give up a stalled frame, close a silent connection; but not while we pause it."""
        if self._transport is None or self._listener.paused:
            return
        if self.session.stalled(now, settings.stall_s):
            self._take(self.session.flush())
        if self.session.silent_for(now) > settings.idle_s:
            log.info("connection_idle", peer=self.peer)
            self.close("idle")

    def close(self, reason: str) -> None:
        """End the connection after what was written has left."""
        if self._transport is not None:
            self._ended = self._ended or reason
            self._transport.close()

    def abort(self) -> None:
        """End the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, accounts: list[Received]) -> None:
        for received in accounts:
            outcome = self._listener.intake.take(received, self.session, self)
            refused = outcome == pb.OUTCOME_REFUSED
            self._faults_in_row = self._faults_in_row + 1 if refused else 0
        if self._faults_in_row >= self._listener.settings.faults_in_row:
            log.warning("connection_noisy", peer=self.peer, faults=self._faults_in_row)
            self.close("noisy")


class Listener:
    """The TCP side of the gate."""

    def __init__(self, settings: GateSettings, intake: Intake, sessions: Sessions) -> None:
        self.settings = settings
        self.intake = intake
        self.sessions = sessions
        self.paused = True
        self._connections: set[LoggerConnection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._by_host: Counter[str] = Counter()
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self.clock = asyncio.get_running_loop().time

    @property
    def port(self) -> int:
        """The port that is really listened on (for a bind to port 0)."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        host, port = self.settings.hj212_bind
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: LoggerConnection(self), host, port, backlog=1024
        )
        self._sweeper = asyncio.create_task(self._sweep(), name="sweep")

    def admit(self, connection: LoggerConnection) -> bool:
        """Whether the caps allow one more connection, all in all and of this host."""
        limits = self.settings
        if (
            len(self._connections) >= limits.connections
            or self._by_host[connection.host] >= limits.connections_per_host
        ):
            metrics.TURNED_AWAY.inc()
            log.warning("connection_turned_away", peer=connection.peer)
            return False
        self._connections.add(connection)
        self._empty.clear()
        self._by_host[connection.host] += 1
        metrics.CONNECTIONS.set(len(self._connections))
        return True

    def left(self, connection: LoggerConnection) -> None:
        """Forget a connection that ended."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
        self._by_host[connection.host] -= 1
        if not self._by_host[connection.host]:
            del self._by_host[connection.host]
        metrics.CONNECTIONS.set(len(self._connections))

    def set_paused(self, paused: bool) -> None:
        """Stop or go on reading on every connection; TCP tells the loggers to wait."""
        if paused == self.paused:
            return
        self.paused = paused
        metrics.PAUSED.set(paused)
        for connection in list(self._connections):
            connection.apply_pressure()

    async def stop_listening(self) -> None:
        """Take no new connections and read no more."""
        if self._server is not None:
            self._server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        self.set_paused(True)

    async def close(self) -> None:
        """End every connection; those that do not take what was written are cut."""
        for connection in list(self._connections):
            connection.close("drained")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), CLOSE_S)
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self.clock()
            for connection in list(self._connections):
                connection.sweep(now, self.settings)

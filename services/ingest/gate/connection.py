"""One connection of a logger: a protocol object that reads, answers and knows when to end.

What comes before HJ 212 (PROXY header, TLS) is taken off byte by byte; then bytes go to the
session and its accounts to the intake. Memory is bounded: a header, a TLS record, a frame begun,
and what waits to be written, which stops the reading when it grows.
"""

import asyncio
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, cast

from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.gate import metrics
from services.ingest.gate.admission import address_of
from services.ingest.gate.connections import Link
from services.ingest.gate.limits import Bucket, ReplyLimit
from services.ingest.gate.proxy import ProxyFault, read_header
from services.ingest.gate.settings import GateSettings
from services.ingest.gate.tls import TlsFault, TlsFilter
from services.ingest.hj212.session import Received, Session

if TYPE_CHECKING:
    from services.ingest.gate.tcp import Listener

log = get_logger(__name__)

WRITE_HIGH = 64 * 1024  # bytes that wait to be written at which reading stops
LOOK_S = 1.0  # a connection that was read within it is not swept
OPEN_S = 10.0  # for the PROXY header and the TLS handshake together


class LoggerConnection(asyncio.Protocol):
    """One logger's connection: bytes to the intake, replies back."""

    def __init__(self, listener: "Listener", tls: TlsFilter | None = None) -> None:
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self._tls = tls
        self._header: bytearray | None = None  # of a balancer, while it is not whole
        self._opening = tls is not None
        self._faults_in_row = 0
        self._writing = True
        self._held = False  # for sending too fast
        self._waits = False  # its turn to send late data has not come
        self.late = False  # its last upload filled a gap
        self._ending = False  # nothing that comes is looked at any more
        self._ended = ""  # why, once it is known
        self.at = self._began = listener.clock()
        self.host = self.peer = self.certificate = ""
        self.address: IPv4Address | IPv6Address | None = None
        self.links: dict[str, Link] = {}
        self.replies = ReplyLimit(listener.settings.replies_a_minute)
        self._bucket = Bucket()  # of what names no known logger
        self.session = Session(self._began, listener.policy_of)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection in, or turn it away when a cap is reached."""
        # uvloop's transports have the methods but not the base class.
        self._transport = transport = cast("asyncio.Transport", transport)
        host, port, *_ = transport.get_extra_info("peername")
        self._set_peer(host, port)
        if self._listener.trusts(self.address):
            self._header, self._opening = bytearray(), True
        if not self._listener.admit(self, by_host=self._header is None):
            self._transport = None
            transport.abort()
            return
        transport.set_write_buffer_limits(high=WRITE_HIGH)
        # uvloop begins to read after this call, so what is paused here would be read all the same.
        asyncio.get_running_loop().call_soon(self.apply_pressure)

    def data_received(self, data: bytes) -> None:
        """Settle the frames that these bytes complete."""
        if self._ending:
            return
        self.at = self._listener.clock()
        if self._opening or self._tls is not None:
            data = self._opened(data)
            if not data:
                return
        self._take(self.session.receive(data, self.at))

    def connection_lost(self, exc: Exception | None) -> None:
        """Account the rest: a frame that the end of the connection cut."""
        del exc
        if self._transport is None:
            return
        self._transport = None
        self.at = self._listener.clock()
        self.flush()
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
        """Read or do not, as the gate, the logger's own reading and its share allow."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        mine = not (self._held or self._waits)
        reading = self._writing and mine and not self._listener.paused
        if (reading or self._ending) and not transport.is_reading():
            transport.resume_reading()
        elif not (reading or self._ending) and transport.is_reading():
            transport.pause_reading()

    def send(self, data: bytes) -> bool:
        """Write, if the logger is still there; gives whether it is."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._ending:
            return False
        try:
            transport.write(data if self._tls is None else self._tls.send(data))
        except TlsFault:  # it said goodbye and its end of the connection is still on the way
            self.close("peer")
            return False
        metrics.REPLIES.counts[()] += 1
        return True

    def sweep(self, now: float, settings: GateSettings) -> None:
        """Give up a stalled frame, close a silent connection; but not while we pause it."""
        if self._transport is None or self._listener.paused or self._ending:
            return
        if self._opening:
            if now - self._began > OPEN_S:
                self._refuse_opening("silence")
            return
        # Silence while the gate itself did not read is not the logger's.
        silent = min(self.session.silent_for(now), now - self._listener.resumed_at)
        if silent < LOOK_S or self._held or self._waits:
            return
        if silent >= settings.stall_s and self.session.stalled(now, settings.stall_s):
            self.at = now
            self.flush()
        # A connection may carry a county's loggers: they are asked only when it may be time.
        if silent > settings.replaced_s and self.links and self._is_replaced():
            self.close("replaced")
        elif silent > min(settings.idle_s, settings.heartbeat_s) and (
            silent > self._patience_s(settings)
        ):
            self.close("idle")

    def flush(self) -> None:
        """Account what was begun and will not be finished."""
        self._take(self.session.flush())

    def close(self, reason: str) -> None:
        """End the connection after what was written has left."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        self._ended = self._ended or reason
        log.info("connection_closed", reason=self._ended, peer=self.peer)
        if self._tls is not None and self._tls.established:
            transport.write(self._tls.close())
        transport.close()

    def finish(self, reason: str) -> None:
        """Say that nothing more comes from us, and wait for the logger to hang up.

        Closing at once would answer bytes that wait unread with a reset, and a reset makes the
        logger's host drop replies that it has not handed on: acknowledged here, unknown there.
        """
        transport = self._transport
        if transport is None or transport.is_closing() or self._ending:
            return
        self._ended = self._ended or reason
        self._ending = True
        if self._tls is not None and self._tls.established:
            transport.write(self._tls.close())
        transport.write_eof()
        self.apply_pressure()

    def abort(self) -> None:
        """End the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, accounts: list[Received]) -> None:
        listener, settings = self._listener, self._listener.settings
        for received in accounts:
            refused = listener.intake.take(received, self.session, self) == pb.OUTCOME_REFUSED
            self._faults_in_row = self._faults_in_row + 1 if refused else 0
            link = self.links.get(received.mn)
            bucket = self._bucket if link is None else link.bucket
            owed = bucket.take(self.at, settings.frame_every_s, settings.burst_s)
            if owed and not self._held:
                self._hold(owed)
        if self.late and accounts and not self._waits:
            listener.turns.sent_late(self)
        if self._faults_in_row >= settings.faults_in_row:
            self.close("noisy")

    def set_turn(self, mine: bool) -> None:
        """Read its late data, or let it wait for its turn."""
        self._waits = not mine
        self.apply_pressure()

    def _hold(self, seconds: float) -> None:
        """Do not read for a while; TCP tells the sender to wait, and nothing is lost."""
        self._held = True
        metrics.HELD.inc()
        log.info("connection_held", peer=self.peer, seconds=round(seconds, 1))
        asyncio.get_running_loop().call_later(seconds, self._release)
        self.apply_pressure()

    def _release(self) -> None:
        self._held = False
        self.apply_pressure()

    def _patience_s(self, settings: GateSettings) -> float:
        """The longest patience of its loggers; the setting's where none is known."""
        each = [
            link.patience_s(settings.idle_s, settings.heartbeat_s) for link in self.links.values()
        ]
        return max(each, default=settings.idle_s)

    def _is_replaced(self) -> bool:
        """Whether every logger here sent last on another connection."""
        current = self._listener.sessions.connections.by_mn
        return all(current(mn) is not link for mn, link in self.links.items())

    def _opened(self, data: bytes) -> bytes:
        """The bytes of HJ 212 among these: without PROXY header, out of TLS."""
        try:
            if self._header is not None:
                data = self._announced(data)
            if self._tls is not None and data:
                data = self._deciphered(self._tls, data)
        except (ProxyFault, TlsFault) as fault:
            kind = "proxy" if isinstance(fault, ProxyFault) else "tls"
            self._refuse_opening(f"{kind}: {fault}")
            return b""
        self._opening = self._header is not None or not (self._tls is None or self._tls.established)
        return data

    def _announced(self, data: bytes) -> bytes:
        """What follows the PROXY header, once it is whole."""
        assert self._header is not None
        self._header += data
        header = read_header(bytes(self._header))
        if header is None:
            return b""
        rest, self._header = bytes(self._header[header.size :]), None
        if header.host:
            self._set_peer(header.host, header.port)
        if not self._listener.count_host(self):
            raise ProxyFault("too many connections of one address")
        return rest

    def _deciphered(self, tls: TlsFilter, data: bytes) -> bytes:
        try:
            return tls.receive(data)
        finally:
            self.certificate = tls.certificate
            answer = tls.to_send()
            if answer and self._transport is not None:
                self._transport.write(answer)

    def _refuse_opening(self, reason: str) -> None:
        metrics.OPENINGS.labels(reason.partition(":")[0]).inc()
        log.warning("opening_refused", peer=self.peer, reason=reason)
        self.close("opening")

    def _set_peer(self, host: str, port: int) -> None:
        self.address = address_of(host)
        self.host = str(self.address) if self.address is not None else host
        self.peer = f"{self.host}:{port}"

"""会话: a logger came, a logger went; told to the bus, the routes and the call-backs."""

import secrets

from services.chassis.clock import Now
from services.chassis.pb.ingest.v1 import logger_pb2 as pb
from services.ingest.gate import metrics
from services.ingest.gate.callback import Commands
from services.ingest.gate.connections import Connections, Link, Wire
from services.ingest.gate.directory import Directory
from services.ingest.gate.events import EventSender
from services.ingest.gate.routes import Routes


class Sessions:
    """Opens a link with a logger's first admitted frame and ends it with its connection."""

    def __init__(
        self,
        connections: Connections,
        directory: Directory,
        events: EventSender,
        commands: Commands,
        *,
        gate_id: str,
        now: Now,
    ) -> None:
        self.connections = connections
        self._directory = directory
        self._events = events
        self._commands = commands
        self._gate_id = gate_id
        self._now = now
        self._prefix = secrets.token_hex(6)  # unique over replicas and restarts
        self._count = 0

    def route_by(self, routes: Routes) -> None:
        """Keep these routes from now on."""
        self.connections.on_open = routes.claim
        self.connections.on_last = routes.release

    def open(self, mn: str, wire: Wire, version: int = 0) -> Link:
        """The logger `mn` proved itself on this connection."""
        self._count += 1
        link = Link(mn, wire, f"{self._prefix}{self._count:08x}", self._directory)
        link.version = version
        self.connections.add(link)
        metrics.SESSIONS.set(len(self.connections))
        self._tell(link, "")
        return link

    def end(self, link: Link, reason: str) -> None:
        """Its connection is gone: peer, idle, replaced, drained, noisy."""
        self.connections.remove(link)
        metrics.SESSIONS.set(len(self.connections))
        self._commands.closed(link)
        self._tell(link, reason)

    def _tell(self, link: Link, reason: str) -> None:
        entry = link.entry
        event = pb.LoggerSession(
            mn=link.mn,
            outlet_id=entry.outlet_id if entry else "",
            open=not reason,
            gate_id=self._gate_id,
            session_id=link.session_id,
            peer=link.peer,
            version=link.version,
            certificate_sha256=link.wire.certificate,
            reason=reason,
        )
        event.at.FromDatetime(self._now())
        self._events.put_session(event)

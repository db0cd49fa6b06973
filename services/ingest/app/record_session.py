"""What the gate tells of a logger's connection, and connections that no gate tells of any more."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.clock import from_timestamp
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import logger_pb2 as pb
from services.ingest import command_store as store
from services.ingest.command_tables import SessionRow
from services.ingest.domain.commands import Connection, later_connection
from services.ingest.wire import clean

log = get_logger(__name__)


def record_session(session: Session, event: pb.LoggerSession, now: datetime) -> bool:
    """Keep the newest word; commands that wait for this logger are looked at. Tells if it was news.

    Raises InputRejected for a word without logger or session.
    """
    if not (event.mn and event.session_id):
        raise InputRejected("a session without logger or id")
    at = from_timestamp(event.at)
    opened, closed = (at, None) if event.open else (None, at)
    row = store.session_of(session, event.mn, lock=True)
    known = store.connection_of(row) if row is not None else None
    kept = later_connection(known, Connection(event.session_id, opened, closed))
    if kept is not None:
        write(session, row, event, kept)
    if event.open:
        store.wake(session, event.mn, now)
    return kept is not None


def write(
    session: Session, row: SessionRow | None, event: pb.LoggerSession, kept: Connection
) -> None:
    """Write what is known now."""
    if row is None:
        row = SessionRow(mn=clean(event.mn), reason="", outlet_id="", version=0)
        session.add(row)
    row.outlet_id = event.outlet_id or row.outlet_id
    row.session_id, row.gate_id, row.peer = event.session_id, event.gate_id, event.peer
    row.version = event.version or row.version
    row.certificate_sha256 = event.certificate_sha256
    row.opened_at, row.closed_at = kept.opened_at, kept.closed_at
    row.reason = event.reason if kept.closed_at else ""
    session.flush()


class SweepSessions:
    """Closes connections whose gate is gone without a word (kill -9).

    A gate renews its routes each 30 s and they live 90 s, so a connection without a route at two
    looks a minute apart has no gate. An empty Redis after a restart is filled again in between.
    """

    def __init__(
        self, database: Database, routes_of: Callable[[Iterable[str]], dict[str, str]]
    ) -> None:
        self._database = database
        self._routes_of = routes_of
        self._suspects: Collection[tuple[str, str]] = frozenset()

    def __call__(self, now: datetime) -> int:
        """Look once; gives how many were closed. Raises Unavailable when Redis is away."""
        with self._database.transaction() as session:
            known = store.open_sessions(session)
        routes = self._routes_of(known)
        missing = {(mn, gate) for mn, gate in known.items() if mn not in routes}
        gone = missing.intersection(self._suspects)
        self._suspects = missing - gone
        if gone:
            with self._database.transaction() as session:
                store.close_sessions(session, gone, now)
            log.warning("sessions_without_gate", count=len(gone))
        return len(gone)

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


def record_sessions(session: Session, event: pb.LoggerSessions, now: datetime) -> int:
    """Keep the newest word of each; commands that wait for them are looked at. How many were news.

    Raises InputRejected for a word without logger or session.
    """
    if not all(one.mn and one.session_id for one in event.sessions):
        raise InputRejected("a session without logger or id")
    rows = store.lock_sessions(session, {clean(one.mn) for one in event.sessions})
    news = sum(_keep(session, rows, one) for one in event.sessions)
    session.flush()
    came = {clean(one.mn) for one in event.sessions if one.open}
    if came:
        store.wake(session, came, now)
    return news


def _keep(session: Session, rows: dict[str, SessionRow], one: pb.LoggerSession) -> bool:
    at, mn = from_timestamp(one.at), clean(one.mn)
    opened, closed = (at, None) if one.open else (None, at)
    row = rows.get(mn)
    known = store.connection_of(row) if row is not None else None
    kept = later_connection(known, Connection(one.session_id, opened, closed))
    if kept is None:
        return False
    if row is None:
        row = rows[mn] = SessionRow(mn=mn, reason="", outlet_id="", version=0)
        session.add(row)
    row.outlet_id = one.outlet_id or row.outlet_id
    row.session_id, row.gate_id, row.peer = one.session_id, one.gate_id, one.peer
    row.version = one.version or row.version
    row.certificate_sha256 = one.certificate_sha256
    row.opened_at, row.closed_at = kept.opened_at, kept.closed_at
    row.reason = one.reason if kept.closed_at else ""
    return True


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

"""nameko dependencies of every service: `db`, the service's database, and the outbox relay."""

import os
import time
from typing import Any

import eventlet
from eventlet.event import Event
from nameko import config
from nameko.extensions import DependencyProvider
from sqlalchemy import delete, select

from services.chassis.bus.publish import Publisher
from services.chassis.db import Database, database_from_env
from services.chassis.inbox import forget_old
from services.chassis.log import get_logger
from services.chassis.metrics import RELAYED
from services.chassis.outbox import count_waiting, route_of
from services.chassis.tables import OutboxRow

log = get_logger(__name__)

#: Seconds between looks when nobody woke the relay: rows of doors and of crashed processes.
POLL_S = 1.0
BATCH = 200
#: Seconds between counts of what waits and sweeps of the inbox.
TIDY_S = 60.0


class DatabaseProvider(DependencyProvider):  # type: ignore[misc]
    """nameko dependency `db`: the service's `Database`, one a container."""

    def setup(self) -> None:
        """Connect under the service's own name. psycopg must not block eventlet's hub."""
        if os.environ.get("PSYCOPG_WAIT_FUNC") != "wait_selector":
            raise RuntimeError(
                "PSYCOPG_WAIT_FUNC=wait_selector must be set before psycopg is imported"
            )
        self.database = database_from_env(self.container.service_name)

    def stop(self) -> None:
        """Close the pool."""
        self.database.engine.dispose()

    def get_dependency(self, worker_ctx: Any) -> Database:
        """Give the service's database."""
        del worker_ctx
        return self.database


def relay_once(database: Database, publisher: Publisher) -> int:
    """Publish the oldest waiting events and delete them; gives their number.

    Rows are claimed with SKIP LOCKED, so replicas share the work. A crash between confirm and
    commit publishes again: receivers have an inbox.
    """
    with database.transaction() as session:
        claim = select(OutboxRow).order_by(OutboxRow.outbox_id).limit(BATCH)
        rows = list(session.scalars(claim.with_for_update(skip_locked=True)))
        for row in rows:
            exchange, key = route_of(row)
            publisher.publish(
                row.body,
                exchange=exchange,
                routing_key=key,
                properties={
                    "message_id": row.message_id,
                    "type": row.type_name,
                    "correlation_id": row.correlation_id,
                },
                headers={},
                mandatory=False,
            )
        if rows:
            done = [row.outbox_id for row in rows]
            session.execute(
                delete(OutboxRow)
                .where(OutboxRow.outbox_id.in_(done))
                .execution_options(synchronize_session=False)
            )
        return len(rows)


def tidy(database: Database, service: str) -> None:
    """Forget what the inbox need not recognise any more; put the outbox's length on its gauge."""
    with database.transaction() as session:
        forget_old(session)
        count_waiting(session, service)


class OutboxRelay(DependencyProvider):  # type: ignore[misc]
    """nameko dependency that empties the outbox; the service class needs only to name it."""

    def setup(self) -> None:
        """Open a connection of its own, so that a slow handler never delays the relay."""
        self.database = database_from_env(self.container.service_name)
        self.publisher = Publisher(config["AMQP_URI"])
        self._wake = Event()
        self._stopping = False

    def start(self) -> None:
        """Start the loop and listen to the container's own database."""
        for extension in self.container.extensions:
            database = getattr(extension, "database", None)
            if isinstance(database, Database):
                database.on_outbox(self.wake)
        self.container.spawn_managed_thread(self._run, identifier="outbox_relay")

    def stop(self) -> None:
        """Publish what waits, then end."""
        self._stopping = True
        self.wake()

    def wake(self) -> None:
        """Look at once."""
        if not self._wake.ready():
            self._wake.send()

    def get_dependency(self, worker_ctx: Any) -> "OutboxRelay":
        """Give the relay itself; nobody needs it but tests."""
        del worker_ctx
        return self

    def _run(self) -> None:
        service = self.container.service_name
        tidy_at = 0.0
        while not self._stopping:
            try:
                if time.monotonic() >= tidy_at:
                    tidy(self.database, service)
                    tidy_at = time.monotonic() + TIDY_S
                moved = relay_once(self.database, self.publisher)
                RELAYED.labels(service).inc(moved)
            except Exception:
                # The bus or the database is away: the rows stay, the next look tries again.
                log.exception("outbox_relay_failed")
                eventlet.sleep(2)
                continue
            if moved < BATCH:
                with eventlet.Timeout(POLL_S, exception=False):
                    self._wake.wait()
                if self._wake.ready():
                    self._wake = Event()

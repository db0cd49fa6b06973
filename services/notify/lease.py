"""租约 One holder of a gateway account at a time, with an epoch that fences off the one before.

The database's clock decides, so replicas need not agree on the time. Each claim of a text asks for
the lease in its own transaction: a holder that was paused and came back finds its epoch gone and
claims nothing.
"""

import time
from datetime import timedelta

from sqlalchemy import func as sql
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.notify.store import LeaseRow

_TAKE = text(
    """
    INSERT INTO leases (name, holder, epoch, expires_at) VALUES (:name, :holder, 1, now() + :life)
    ON CONFLICT (name) DO UPDATE
       SET holder = :holder, epoch = leases.epoch + 1, expires_at = now() + :life
     WHERE leases.expires_at < now()
    RETURNING epoch
    """
)


class Lease:
    """A claim to `name` that has to be renewed."""

    def __init__(self, database: Database, name: str, holder: str, life: timedelta) -> None:
        self._database, self.name, self._holder, self._life = database, name, holder, life
        self.epoch = 0
        self._renew_at = 0.0

    def hold(self) -> bool:
        """Whether the lease is ours now; takes it when free, renews it in time."""
        if self.epoch and time.monotonic() < self._renew_at:
            return True
        with self._database.transaction() as session:
            self.epoch = (self._renewed(session) if self.epoch else 0) or self._taken(session)
        self._renew_at = time.monotonic() + self._life.total_seconds() / 3
        return bool(self.epoch)

    def stands(self, session: Session) -> bool:
        """Whether the lease is ours, asked and locked inside the caller's transaction."""
        ours = (
            LeaseRow.name == self.name,
            LeaseRow.epoch == self.epoch,
            LeaseRow.expires_at > sql.now(),
        )
        query = select(LeaseRow.epoch).where(*ours).with_for_update(read=True)
        return session.scalar(query) is not None

    def release(self) -> None:
        """Let the next one take it at once."""
        if not self.epoch:
            return
        with self._database.transaction() as session:
            ours = (LeaseRow.name == self.name, LeaseRow.epoch == self.epoch)
            session.execute(update(LeaseRow).where(*ours).values(expires_at=sql.now()))
        self.epoch = 0

    def _renewed(self, session: Session) -> int:
        renew = (
            update(LeaseRow)
            .where(
                LeaseRow.name == self.name,
                LeaseRow.epoch == self.epoch,
                LeaseRow.expires_at > sql.now(),
            )
            .values(expires_at=sql.now() + self._life)
            .returning(LeaseRow.epoch)
        )
        return session.scalar(renew) or 0

    def _taken(self, session: Session) -> int:
        facts = {"name": self.name, "holder": self._holder, "life": self._life}
        return session.scalar(_TAKE, facts) or 0

"""到期事项: clocks, escalations and retries are rows; the effect and its mark are one transaction.

Two replicas, a paused one or a restart cannot act twice: a row is claimed with `FOR UPDATE SKIP
LOCKED` and marked done in the transaction of its effect. `timers.on_due` is the nameko half.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.chassis.clock import utc_now
from services.chassis.log import get_logger
from services.chassis.metrics import DUE
from services.chassis.tables import DueRow

log = get_logger(__name__)


def record_due(
    session: Session, kind: str, key: str, at: datetime, payload: dict[str, object] | None = None
) -> None:
    """Set (kind, key) to be done at `at`; a waiting row is moved, one already done stays done."""
    row = insert(DueRow).values(kind=kind, key=key, at=at, payload=payload or {}, attempts=0)
    session.execute(
        row.on_conflict_do_update(
            index_elements=["kind", "key"],
            set_={"at": row.excluded.at, "payload": row.excluded.payload},
            where=DueRow.done_at.is_(None),
        ),
    )


def cancel_due(session: Session, kind: str, key: str, *, now: datetime | None = None) -> None:
    """Take a waiting row back; one already done stays as it is."""
    waiting = (DueRow.kind == kind, DueRow.key == key, DueRow.done_at.is_(None))
    session.execute(
        update(DueRow).where(*waiting).values(done_at=now or utc_now(), outcome="cancelled")
    )


def claim(session: Session, kind: str, now: datetime) -> DueRow | None:
    """Lock the oldest row of a kind whose time has come; None when there is none."""
    due = (DueRow.kind == kind, DueRow.done_at.is_(None), DueRow.at <= now)
    query = select(DueRow).where(*due).order_by(DueRow.at, DueRow.due_id).limit(1)
    return session.scalar(query.with_for_update(skip_locked=True))


def postpone(session: Session, due_id: int, now: datetime) -> None:
    """Try a failed row again later: 5 s, 10 s, 20 s ... at most an hour. It is never given up."""
    row = session.get(DueRow, due_id)
    if row is not None and row.done_at is None:
        row.attempts += 1
        row.at = now + timedelta(seconds=min(3600, 5 * 2 ** min(row.attempts - 1, 10)))


def handle_one(
    database: Any, kind: str, now: datetime, handle: Callable[[Session, DueRow], None]
) -> bool:
    """Handle one due row in one transaction; False when none is due or the handler failed."""
    due_id: int | None = None
    try:
        with database.transaction() as session:
            row = claim(session, kind, now)
            if row is None:
                return False
            due_id = row.due_id
            handle(session, row)
            row.done_at, row.outcome = now, "done"
    except Exception:
        log.exception("due_failed", kind=kind, due_id=due_id)
        DUE.labels(kind, "failed").inc()
        if due_id is not None:
            with database.transaction() as session:
                postpone(session, due_id, now)
        return False
    DUE.labels(kind, "done").inc()
    return True

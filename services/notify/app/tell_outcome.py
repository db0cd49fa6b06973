"""Say on the bus what became of a notice to one person."""

from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.outbox import record_event
from services.notify.store import SendingRow
from services.notify.wire import outcome_of


def tell_outcome(session: Session, row: SendingRow, now: datetime) -> None:
    """Record `NoticeOutcome` in this transaction."""
    record_event(session, outcome_of(row, now), correlation_id=row.correlation_id)

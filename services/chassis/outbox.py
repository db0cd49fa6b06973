"""发件箱: state and outgoing events commit together; `providers.OutboxRelay` publishes them.

No nameko here: doors write outbox rows too.
"""

import uuid

from google.protobuf.message import Message
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.bus.topology import EVENTS, READINGS
from services.chassis.db import WROTE_OUTBOX
from services.chassis.log import current_correlation
from services.chassis.metrics import OUTBOX
from services.chassis.pb.ingest.v1.ingest_pb2 import ReadingBatch
from services.chassis.tables import OutboxRow


def record_event(session: Session, message: Message, *, correlation_id: str = "") -> str:
    """Write an event into the outbox of this transaction; gives its message id.

    Without `correlation_id` the one bound to this worker goes on the message. A `ReadingBatch` goes
    to its partition's queues instead (`route_of`): what a door takes for the ledger leaves with the
    transaction that took it.
    """
    message_id = str(uuid.uuid4())
    session.add(
        OutboxRow(
            message_id=message_id,
            type_name=message.DESCRIPTOR.full_name,
            correlation_id=correlation_id or current_correlation(),
            body=message.SerializeToString(),
        ),
    )
    session.info[WROTE_OUTBOX] = True
    return message_id


def route_of(row: OutboxRow) -> tuple[str, str]:
    """Tell where a waiting message goes: exchange and routing key."""
    if row.type_name == ReadingBatch.DESCRIPTOR.full_name:
        return READINGS.name, f"p{ReadingBatch.FromString(row.body).partition}"
    return EVENTS.name, row.type_name


def count_waiting(session: Session, service: str) -> int:
    """Tell how many events wait, and put it on the gauge."""
    waiting = session.scalar(select(func.count()).select_from(OutboxRow)) or 0
    OUTBOX.labels(service).set(waiting)
    return waiting

"""Rows of notify to protobuf, and the events it hears to plain values."""

from datetime import datetime

from services.chassis.clock import from_timestamp, to_timestamp
from services.chassis.pb.cases.v1 import cases_pb2 as cases_pb
from services.chassis.pb.notify.v1 import notify_pb2 as pb
from services.notify.domain.notice import Notice
from services.notify.domain.routing import Wanted, masked
from services.notify.store import SendingRow

_STATES = {
    "queued": pb.SENDING_STATE_QUEUED,
    "sending": pb.SENDING_STATE_QUEUED,  # on the wire, not answered yet
    "held": pb.SENDING_STATE_HELD,
    "sent": pb.SENDING_STATE_SENT,
    "delivered": pb.SENDING_STATE_DELIVERED,
    "failed": pb.SENDING_STATE_FAILED,
    "muted": pb.SENDING_STATE_MUTED,
    "uncertain": pb.SENDING_STATE_UNCERTAIN,
}


def notice_of(event: cases_pb.NoticeRequested) -> Notice:
    """A notice as the use case wants it."""
    return Notice(
        cause_id=event.cause_id,
        template=event.template,
        parameters=dict(event.parameters),
        wanted=[Wanted(one.kind, one.key, one.role) for one in event.recipients],
        level=event.level,
        event_time=from_timestamp(event.event_time),
        matter_id=event.matter_id,
        division=event.division,
        outlet_id=event.outlet_id,
        correlation_id=event.correlation_id,
    )


def state_names(state: int) -> list[str]:
    """The row states that an enum value asks for; 0 asks for all."""
    return [name for name, value in _STATES.items() if state in (0, value)]


def outcome_of(row: SendingRow, at: datetime) -> pb.NoticeOutcome:
    """The event that says what became of a notice to one person."""
    return pb.NoticeOutcome(
        cause_id=row.cause_id,
        matter_id=row.matter_id,
        recipient_id=row.recipient_id,
        state=_STATES[row.state],
        reason=row.reason,
        at=to_timestamp(at),
        correlation_id=row.correlation_id,
        possibly_repeated=row.possibly_repeated,
    )


def sending_of(row: SendingRow) -> pb.Sending:
    """A row as the door shows it: the number masked."""
    return pb.Sending(
        sending_id=str(row.sending_id),
        cause_id=row.cause_id,
        matter_id=row.matter_id,
        recipient_id=row.recipient_id,
        recipient_name=row.recipient_name,
        phone_masked=masked(row.phone),
        template=row.template,
        text=row.text,
        parts=row.parts,
        state=_STATES[row.state],
        reason=row.reason,
        possibly_repeated=row.possibly_repeated,
        created_at=to_timestamp(row.created_at),
        sent_at=to_timestamp(row.sent_at) if row.sent_at else None,
        delivered_at=to_timestamp(row.delivered_at) if row.delivered_at else None,
        correlation_id=row.correlation_id,
        division=row.division,
        credit_code=row.credit_code,
        level=row.level,
    )

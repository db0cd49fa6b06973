"""What a gate tells of a command: each step is stored once, and moves it by the table.

Steps come in any order and more than once (bounded retry, a gate that sends again without a
confirm), and from an earlier sending after a later one began. Only the present sending moves a
command, with one exception: that it was carried out is true whoever says it.
"""

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected, NotFound
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import command_pb2 as pb
from services.ingest import command_store as store
from services.ingest import command_wire as wire
from services.ingest.app.settle_command import happen
from services.ingest.command_tables import CommandRow
from services.ingest.domain.commands import CHECK, UNDER_WAY, Event, State, sending_of

log = get_logger(__name__)

_EVENTS: Final = {
    pb.COMMAND_STATE_RUNNING: Event.READY,
    pb.COMMAND_STATE_DONE: Event.SUCCEED,
    pb.COMMAND_STATE_FAILED: Event.FAIL,
    pb.COMMAND_STATE_EXPIRED: Event.DEADLINE,
}


def record_progress(session: Session, event: pb.CommandProgress, now: datetime) -> bool:
    """Store a step of a gate; tells whether it was new.

    Raises InputRejected for an order that nobody knows.
    """
    row, sending = command_of(session, event)
    if not store.add_step(session, row, wire.step_from(event, sending)):
        return False
    row.qn = event.qn or row.qn
    meant = event_of(event, row, now)
    if sending == row.sendings and row.state in UNDER_WAY:
        row.heard_at, row.look_at = now, now + CHECK
        settle = meant
    else:
        late = row.state == State.LOST and meant is Event.FAIL
        settle = meant if meant is Event.SUCCEED or late else None
    if settle is not None:
        happen(session, row, settle, now, event.detail or wire.kind_word(event.kind))
    return True


def command_of(session: Session, event: pb.CommandProgress) -> tuple[CommandRow, int]:
    """Find and lock the command of an order. Raises InputRejected."""
    if not (event.gate_id and event.number):
        raise InputRejected("a step without gate or number")
    try:
        command_id, sending = sending_of(event.command_id)
        return store.command(session, command_id, lock=True), sending
    except (ValueError, NotFound) as error:
        raise InputRejected(f"no command {event.command_id!r}") from error


def event_of(event: pb.CommandProgress, row: CommandRow, now: datetime) -> Event | None:
    """What a step means for its command; None = nothing but a line in its record.

    A gate that never began says QUEUED, or EXPIRED when its turn came too late for this sending:
    that one never was. After that a logger that went away or fell silent may have acted all the
    same, so the fate of a control command is open; a reading request that timed out has failed
    (HJ 212-2017 6.6), the gate has asked often enough.
    """
    if event.state == pb.COMMAND_STATE_QUEUED:  # reading that had begun goes back as well
        return Event.BREAK if row.state == State.RUNNING else Event.RETURN
    if event.state == pb.COMMAND_STATE_EXPIRED and now < row.deadline:
        return Event.RETURN
    if event.kind == pb.COMMAND_STEP_KIND_DISCONNECTED:
        return Event.BREAK
    if event.kind == pb.COMMAND_STEP_KIND_TIMED_OUT and row.control:
        return Event.BREAK
    return _EVENTS.get(event.state)

"""What the use cases of a command share: an event moves it by the table, and who waits goes on."""

from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.clock import to_timestamp
from services.chassis.log import get_logger
from services.chassis.outbox import record_event
from services.chassis.pb.ingest.v1.logger_pb2 import LoggerSettingsChanged
from services.ingest import command_store as store
from services.ingest.command_tables import CommandRow
from services.ingest.domain.commands import LIVING, SOON, UNDER_WAY, Event, Standing, State, move
from services.ingest.metrics import COMMANDS

log = get_logger(__name__)


def happen(
    session: Session, row: CommandRow, event: Event, now: datetime, outcome: str = ""
) -> bool:
    """Let an event happen to a locked command; tells whether its state changed."""
    before = State(row.state)
    after = move(Standing(before, control=row.control, sendings=row.sendings), event)
    if after is before:
        return False
    row.state = after
    if after in LIVING:
        row.look_at = now + SOON if after is State.QUEUED else row.look_at
    else:
        row.ended_at, row.look_at, row.outcome = row.ended_at or now, None, outcome
    session.flush()
    if after is State.DONE:
        tell_registry(session, row, now)
    if after not in UNDER_WAY:
        store.wake(session, [row.mn], now, but=row)
    COMMANDS.labels(after.value, row.purpose).inc()
    log.info(
        "command_moved",
        command_id=str(row.command_id),
        mn=row.mn,
        cn=row.cn,
        because=event.value,
        before=before.value,
        after=after.value,
    )
    return True


def tell_registry(session: Session, row: CommandRow, now: datetime) -> None:
    """A carried out 1072, 1062 or 1064 changed what the registry keeps of the logger.

    Without it the frames under a new password would be refused, and completeness would count by
    the old cadence.
    """
    given = dict(row.parameters)
    event = LoggerSettingsChanged(mn=row.mn, command_id=str(row.command_id), at=to_timestamp(now))
    match row.cn:
        case "1072":
            event.password = given.get("NewPW") or given["PW"]  # 2005 calls the new one PW
        case "1062":
            event.realtime_interval_s = int(given["RtdInterval"])
        case "1064":
            event.minute_interval_min = int(given["MinInterval"])
        case _:
            return
    record_event(session, event)

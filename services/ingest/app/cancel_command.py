"""撤回: a command that was not sent yet is withdrawn."""

from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.errors import RuleViolated
from services.ingest import command_store as store
from services.ingest.app.settle_command import happen
from services.ingest.command_tables import CommandRow
from services.ingest.domain.commands import Event


def cancel_command(
    session: Session, command_id: str, *, who: str, reason: str, now: datetime
) -> CommandRow:
    """Withdraw a command; gives it. Raises NotFound, and RuleViolated once it was sent."""
    row = store.command(session, command_id, lock=True)
    if not happen(session, row, Event.CANCEL, now, reason.strip() or "withdrawn"):
        raise RuleViolated("only what was not sent yet can be withdrawn", state=row.state)
    detail = f"{who}: {reason.strip()}" if reason.strip() else who
    store.add_step(session, row, store.Step("cancelled", now, detail=detail))
    return row

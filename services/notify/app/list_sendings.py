"""List sendings of a jurisdiction, newest first."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.identity import Scope
from services.notify.store import SendingRow


def list_sendings(
    session: Session,
    scope: Scope,
    *,
    matter_id: str,
    states: Sequence[str],
    before_id: int | None,
    size: int,
) -> list[SendingRow]:
    """At most `size` rows of the scope, older than `before_id`."""
    query = select(SendingRow).where(
        SendingRow.division.startswith(scope.division_prefix, autoescape=True),
        SendingRow.state.in_(states),
    )
    if matter_id:
        query = query.where(SendingRow.matter_id == matter_id)
    if before_id is not None:
        query = query.where(SendingRow.sending_id < before_id)
    return list(session.scalars(query.order_by(SendingRow.sending_id.desc()).limit(size)))

"""Change one record with a check that nobody else was first."""

from sqlalchemy.orm import Session

from services.chassis.errors import Conflict, InputRejected
from services.registry import store
from services.registry.app.change_records import Origin, change_records
from services.registry.domain.outcome import Entry
from services.registry.domain.records import KINDS, Body, key_of


def upsert_record(
    session: Session, body: Body, origin: Origin, *, deleted: bool, expected_revision: int
) -> store.RecordRow:
    """Save the record when its revision is still the expected one; 0 means that it must not exist.

    Raises Conflict when the revision differs, InputRejected naming the first faulty field.
    """
    store.lock_records(session)
    place = (KINDS[type(body)], key_of(body))
    known = next(iter(store.rows_of(session, [place])), None)
    current = 0 if known is None or known.deleted else known.revision
    if current != expected_revision:
        raise Conflict(f"the record is at revision {current}", revision=str(current))
    outcome = change_records(session, [Entry(0, body, deleted)], origin)
    if outcome.errors:
        error = outcome.errors[0]
        raise InputRejected(f"{error.field}: {error.reason}", field=error.field)
    session.flush()
    return store.rows_of(session, [place])[0]

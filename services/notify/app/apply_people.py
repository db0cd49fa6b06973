"""Keep notify's own copy of who can be told: contacts, officers, duties.

Not the chassis' general copy: that one keeps whole records by key, and a notice has to find the few
people of one plant among tens of thousands.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.notify.store import DutyRow, PersonRow


def apply_people(session: Session, records: Iterable[pb.Record]) -> None:
    """Store newer records of people and duties; order and repetition do not matter."""
    for record in records:
        if record.kind in (pb.RECORD_KIND_CONTACT, pb.RECORD_KIND_OFFICER):
            _keep(session, PersonRow, "person_id", _person(record))
        elif record.kind == pb.RECORD_KIND_DUTY and (record.duty.date or record.deleted):
            _keep(session, DutyRow, "duty_id", _duty(record))


def is_empty(session: Session) -> bool:
    """Whether nobody is known, as in a new database beside an old registry."""
    return not session.scalar(select(func.count()).select_from(PersonRow))


def _keep(session: Session, table: type[Any], key: str, values: dict[str, Any]) -> None:
    row = insert(table).values(**values)
    session.execute(
        row.on_conflict_do_update(
            index_elements=[key],
            set_={name: row.excluded[name] for name in values if name != key},
            where=table.revision < row.excluded.revision,
        )
    )


def _person(record: pb.Record) -> dict[str, Any]:
    kept = {
        "person_id": record.key,
        "revision": record.revision,
        "deleted": record.deleted,
    }
    if record.kind == pb.RECORD_KIND_CONTACT:
        contact = record.contact
        return {
            **kept,
            "kind": "contact",
            "home": contact.credit_code,
            "role": contact.duty,
            "name": contact.name,
            "phone": contact.phone,
        }
    officer = record.officer
    return {
        **kept,
        "kind": "officer",
        "home": officer.division,
        "role": officer.role,
        "name": officer.name,
        "phone": officer.phone,
    }


def _duty(record: pb.Record) -> dict[str, Any]:
    return {
        "duty_id": record.key,
        "officer_id": record.duty.officer_id,
        "day": date.fromisoformat(record.duty.date) if record.duty.date else date.min,
        "revision": record.revision,
        "deleted": record.deleted,
    }

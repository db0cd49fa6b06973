"""When people are looked at: at once when the registry changes them, and by the clock.

The registry's change sets a due row, which one replica handles; the timer finds what a day began or
ended, and goes through all open matters batch by batch.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sqlalchemy.orm import Session

from services.cases import registry_copy
from services.cases.app.people_certificates import arm_certificates
from services.cases.app.people_changed import PEOPLE, sweep
from services.chassis.db import Database
from services.chassis.due import record_due
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.tables import DueRow

_KINDS = frozenset({pb.RECORD_KIND_OFFICER, pb.RECORD_KIND_LEAVE})


def note_people(session: Session, records: Iterable[pb.Record], now: dt.datetime) -> None:
    """Have matters looked at after a change of officers or absences; set their reminders."""
    changed = [record for record in records if record.kind in _KINDS]
    if not changed:
        return
    record_due(session, PEOPLE, str(max(record.revision for record in changed)), now)
    keys = {record.key for record in changed if record.kind == pb.RECORD_KIND_OFFICER}
    known = registry_copy.officers(session)
    arm_certificates(session, [known[key] for key in sorted(keys & known.keys())], now)


def people_due(session: Session, row: DueRow, now: dt.datetime) -> int:
    """Handle one batch; the next one is a due row of its own. Gives how many were moved."""
    swept = sweep(session, now, str(row.payload.get("after", "")))
    if swept.after:
        key = f"{row.key.partition('/')[0]}/{swept.after}"
        record_due(session, PEOPLE, key, now, {"after": swept.after})
    return swept.moved


def sweep_all(database: Database, now: dt.datetime) -> int:
    """Go through all open matters, a transaction a batch; gives how many were moved."""
    moved, after = 0, ""
    while True:
        with database.transaction() as session:
            swept = sweep(session, now, after)
        moved, after = moved + swept.moved, swept.after
        if not after:
            return moved


def arm_all(session: Session, now: dt.datetime) -> None:
    """Set the reminders of every certificate that come soon."""
    arm_certificates(session, registry_copy.officers(session).values(), now)

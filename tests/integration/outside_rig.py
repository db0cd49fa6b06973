"""Things from outside on a real PostgreSQL without the bus: batches in, clues out."""

import itertools
import uuid
from datetime import timedelta

from sqlalchemy import select, text

from farsight.lab.seed import records_of
from services.chassis.db import Database
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.chassis.pb.ingest.v1 import outside_pb2
from services.chassis.replica import apply_records
from services.detect.app.directory import KINDS
from services.detect.app.judge_outside import judge_next_city
from services.detect.app.outside_desk import OutsideDesk
from services.detect.app.take_outside import take_outside
from services.detect.outside_store import OutsideClueRow

TABLES = (
    "outside_city", "outside_day", "outside_item", "outside_clue", "outside_map", "registry_copy",
    "finding",
)  # fmt: skip
_REVISIONS = itertools.count(1)
_AT_ONCE, _NEVER = timedelta(seconds=-60), timedelta(days=9999)


def entry(item, division="", code=""):
    """An entry of a batch, as the gate makes it."""
    code = code or item.place.credit_code or item.place.outlet_id.partition("-")[0]
    return outside_pb2.OutsideEntry(
        raw=item.SerializeToString(), division=division or item.place.division, credit_code=code
    )


def batch(entries):
    """A pushed request's event."""
    return outside_pb2.OutsideBatch(batch_id=str(uuid.uuid4()), entries=entries)


def demo_records(*kinds):
    """Records of the demo province."""
    return [record for kind in kinds for record in records_of(kind)]


class OutsideRig:
    """What one detect process does with things from outside."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, "detect")
        self.desk = OutsideDesk()

    def clear(self) -> None:
        """Forget everything."""
        with self.database.transaction() as session:
            for table in TABLES:
                session.execute(text(f"DELETE FROM {table}"))

    def know(self, *records) -> None:
        """Take registry records into the copy."""
        for record in records:
            record.revision = next(_REVISIONS)
        with self.database.transaction() as session:
            apply_records(session, records, KINDS)

    def take(self, entries) -> int:
        """Handle one batch as the service does."""
        with self.database.transaction() as session:
            return take_outside(session, batch(entries))

    def judge(self) -> int:
        """Look at whatever is due; gives the changed clues."""
        changed = 0
        while (found := judge_next_city(self.database, self.desk, _AT_ONCE, _NEVER)) is not None:
            changed += found
        return changed

    def clues(self) -> list[pb.OutsideClue]:
        """Clues as they stand, highest score first."""
        with self.database.transaction() as session:
            order = OutsideClueRow.score.desc(), OutsideClueRow.clue_id
            rows = session.scalars(select(OutsideClueRow).order_by(*order))
            return [pb.OutsideClue.FromString(row.body) for row in rows]

    def close(self) -> None:
        """Let go of the database."""
        self.database.engine.dispose()

"""标记出账: what the door kept leaves with its transaction, to the ledger and to detect."""

import uuid
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from services.chassis.outbox import record_event
from services.chassis.partition import partition_of
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.app.keep_outside import tell_marks
from services.ingest.mark_store import FoundMark

#: Names the batches that no gate gathered.
GATE_ID = "door"


def leave_marks(
    session: Session,
    found: Sequence[FoundMark],
    frames: Iterable[pb.Frame | None],
    partitions: int,
) -> None:
    """Record `MarksChanged`, and the frames as batches of their partitions."""
    tell_marks(session, [(one.row.outlet_id, one.row.mark_id, one.row.revision) for one in found])
    by_partition: dict[int, list[pb.Frame]] = {}
    for frame in frames:
        if frame is not None:
            place = partition_of(frame.outlet_id, partitions)
            by_partition.setdefault(place, []).append(frame)
    for partition, members in by_partition.items():
        batch = pb.ReadingBatch(
            batch_id=str(uuid.uuid4()), partition=partition, gate_id=GATE_ID, frames=members
        )
        record_event(session, batch, correlation_id=members[0].correlation_id)

"""Gets lost values back from ingest, where a partition's files are gone."""

from datetime import datetime, timedelta

from services.chassis.clock import utc_now
from services.chassis.log import get_logger
from services.chassis.partition import partition_of
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.detect import store, wire
from services.detect.app.detector import Detector, Partition
from services.detect.app.stored_readings import History
from services.detect.domain.grid import DAY, HOUR, MINUTE, Grid

log = get_logger(__name__)

_KINDS: tuple[tuple[pb.ReadingKind.ValueType, Grid], ...] = (
    (pb.READING_KIND_HOUR, HOUR),
    (pb.READING_KIND_DAY, DAY),
    (pb.READING_KIND_MINUTE, MINUTE),
)


def refill(detector: Detector, partition: Partition, history: History) -> int:
    """Fill the rings of a partition that somebody owned before; gives the outlets asked for.

    Must be done before anything is judged: with empty rings, findings that stand would fall away.
    Raises Unavailable when ingest does not answer; the batch then comes back.
    """
    with detector.database.transaction() as session:
        lost = store.was_claimed(session, partition.number)
        detector.known.refresh(session)
    asked = 0
    if lost:
        now = utc_now()
        for outlet_id in detector.known.directory.outlets():
            if partition_of(outlet_id, detector.partitions) == partition.number:
                _fill(partition, outlet_id, history, now)
                asked += 1
        log.warning("partition_refilled", partition=partition.number, outlets=asked)
    partition.fresh = False
    return asked


def _fill(partition: Partition, outlet_id: str, history: History, now: datetime) -> None:
    for kind, grid in _KINDS:
        start = now - timedelta(seconds=grid.step_s * (grid.slots - 1))
        response = history(outlet_id, kind, start, now + timedelta(hours=1))
        response.outlet_id, response.kind = outlet_id, kind
        if response.factors:
            partition.windows.write(wire.columns_of_history(response))

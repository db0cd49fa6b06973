"""Takes a batch of readings: values into the rings, then judging, then the acknowledgement."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from prometheus_client import Counter
from sqlalchemy.orm import Session

from services.chassis.clock import utc_now
from services.chassis.inbox import first_time
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1.ingest_pb2 import ReadingBatch
from services.detect import judgement_store, store, wire
from services.detect.app.detector import Detector, Partition
from services.detect.app.judge_outlets import Task, judge_outlets
from services.detect.app.keep_news import ask
from services.detect.app.refill import refill
from services.detect.app.stored_readings import History, StoredReadings
from services.detect.domain.block import judged_from
from services.detect.judgement.periods import first_hour
from services.detect.windows.partition_windows import Touched

log = get_logger(__name__)

TOO_OLD = Counter(
    "farsight_detect_too_old_total", "Values older than their ring, not judged", ["partition"]
)
NOT_JUDGED = Counter(
    "farsight_detect_not_judged_total",
    "Times an outlet sent values older than its judged weeks: kept, findings stay",
    ["partition"],
)
CHANGED = Counter("farsight_detect_changed_total", "Findings and clues that changed", ["partition"])


@dataclass(frozen=True)
class Neighbours:
    """The services that a batch may need, as functions."""

    catch_up: Callable[[], bool]
    """Asks the registry for what our copy lacks; False where it does not answer."""
    history: History


def take_batch(detector: Detector, batch: ReadingBatch, queue: str, others: Neighbours) -> int:
    """Write a batch and judge what it touched; gives the number of changed findings and clues.

    Values go into the mapped rings before the transaction and the batch is acknowledged after it: a
    process killed in between gets the batch again, writes the same cells, and judges then. A batch
    that was judged already is known by its inbox row.
    """
    received = wire.received_of(batch)
    partition = detector.partition(batch.partition)
    with partition.lock:
        if partition.fresh:
            refill(detector, partition, others.history)
        touched = partition.windows.write(received.columns)
        partition.last_batch_at = time.monotonic()
        for _, key in received.columns.series:
            partition.arrived[key.outlet_id] = partition.last_batch_at
        for outlet_id, at_s in received.newest_s.items():
            partition.received[outlet_id] = max(at_s, partition.received.get(outlet_id, 0.0))
        partition.received_at_s = max(partition.received_at_s, received.received_at_s)
        if touched.too_old:
            log.warning("values_older_than_the_ring", count=touched.too_old, queue=queue)
            TOO_OLD.labels(str(partition.number)).inc(touched.too_old)
        _count_not_judged(partition, touched)
        _know_outlets(detector, touched, others)
        stored = StoredReadings(others.history, partition.memory)
        task = Task(touched.since, received.correlation, stored=stored)
        return _judge(detector, partition, touched, task, (queue, batch.batch_id))


def _count_not_judged(partition: Partition, touched: Touched) -> None:
    """Say where a back-fill reaches further back than rules are judged (`judged_from`)."""
    behind = [
        outlet_id
        for outlet_id, first in touched.since.items()
        if first < judged_from(first, partition.windows.watermark(outlet_id) + 1)
    ]
    if behind:
        log.info("values_older_than_judged", partition=partition.number, outlets=len(behind))
        NOT_JUDGED.labels(str(partition.number)).inc(len(behind))


def _know_outlets(detector: Detector, touched: Touched, others: Neighbours) -> None:
    """Bring the registry copy up to date; ask the registry where an outlet is not in it.

    A batch may overtake the event that names its outlet, and hours judged without their limit would
    have to be judged again.
    """
    directory = detector.known.directory
    with detector.database.transaction() as session:
        detector.known.refresh(session)
    unknown = {o for o in touched.since if directory.outlet(o) is None}
    if unknown - directory.asked and others.catch_up():
        directory.asked |= unknown
        with detector.database.transaction() as session:
            detector.known.refresh(session)


def _judge(
    detector: Detector,
    partition: Partition,
    touched: Touched,
    task: Task,
    message: tuple[str, str],
) -> int:
    with detector.database.transaction() as session:
        if not first_time(session, *message):
            return 0
        store.lock_partition(session, partition.number)
        if not partition.claimed:
            store.claim_partition(session, partition.number, detector.owner)
        _ask_for_frozen_days(session, detector, touched)
        # Outlets that wait to be judged again are judged from there on right now; their rows stay
        # until their days are judged too (`work_off`).
        waiting = judgement_store.waiting_since(session, task.since)
        since = {o: min(hour, waiting.get(o, hour)) for o, hour in task.since.items()}
        task = replace(task, since=since)
        changed = judge_outlets(session, partition.windows, detector.known, task)
    CHANGED.labels(str(partition.number)).inc(changed)
    partition.claimed = True
    partition.windows.settled(touched)
    return changed


def _ask_for_frozen_days(session: Session, detector: Detector, touched: Touched) -> None:
    """A value of a frozen day has its day judged again (reason backfill)."""
    frozen = judgement_store.frozen_until(session)
    end = first_hour(frozen) + 24 if frozen else 0
    late = {outlet_id: hour for outlet_id, hour in touched.since.items() if hour < end}
    if late:
        ask(session, late, "backfill", detector.partitions, utc_now())

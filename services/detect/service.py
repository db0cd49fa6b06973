"""研判服务 on nameko: batches in, findings and clues out, a look for silence now and then."""

from datetime import datetime

from nameko.timer import timer
from sqlalchemy.orm import Session

from services.chassis.bus.delivery import Envelope
from services.chassis.bus.entrypoints import consume_partition, on_event
from services.chassis.clock import to_timestamp, utc_now
from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import ingest_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.providers import DatabaseProvider, OutboxRelay
from services.chassis.replica import FILL_TIMEOUT_S, apply_records, last_revision
from services.chassis.rpc import RpcClient
from services.detect.app.directory import KINDS
from services.detect.app.look_for_silence import look_for_silence
from services.detect.app.take_batch import Neighbours, take_batch
from services.detect.providers import DetectorProvider
from services.detect.settings import DetectSettings

log = get_logger(__name__)

LOOK_EVERY_S = 20


class Service:
    """研判."""

    name = "detect"
    db = DatabaseProvider()
    outbox = OutboxRelay()
    detector = DetectorProvider()
    ingest = RpcClient("ingest")
    registry = RpcClient("registry")

    @consume_partition(ingest_pb2.ReadingBatch)
    def batch(self, batch: ingest_pb2.ReadingBatch, envelope: Envelope) -> None:
        """Take one batch of readings."""
        others = Neighbours(catch_up=self._catch_up, history=self._history)
        changed = take_batch(self.detector, batch, envelope.queue, others)
        if changed:
            log.info("batch_judged", partition=batch.partition, changed=changed)

    @on_event(registry_pb2.RecordsChanged)
    def records_changed(self, session: Session, event: registry_pb2.RecordsChanged) -> None:
        """Keep the copy of outlets and limits."""
        apply_records(session, event.records, KINDS)

    @timer(interval=LOOK_EVERY_S)  # type: ignore[untyped-decorator] # nameko has no types
    def look(self) -> None:
        """Look for outlets that stopped sending."""
        quiet_s = DetectSettings.from_env().quiet_s
        changed = look_for_silence(self.detector, utc_now(), quiet_s)
        if changed:
            log.info("silence_judged", changed=changed)

    def _catch_up(self) -> bool:
        """Take from the registry what our copy lacks; False when it does not answer."""
        with self.db.transaction() as session:
            after = last_revision(session)
        try:
            while True:
                request = registry_pb2.SnapshotRequest(kinds=KINDS, after_revision=after)
                page = self.registry.call(
                    "snapshot", request, registry_pb2.SnapshotResponse, timeout_s=FILL_TIMEOUT_S
                )
                if not page.records:
                    return True
                with self.db.transaction() as session:
                    apply_records(session, page.records, KINDS)
                after = max(record.revision for record in page.records)
        except Unavailable:
            # Judged without limits now, and again when the records come.
            log.warning("registry_does_not_answer")
            return False

    def _history(
        self, outlet_id: str, kind: ingest_pb2.ReadingKind.ValueType, start: datetime, end: datetime
    ) -> ingest_pb2.GetReadingsResponse:
        """An outlet's stored values from ingest."""
        request = ingest_pb2.GetReadingsRequest(
            outlet_id=outlet_id, kind=kind, start=to_timestamp(start), end=to_timestamp(end)
        )
        answer: ingest_pb2.GetReadingsResponse = self.ingest.call(
            "readings", request, ingest_pb2.GetReadingsResponse
        )
        return answer

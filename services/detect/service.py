"""研判服务 on nameko: batches in, findings and clues out, a look for silence now and then."""

from datetime import datetime

from nameko.timer import timer
from sqlalchemy.orm import Session

from services.chassis.bus.delivery import Envelope
from services.chassis.bus.entrypoints import consume_partition, on_event
from services.chassis.clock import to_timestamp, utc_now
from services.chassis.errors import Unavailable
from services.chassis.inbox import first_time
from services.chassis.log import get_logger
from services.chassis.pb.detect.v1 import pack_pb2
from services.chassis.pb.ingest.v1 import ingest_pb2, mark_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.providers import DatabaseProvider, OutboxRelay
from services.chassis.replica import (
    FILL_TIMEOUT_S,
    apply_records,
    fill_kind_when_empty,
    last_revision,
)
from services.chassis.rpc import RpcClient
from services.chassis.tables import InboxRow
from services.detect.app.directory import KINDS
from services.detect.app.keep_checks import keep_check
from services.detect.app.keep_news import (
    freeze_day,
    keep_marks,
    keep_records,
    keep_snapshot,
    note_activation,
)
from services.detect.app.look_by_radar import look_by_radar
from services.detect.app.look_for_silence import look_for_silence
from services.detect.app.sweep import sweep
from services.detect.app.take_batch import Neighbours, take_batch
from services.detect.app.take_electricity import note_packs, note_records
from services.detect.app.work_off import work_off
from services.detect.outside_service import OutsideEntrypoints
from services.detect.power_service import PowerEntrypoints
from services.detect.providers import DetectorProvider
from services.detect.settings import DetectSettings

log = get_logger(__name__)

LOOK_EVERY_S = 20
WORK_EVERY_S = 5
SCREEN_EVERY_S = 15
#: Inbox entry of the snapshot of marks.
_SNAPSHOT = ("detect.marks", "snapshot")


class Service(PowerEntrypoints, OutsideEntrypoints):
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
        """Keep the copy of outlets, enterprises and limits."""
        keep_records(session, event.records, self.detector.partitions, utc_now())
        note_records(session, event.records)

    @on_event(mark_pb2.MarksChanged)
    def marks_changed(self, session: Session, event: mark_pb2.MarksChanged) -> None:
        """Keep what plants state about their data."""
        keep_marks(session, event.records, self.detector.partitions, utc_now())

    @on_event(mark_pb2.DayFrozen)
    def day_frozen(self, session: Session, event: mark_pb2.DayFrozen) -> None:
        """A day's marks are final: the owners of the partitions judge it."""
        freeze_day(session, event)

    @on_event(ingest_pb2.QualityCheck)
    def quality_check(self, session: Session, event: ingest_pb2.QualityCheck) -> None:
        """Keep a standard check; a failed one takes hours back."""
        keep_check(session, event, self.detector.partitions, utc_now())

    @on_event(pack_pb2.PackActivated)
    def pack_activated(self, session: Session, event: pack_pb2.PackActivated) -> None:
        """Other rules apply from a day on: what they judge is judged again."""
        note_activation(session, event, self.detector.partitions, utc_now())
        note_packs(session, event)

    @timer(interval=WORK_EVERY_S)  # type: ignore[untyped-decorator]
    def work_off(self) -> None:
        """Judge again what events asked for, and days that were frozen."""
        try:
            work_off(self.detector, utc_now(), self._history)
        except Unavailable as error:
            log.warning("not_judged_again", error=str(error))

    @timer(interval=WORK_EVERY_S)  # type: ignore[untyped-decorator]
    def fill(self) -> None:
        """Ask for what an installation older than judgements never copied."""
        try:
            with self.db.transaction() as session:
                kind = registry_pb2.RECORD_KIND_ENTERPRISE
                fill_kind_when_empty(session, self.registry, kind)
            self._fill_marks()
        except Unavailable as error:
            log.info("not_filled_yet", error=str(error))

    @timer(interval=LOOK_EVERY_S)  # type: ignore[untyped-decorator] # nameko has no types
    def look(self) -> None:
        """Look for outlets that stopped sending."""
        quiet_s = DetectSettings.from_env().quiet_s
        changed = look_for_silence(self.detector, utc_now(), quiet_s)
        if changed:
            log.info("silence_judged", changed=changed)

    @timer(interval=SCREEN_EVERY_S)  # type: ignore[untyped-decorator]
    def screen(self) -> None:
        """Screen finished days for falsified data."""
        settings = DetectSettings.from_env()
        try:
            sweep(self.detector, utc_now(), settings.quiet_s, settings.screen_hour)
            look_by_radar(self.detector, utc_now(), settings.quiet_s, settings.screen_hour)
        except Unavailable as error:
            log.warning("not_screened", error=str(error))

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

    def _fill_marks(self) -> None:
        """Take all marks from ingest once: those of before this service listened to them.

        Noted in the inbox at the end, so half a snapshot is asked for again, from its beginning.
        """
        if self.detector.has_marks:
            return
        with self.db.transaction() as session:
            done = session.get(InboxRow, _SNAPSHOT) is not None
        after = ""
        while not done:
            request = mark_pb2.MarkSnapshotRequest(after=after)
            page = self.ingest.call(
                "marks", request, mark_pb2.MarkSnapshotResponse, timeout_s=FILL_TIMEOUT_S
            )
            after, done = page.next, not page.next
            with self.db.transaction() as session:
                keep_snapshot(session, page, self.detector.partitions, utc_now())
                if done:
                    first_time(session, *_SNAPSHOT)
        self.detector.has_marks = True

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

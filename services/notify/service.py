"""The nameko service `notify`: hears who has to be told, and tells them."""

from typing import Any

from nameko.timer import timer
from sqlalchemy.orm import Session

from services.chassis.bus.entrypoints import on_event
from services.chassis.clock import utc_now
from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.chassis.pb.cases.v1.cases_pb2 import NoticeRequested
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.providers import DatabaseProvider, OutboxRelay
from services.chassis.replica import FILL_TIMEOUT_S
from services.chassis.rpc import RpcClient
from services.chassis.tables import DueRow
from services.chassis.timers import on_due
from services.notify.app.apply_people import apply_people, is_empty
from services.notify.app.request_notice import STORM, request_notice
from services.notify.app.summarise_storm import summarise_storm
from services.notify.sender import SmsSender
from services.notify.settings import policy, templates
from services.notify.wire import notice_of

log = get_logger(__name__)


class Service:
    """通知: one SMS per cause and person."""

    name = "notify"
    db = DatabaseProvider()
    outbox = OutboxRelay()
    registry = RpcClient("registry")
    sender = SmsSender()

    @on_event(registry_pb2.RecordsChanged)
    def records_changed(self, session: Session, event: registry_pb2.RecordsChanged) -> None:
        """Keep the copy of who can be told."""
        apply_people(session, event.records)

    @on_event(NoticeRequested)
    def notice_requested(self, session: Session, event: NoticeRequested) -> None:
        """Write one sending a person."""
        notice = notice_of(event)
        request_notice(session, notice, templates=templates(), policy=policy(), now=utc_now())

    @on_due(STORM)
    def storm_over(self, session: Session, row: DueRow) -> None:
        """Send the summary of what a storm kept back."""
        sending_id = int(str(row.payload["sending_id"]))
        summarise_storm(session, sending_id, templates=templates(), policy=policy(), now=utc_now())

    @timer(interval=60, eager=True)  # type: ignore[untyped-decorator]
    def fill_people(self) -> None:
        """Ask the registry for everybody while nobody is known: a new database."""
        with self.db.transaction() as session:
            if not is_empty(session):
                return
        try:
            records = self._snapshot()
        except Unavailable as error:
            log.info("registry_away", error=str(error))
            return
        with self.db.transaction() as session:
            apply_people(session, records)

    def _snapshot(self) -> list[Any]:
        kinds = (
            registry_pb2.RECORD_KIND_CONTACT,
            registry_pb2.RECORD_KIND_OFFICER,
            registry_pb2.RECORD_KIND_DUTY,
        )
        records: list[Any] = []
        while True:
            after = max((record.revision for record in records), default=0)
            request = registry_pb2.SnapshotRequest(kinds=kinds, after_revision=after)
            page = self.registry.call(
                "snapshot", request, registry_pb2.SnapshotResponse, timeout_s=FILL_TIMEOUT_S
            )
            if not page.records:
                return records
            records.extend(page.records)

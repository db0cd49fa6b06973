"""The registry on the bus: its outbox relay, and the copy other services start from."""

from sqlalchemy.orm import Session

from services.chassis.bus.entrypoints import on_event
from services.chassis.pb.ingest.v1.logger_pb2 import LoggerSettingsChanged
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.providers import DatabaseProvider, OutboxRelay
from services.chassis.rpc import rpc
from services.registry import store, wire
from services.registry.app.change_records import Origin
from services.registry.app.learn_settings import learn_settings

_PAGE = 500


class Service:
    """档案服务 on nameko."""

    name = "registry"
    db = DatabaseProvider()
    outbox = OutboxRelay()

    @on_event(LoggerSettingsChanged)
    def logger_settings_changed(self, session: Session, event: LoggerSettingsChanged) -> None:
        """A logger took over another password or cadence."""
        learn_settings(
            session,
            event.mn,
            Origin(f"command:{event.command_id}", "callback"),
            password=event.password,
            realtime_interval_s=event.realtime_interval_s,
            minute_interval_min=event.minute_interval_min,
        )

    @rpc(pb.SnapshotRequest)
    def snapshot(self, request: pb.SnapshotRequest) -> pb.SnapshotResponse:
        """Give up to 500 records above a revision, oldest first; empty when there are no more."""
        with self.db.transaction() as session:
            rows = store.changed_after(session, request.after_revision, request.kinds, _PAGE)
            return pb.SnapshotResponse(records=[wire.record_of(row, secrets=True) for row in rows])

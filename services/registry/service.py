"""The registry on the bus: its outbox relay, and the copy other services start from."""

from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.providers import DatabaseProvider, OutboxRelay
from services.chassis.rpc import rpc
from services.registry import store, wire

_PAGE = 500


class Service:
    """档案服务 on nameko."""

    name = "registry"
    db = DatabaseProvider()
    outbox = OutboxRelay()

    @rpc(pb.SnapshotRequest)
    def snapshot(self, request: pb.SnapshotRequest) -> pb.SnapshotResponse:
        """Give up to 500 records above a revision, oldest first; empty when there are no more."""
        with self.db.transaction() as session:
            rows = store.changed_after(session, request.after_revision, request.kinds, _PAGE)
            return pb.SnapshotResponse(records=[wire.record_of(row, secrets=True) for row in rows])

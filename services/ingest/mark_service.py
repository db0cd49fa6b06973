"""The part of the ingest service that freezes days and gives marks to who has none."""

from typing import Any

from nameko.timer import timer

from services.chassis.clock import utc_now
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.chassis.rpc import rpc
from services.ingest import mark_store as store
from services.ingest import mark_wire as wire
from services.ingest.app.freeze_days import freeze_days
from services.ingest.rules import mark_terms

log = get_logger(__name__)

FREEZE_EVERY_S = 5
PAGE, LONGEST_PAGE = 500, 1000


class MarkEntrypoints:
    """标记: mixed into the service class."""

    db: Any

    @timer(interval=FREEZE_EVERY_S, eager=True)  # type: ignore[untyped-decorator] # nameko has no types
    def freeze(self) -> None:
        """Freeze what is due, and at the start what was missed."""
        with self.db.transaction() as session:
            for day in freeze_days(session, mark_terms(), utc_now()):
                log.info("day_frozen", day=day.isoformat())

    @rpc(pb.MarkSnapshotRequest)
    def marks(self, request: pb.MarkSnapshotRequest) -> pb.MarkSnapshotResponse:
        """All revisions with their decisions, page by page, and the newest frozen day."""
        size = min(request.limit or PAGE, LONGEST_PAGE)
        after = wire.place_cursor(request.after) if request.after else None
        with self.db.transaction() as session:
            found = store.snapshot(session, after, size + 1)
            frozen = store.last_frozen(session)
            return pb.MarkSnapshotResponse(
                records=map(wire.record_message, found[:size]),
                next=wire.place_token(found[size - 1]) if len(found) > size else "",
                frozen_day=frozen.isoformat() if frozen else "",
            )

"""The part of the ingest service that keeps things from outside."""

from sqlalchemy.orm import Session

from services.chassis.bus.entrypoints import on_event
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.ingest.app.keep_outside import keep_outside

log = get_logger(__name__)


class OutsideEntrypoints:
    """外部线索 from the bus."""

    @on_event(pb.OutsideBatch)
    def outside_batch(self, session: Session, event: pb.OutsideBatch) -> None:
        """Keep the items of one pushed request."""
        kept = keep_outside(session, event)
        log.info(
            "outside_kept",
            batch_id=event.batch_id,
            new=kept.new,
            duplicate=kept.duplicate,
            deviating=kept.deviating,
        )

"""The part of the detect service that judges electricity."""

from typing import Any

from nameko.extensions import DependencyProvider
from nameko.timer import timer
from sqlalchemy.orm import Session

from services.chassis.bus.entrypoints import on_event
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import outside_pb2
from services.detect.app.judge_power import judge_next_plant
from services.detect.app.knowledge import Knowledge
from services.detect.app.power_desk import PowerDesk
from services.detect.app.take_electricity import take_electricity
from services.detect.app.take_outside import take_outside

log = get_logger(__name__)

JUDGE_EVERY_S = 2
#: Plants judged in one turn: the timer comes again at once, and other work gets its turn between.
BURST = 50


class PowerDeskProvider(DependencyProvider):  # type: ignore[misc]
    """nameko dependency `power`: one desk a process."""

    def setup(self) -> None:
        """Start with nothing remembered."""
        self.desk = PowerDesk(Knowledge())

    def get_dependency(self, worker_ctx: Any) -> PowerDesk:
        """Give the desk."""
        del worker_ctx
        return self.desk


class PowerEntrypoints:
    """用电监控 from the bus, judged within seconds.

    Readings that arrive together are judged once: a plant that loads its history is not judged for
    each part of it.
    """

    power = PowerDeskProvider()

    @on_event(outside_pb2.OutsideBatch)
    def outside_batch(self, session: Session, event: outside_pb2.OutsideBatch) -> None:
        """Keep the meter readings and outside records of one pushed request."""
        take_outside(session, event)
        changed = take_electricity(session, event)
        if changed:
            log.info("electricity_kept", batch_id=event.batch_id, days=changed)

    @timer(interval=JUDGE_EVERY_S)  # type: ignore[untyped-decorator] # nameko has no types
    def judge_power(self) -> None:
        """Judge plants whose electricity changed."""
        plants, changed = 0, 0
        while plants < BURST:
            found = judge_next_plant(self.db, self.power)  # type: ignore[attr-defined]
            if found is None:
                break
            plants, changed = plants + 1, changed + found
        if changed:
            log.info("power_judged", plants=plants, findings=changed)

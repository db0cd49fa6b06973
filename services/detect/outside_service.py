"""The part of the detect service that looks at what came from outside."""

from typing import Any

from nameko.extensions import DependencyProvider
from nameko.timer import timer

from services.chassis.log import get_logger
from services.detect.app.judge_outside import judge_next_city
from services.detect.app.outside_desk import OutsideDesk

log = get_logger(__name__)

LOOK_EVERY_S = 3
#: Cities looked at in one turn: other work gets its turn between.
BURST = 5


class OutsideDeskProvider(DependencyProvider):  # type: ignore[misc]
    """nameko dependency `outside`: one desk a process."""

    def setup(self) -> None:
        """Start with nothing remembered."""
        self.desk = OutsideDesk()

    def get_dependency(self, worker_ctx: Any) -> OutsideDesk:
        """Give the desk."""
        del worker_ctx
        return self.desk


class OutsideEntrypoints:
    """外部线索: a city is looked at seconds after its records came, and each ten minutes."""

    outside = OutsideDeskProvider()

    @timer(interval=LOOK_EVERY_S)  # type: ignore[untyped-decorator] # nameko has no types
    def judge_outside(self) -> None:
        """Look at cities that are due."""
        for _ in range(BURST):
            changed = judge_next_city(self.db, self.outside)  # type: ignore[attr-defined]
            if changed is None:
                return
            if changed:
                log.info("outside_judged", clues=changed)

"""磁盘守卫: watches free space, and holds batches back while there is too little.

A batch that cannot be kept is not acknowledged: it waits here in its place, and its partition with
it. The gate hears of it through Redis and stops reading, so that loggers keep what they have. Work
goes on by itself as soon as there is room.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from services.chassis.errors import StorageFull
from services.chassis.log import get_logger
from services.ingest import metrics

log = get_logger(__name__)

MB = 1_000_000
#: Room above the stop that ends a stop, as a share of it: so that it does not flutter.
MARGIN = 0.1
#: Longest wait in one go, seconds. Then the batch goes through the waiting room (uncounted), well
#: before RabbitMQ takes it back from a consumer that does not answer (30 minutes).
HOLD_S = 300
LOOK_S = 1.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Limits:
    """Free bytes under which to warn, and to stop."""

    warn: int
    stop: int


class DiskGuard:
    """What is known of the volumes; `free` tells a folder's free bytes."""

    def __init__(
        self,
        volumes: Mapping[str, Path],
        limits: Limits,
        free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self._volumes = dict(volumes)
        self._limits = limits
        self._free = free
        self.stopped = ""  # why, or empty
        self._low: set[str] = set()

    def look(self) -> str:
        """Measure every volume; gives the reason to stop, empty = go on."""
        reasons = []
        for name, path in self._volumes.items():
            path.mkdir(parents=True, exist_ok=True)
            free = self._free(path)
            metrics.DISK_FREE.labels(name).set(free)
            self._warn(name, free)
            needed = self._limits.stop * (1 + MARGIN) if self.stopped else self._limits.stop
            if free < needed:
                reasons.append(f"{name}: {free // MB} MB free of {self._limits.stop // MB} needed")
        self._turn("; ".join(reasons))
        return self.stopped

    def hold(self, work: Callable[[], Result], sleep: Callable[[float], None]) -> Result:
        """Do the work when there is room for it, waiting up to `HOLD_S`.

        Raises StorageFull when there still is none.
        """
        for _ in range(int(HOLD_S / LOOK_S)):
            if not self.stopped:
                try:
                    return work()
                except StorageFull as full:
                    self._turn(str(full))
            sleep(LOOK_S)
        raise StorageFull(self.stopped)

    def _warn(self, name: str, free: int) -> None:
        if free >= self._limits.warn:
            self._low.discard(name)
        elif name not in self._low:
            self._low.add(name)
            log.warning("disk_low", volume=name, free_mb=free // MB)

    def _turn(self, reason: str) -> None:
        if reason and not self.stopped:
            log.error("keeping_stopped", reason=reason)
        elif self.stopped and not reason:
            log.info("keeping_resumed")
        self.stopped = reason
        metrics.STOPPED.set(bool(reason))

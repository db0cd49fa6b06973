"""The gate's copy of the registry: which MN may send, and whose outlet it is.

Records carry a revision that grows over the whole registry, so a snapshot and the events that
arrive meanwhile may be applied in any order and any number of times.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.chassis.pb.registry.v1 import registry_pb2 as pb

KINDS = (pb.RECORD_KIND_LOGGER, pb.RECORD_KIND_OUTLET)


@dataclass(frozen=True, slots=True)
class LoggerEntry:
    """数采仪 as the gate needs it."""

    mn: str
    outlet_id: str
    password: str
    st: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class OutletEntry:
    """排放口 as the gate needs it."""

    outlet_id: str
    division: str
    credit_code: str


class Directory:
    """Loggers by MN and outlets by id."""

    def __init__(self) -> None:
        self.revision = 0  # highest seen; a later snapshot starts after it
        self._revisions: dict[tuple[int, str], int] = {}
        self._loggers: dict[str, LoggerEntry] = {}
        self._outlets: dict[str, OutletEntry] = {}
        self._mn_of: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._loggers)

    def logger(self, mn: str) -> LoggerEntry | None:
        """The logger with this MN, or None."""
        return self._loggers.get(mn)

    def outlet(self, outlet_id: str) -> OutletEntry | None:
        """The outlet, or None."""
        return self._outlets.get(outlet_id)

    def mn_of(self, outlet_id: str) -> str:
        """The MN that pushed readings of an outlet are stored under."""
        return self._mn_of.get(outlet_id, f"push:{outlet_id}")

    def apply(self, records: Iterable[pb.Record]) -> int:
        """Take over newer records; gives how many changed something here."""
        return sum(self._apply(record) for record in records)

    def _apply(self, record: pb.Record) -> bool:
        self.revision = max(self.revision, record.revision)
        if record.kind not in KINDS:
            return False
        place = (record.kind, record.key)
        if record.revision <= self._revisions.get(place, -1):
            return False
        self._revisions[place] = record.revision
        if record.kind == pb.RECORD_KIND_LOGGER:
            self._apply_logger(record)
        else:
            self._apply_outlet(record)
        return True

    def _apply_logger(self, record: pb.Record) -> None:
        before = self._loggers.pop(record.key, None)
        if before is not None and self._mn_of.get(before.outlet_id) == record.key:
            del self._mn_of[before.outlet_id]
        if record.deleted:
            return
        logger = record.logger
        self._loggers[record.key] = LoggerEntry(
            logger.mn, logger.outlet_id, logger.password, logger.st, logger.enabled
        )
        self._mn_of[logger.outlet_id] = logger.mn

    def _apply_outlet(self, record: pb.Record) -> None:
        if record.deleted:
            self._outlets.pop(record.key, None)
            return
        outlet = record.outlet
        self._outlets[record.key] = OutletEntry(
            outlet.outlet_id, outlet.division, outlet.credit_code
        )

"""What is remembered of a logger beyond its connections: clock, second sender, device.

One `LoggerWatch` an MN, made when the logger first proves itself; there are no more of them than
loggers in the registry.
"""

from dataclasses import dataclass
from datetime import datetime

from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.ingest.v1 import logger_pb2
from services.ingest.gate.anomalies import Anomalies
from services.ingest.gate.clock import ClockWatch
from services.ingest.gate.connections import Connections, Link
from services.ingest.gate.directory import LoggerEntry

DEVICES = 64  # serial numbers remembered of one logger
SWITCHES = 3  # from one sender to the other and back and again: no reconnect looks like that


@dataclass(slots=True)
class LoggerWatch:
    """One logger."""

    clock: ClockWatch
    switches: int = 0  # between two hosts, one after the other, within the window
    switched_at: float = 0.0  # seconds of the loop's clock
    contested_at: float = 0.0  # when another gate was seen to hold the route; 0 = it is not
    serials: dict[str, str] | None = None  # field of a frame -> device id as known


class Watch:
    """Compares what frames say with what is known and tells what does not fit."""

    def __init__(
        self, anomalies: Anomalies, connections: Connections, *, drift_s: float, second_s: float
    ) -> None:
        self._anomalies = anomalies
        self._connections = connections
        self._drift_s = drift_s
        self._second_s = second_s
        self._loggers: dict[str, LoggerWatch] = {}

    def of(self, mn: str) -> LoggerWatch:
        """What is remembered of a logger."""
        watch = self._loggers.get(mn)
        if watch is None:
            watch = self._loggers[mn] = LoggerWatch(ClockWatch(self._drift_s))
        return watch

    def clock(self, entry: LoggerEntry, offset_s: float, frame: pb.Frame) -> None:
        """A frame sent in its turn carries a number that lies `offset_s` ahead of its arrival."""
        change = self.of(entry.mn).clock.see(offset_s, frame.received_at_us / 1e6)
        if change is None:
            return
        jump, drift = logger_pb2.ANOMALY_KIND_CLOCK_JUMP, logger_pb2.ANOMALY_KIND_CLOCK_DRIFT
        self._anomalies.tell(
            entry,
            jump if change.jump else drift,
            frame,
            before="" if change.before is None else f"{change.before:.0f}",
            after=f"{change.after:.0f}",
            offset_s=change.after,
        )

    def switched(self, link: Link, other: Link, frame: pb.Frame) -> None:
        """`link` sent after `other` did, and had sent before: once is a late frame, thrice is two.

        Two connections of one address are one device (real-time on one, history on the other), or
        one whose old connection is still half open.
        """
        watch, entry = self.of(link.mn), link.entry
        if entry is None or link.wire.host == other.wire.host:
            return
        if link.last_at - watch.switched_at > self._second_s:
            watch.switches = 0
        watch.switches += 1
        watch.switched_at = link.last_at
        if watch.switches >= SWITCHES:
            first, second = sorted((link.wire.host, other.wire.host))
            self._anomalies.once(
                entry, logger_pb2.ANOMALY_KIND_SECOND_LOGGER, frame, before=first, after=second
            )

    def elsewhere(self, mn: str, now_s: float, at: datetime) -> bool:
        """Another gate holds the route of a logger that is here; gives whether to take it back.

        The logger may have moved. It sends at both gates when it sent here since this was seen.
        `now_s` is the loop's clock.
        """
        watch, link = self.of(mn), self._connections.by_mn(mn)
        entry = link.entry if link is not None else None
        if link is None or entry is None:
            return False
        if not watch.contested_at or link.last_at <= watch.contested_at:
            watch.contested_at = now_s
            return False
        watch.contested_at = 0.0
        self._anomalies.once(
            entry,
            logger_pb2.ANOMALY_KIND_SECOND_LOGGER,
            pb.Frame(peer=link.peer, received_at_us=int(at.timestamp() * 1e6)),
            before=link.wire.host,
            after="another gate",
        )
        return True

    def device(self, entry: LoggerEntry, serials: dict[str, str], frame: pb.Frame) -> None:
        """Device ids that a frame states: i23005 against the registry, others against the last.

        Without a registered id the first one seen counts; it is forgotten when the gate restarts.
        """
        watch = self.of(entry.mn)
        if watch.serials is None:
            watch.serials = {}
        known = watch.serials
        for name, serial in serials.items():
            before = known.get(name, "")
            if name == HARDWARE and entry.hardware_id:
                before = entry.hardware_id
            if before and before != serial:
                self._anomalies.once(
                    entry,
                    logger_pb2.ANOMALY_KIND_HARDWARE_CHANGED,
                    frame,
                    before=f"{name}={before}",
                    after=f"{name}={serial}",
                )
            if before or len(known) < DEVICES:
                known[name] = serial


HARDWARE = "i23005-Info"
_DEVICE_FIELDS = ("i23005-Info", "i23006-Info", "i23007-Info", "i23008-Info")


def serials_in(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Device ids among a frame's fields: i23005 to i23008 of 1001 and 3020, xxx-SN of 3019."""
    return {
        name[:32]: value[:64]
        for name, value in pairs
        if value and (name in _DEVICE_FIELDS or name.endswith("-SN"))
    }

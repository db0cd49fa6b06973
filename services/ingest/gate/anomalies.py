"""Irregularities of a logger (falsification.csv D28, D30), told once a cause."""

from collections import OrderedDict
from typing import TypeAlias

from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import ingest_pb2, logger_pb2
from services.ingest.gate import metrics
from services.ingest.gate.directory import LoggerEntry
from services.ingest.gate.events import EventSender

log = get_logger(__name__)

Kind: TypeAlias = "logger_pb2.AnomalyKind.ValueType"  # a name of the stubs, not of the module
REMEMBERED = 50_000  # causes; the oldest is told again when it comes back
_PREFIX = len("ANOMALY_KIND_")


class Anomalies:
    """Tells `LoggerAnomaly`; a cause again only after it was away for `again_s` seconds."""

    def __init__(self, events: EventSender, *, gate_id: str, again_s: float) -> None:
        self._events = events
        self._gate_id = gate_id
        self._again_s = again_s
        self._seen: OrderedDict[tuple[str, int, str], float] = OrderedDict()

    def once(
        self, entry: LoggerEntry, kind: Kind, frame: ingest_pb2.Frame, *, before: str, after: str
    ) -> None:
        """Send the event unless `after` was this logger's irregularity not long ago."""
        key = (entry.mn, int(kind), after)
        at_s = frame.received_at_us / 1e6
        seen_s = self._seen.get(key)
        self._seen[key] = at_s
        self._seen.move_to_end(key)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        if seen_s is None or at_s - seen_s > self._again_s:
            self.tell(entry, kind, frame, before=before, after=after)

    def tell(
        self,
        entry: LoggerEntry,
        kind: Kind,
        frame: ingest_pb2.Frame,
        *,
        before: str,
        after: str,
        offset_s: float = 0.0,
    ) -> None:
        """Send the event; time, peer and correlation id are those of the frame that shows it."""
        word = logger_pb2.AnomalyKind.Name(kind)[_PREFIX:].lower()
        metrics.ANOMALIES.labels(word).inc()
        log.warning(
            "logger_anomaly", mn=entry.mn, kind=word, before=before, after=after, peer=frame.peer
        )
        event = logger_pb2.LoggerAnomaly(
            mn=entry.mn,
            outlet_id=entry.outlet_id,
            kind=kind,
            before=before,
            after=after,
            offset_s=offset_s,
            peer=frame.peer,
            gate_id=self._gate_id,
            correlation_id=frame.correlation_id,
        )
        event.at.FromMicroseconds(frame.received_at_us)
        self._events.put(event)

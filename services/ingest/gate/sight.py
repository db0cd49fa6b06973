"""What a frame shows of its logger beside its data: version, repairs, clock, device, peer."""

from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.ingest.v1 import logger_pb2
from services.ingest.gate import metrics
from services.ingest.gate.anomalies import Anomalies
from services.ingest.gate.clock import number_time
from services.ingest.gate.connections import Link, Wire
from services.ingest.gate.directory import LoggerEntry
from services.ingest.gate.replies import HEARTBEAT
from services.ingest.gate.watch import Watch, serials_in
from services.ingest.hj212.session import Received
from services.ingest.hj212.version import Version

_YEARS: dict[Version | None, str] = {None: ""} | {year: str(int(year)) for year in Version}
_SHOWS_DEVICE = frozenset({"1001", "3019", "3020"})


class Sight:
    """Looks at every frame of a known logger."""

    def __init__(self, watch: Watch, anomalies: Anomalies) -> None:
        self._watch = watch
        self._anomalies = anomalies

    def refused(self, entry: LoggerEntry, received: Received, frame: pb.Frame, wire: Wire) -> None:
        """A frame in a known logger's name was refused: another sent it, or its clock is off."""
        match frame.reason:
            case "future_time":
                self._clock(entry, received, frame)
                return
            case "wrong_address":
                kind = logger_pb2.ANOMALY_KIND_ADDRESS_REFUSED
                before, after = ", ".join(str(each) for each in entry.networks), wire.host
            case "wrong_certificate":
                kind = logger_pb2.ANOMALY_KIND_CERTIFICATE_REFUSED
                before, after = entry.certificate, wire.certificate or f"none, from {wire.host}"
            case "wrong_password":
                kind = logger_pb2.ANOMALY_KIND_PASSWORD_REFUSED
                before, after = "", wire.host
            case _:
                return
        self._anomalies.once(entry, kind, frame, before=before, after=after)

    def admitted(
        self,
        link: Link,
        entry: LoggerEntry,
        other: Link | None,
        received: Received,
        frame: pb.Frame,
    ) -> None:
        """A frame came in; `other` is the link that sent last, if that was not this one."""
        metrics.VERSIONS.counts[_YEARS[received.version],] += 1
        for repair in received.repairs:
            metrics.REPAIRS.labels(repair).inc()
        if other is not None:
            self._watch.switched(link, other, frame)
        if received.cn == HEARTBEAT:
            link.beat()
        elif received.cn in _SHOWS_DEVICE and received.segment is not None:
            self._watch.device(entry, serials_in(received.segment.pairs()), frame)
        if frame.origin == pb.ORIGIN_LIVE:
            self._clock(entry, received, frame)

    def _clock(self, entry: LoggerEntry, received: Received, frame: pb.Frame) -> None:
        """Compare the frame's own time with its arrival; a 2011 without QN has its DataTime."""
        sent = number_time(received.qn)
        if sent is None and received.cn == "2011" and frame.data_time_s:
            sent = frame.data_time_s
        if sent is not None:
            self._watch.clock(entry, sent - frame.received_at_us / 1e6, frame)

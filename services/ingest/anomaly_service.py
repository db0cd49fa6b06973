"""The part of the ingest service that keeps irregularities of loggers."""

from sqlalchemy.orm import Session

from services.chassis.bus.entrypoints import on_event
from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import logger_pb2 as pb
from services.chassis.providers import DatabaseProvider
from services.chassis.rpc import rpc
from services.ingest.anomaly_store import add_anomaly
from services.ingest.app.list_anomalies import KINDS, list_anomalies


class AnomalyEntrypoints:
    """设备身份与时钟异常 from the bus, and for other services."""

    db: DatabaseProvider

    @on_event(pb.LoggerAnomaly)
    def logger_anomaly(self, session: Session, event: pb.LoggerAnomaly) -> None:
        """Keep it. Raises InputRejected for one without logger or kind."""
        if not event.mn or event.kind not in KINDS:
            raise InputRejected("an irregularity without logger or kind")
        add_anomaly(session, event)

    @rpc(pb.ListLoggerAnomaliesRequest)
    def logger_anomalies(
        self, request: pb.ListLoggerAnomaliesRequest
    ) -> pb.ListLoggerAnomaliesResponse:
        """Irregularities for another service (detect, referral's evidence)."""
        with self.db.transaction() as session:
            return list_anomalies(session, request, None)

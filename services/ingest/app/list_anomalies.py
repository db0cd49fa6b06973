"""设备身份与时钟异常: what the gates saw of loggers, to whom it is anybody's business."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from services.chassis.clock import from_timestamp
from services.chassis.errors import InputRejected, NotFound
from services.chassis.identity import Actor, Role, scope_of
from services.chassis.pb.ingest.v1 import logger_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import records_of
from services.ingest.anomaly_store import AnomalyQuery, anomalies, message_of

ACTION = "readings.read"
PAGE, PAGE_LIMIT = 100, 500
KINDS = frozenset(map(int, pb.AnomalyKind.values())) - {int(pb.ANOMALY_KIND_UNSPECIFIED)}
#: What a plant must put right itself. The rest is a clue (D28, D30), and who is warned hides it.
TOLD_TO_ENTERPRISES = frozenset(
    map(
        int,
        (
            pb.ANOMALY_KIND_ADDRESS_REFUSED,
            pb.ANOMALY_KIND_CERTIFICATE_REFUSED,
            pb.ANOMALY_KIND_PASSWORD_REFUSED,
            pb.ANOMALY_KIND_CLOCK_DRIFT,
        ),
    )
)


def list_anomalies(
    session: Session, request: pb.ListLoggerAnomaliesRequest, actor: Actor | None
) -> pb.ListLoggerAnomaliesResponse:
    """A page, newest first; `actor` None = another service, which sees everything.

    Raises InputRejected for an unknown kind, page size or token, NotFound for an outlet that does
    not lie in the caller's jurisdiction.
    """
    if not set(request.kinds) <= KINDS:
        raise InputRejected("kinds: unspecified or unknown", field="kinds")
    if request.page_size > PAGE_LIMIT:
        raise InputRejected(f"page_size: at most {PAGE_LIMIT}", field="page_size")
    token = request.page_token
    if token and not (token.isascii() and token.isdigit() and len(token) < 19):
        raise InputRejected("page_token: not of a page before", field="page_token")
    told = TOLD_TO_ENTERPRISES if actor and actor.role == Role.ENTERPRISE else KINDS
    query = AnomalyQuery(
        kinds=told.intersection(request.kinds) if request.kinds else told,
        outlets=_outlets(session, request.outlet_id, actor),
        mn=request.mn,
        start=from_timestamp(request.start) if request.HasField("start") else None,
        end=from_timestamp(request.end) if request.HasField("end") else None,
        before_id=int(token) if token else None,
    )
    size = request.page_size or PAGE
    rows = anomalies(session, query, size + 1)
    more = len(rows) > size
    return pb.ListLoggerAnomaliesResponse(
        anomalies=[message_of(row) for row in rows[:size]],
        next_page_token=str(rows[size - 1].id) if more else "",
    )


def _outlets(session: Session, outlet_id: str, actor: Actor | None) -> Collection[str] | None:
    """The outlets to look at; None = all there are."""
    if actor is None:
        return [outlet_id] if outlet_id else None
    scope = scope_of(actor, ACTION)
    visible = {
        record.key
        for record in records_of(session, registry_pb2.RECORD_KIND_OUTLET)
        if scope.has(record.outlet.division, record.outlet.credit_code)
    }
    if not outlet_id:
        return visible
    if outlet_id not in visible:
        raise NotFound("no such thing in your jurisdiction")
    return [outlet_id]

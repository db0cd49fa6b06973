"""Answers that the door and the RPC of other services share; knows neither grpcio nor nameko."""

from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.identity import Scope
from services.chassis.pb.ingest.v1 import transmission_pb2 as pb
from services.ingest import transmission_wire as wire
from services.ingest.app.list_rates import asked_for, list_rates
from services.ingest.rules import completeness_rules


def answer_rates(
    session: Session, request: pb.ListRatesRequest, scope: Scope, now: datetime
) -> pb.ListRatesResponse:
    """Rates inside a scope. Raises InputRejected for a request that cannot be read."""
    asked = asked_for(
        request.day,
        request.month,
        scope,
        kind=request.kind,
        credit_code=request.credit_code,
        days=request.days,
    )
    level = wire.level_of(request.level)
    rows, total = list_rates(session, asked, level, completeness_rules(), now)
    answer = pb.ListRatesResponse(
        rates=[wire.rate_message(one.row, provisional=one.provisional) for one in rows]
    )
    if total is not None:
        answer.total.CopyFrom(wire.rate_message(total.row, provisional=total.provisional))
    return answer

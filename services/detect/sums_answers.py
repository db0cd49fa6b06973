"""Answers of `ListDaySums`: what is asked, summed and told."""

from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected
from services.chassis.identity import Scope
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.detect.app.list_sums import Sum, list_sums, span_of
from services.detect.sums_store import Asked
from services.detect.sums_wire import sum_message

_LEVELS = {
    pb.SUM_LEVEL_OUTLET: "outlet",
    pb.SUM_LEVEL_ENTERPRISE: "enterprise",
    pb.SUM_LEVEL_COUNTY: "county",
    pb.SUM_LEVEL_CITY: "city",
    pb.SUM_LEVEL_PROVINCE: "province",
    pb.SUM_LEVEL_OPERATOR: "operator",
}


def day_sums(
    session: Session, request: pb.ListDaySumsRequest, scope: Scope
) -> pb.ListDaySumsResponse:
    """日汇总 inside a scope. Raises InputRejected: no level, no period, or too many rows."""
    if request.level not in _LEVELS:
        raise InputRejected("a level is needed")
    first, end = span_of(request.day, request.month)
    asked = Asked(first, end, scope, request.credit_code, request.by_factor)
    rows, total = list_sums(session, asked, _LEVELS[request.level])
    period = request.day or request.month
    answer = pb.ListDaySumsResponse(sums=(sum_message(row, period) for row in rows))
    if total is not None:
        answer.total.CopyFrom(sum_message(Sum(total, None), period))
    return answer

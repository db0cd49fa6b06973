"""日研判之门: the gRPC door JudgementService, hosted with detect's."""

import datetime as dt
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import grpc
import grpc.aio
from sqlalchemy.orm import Session

from services.chassis.clock import to_timestamp
from services.chassis.db import Database
from services.chassis.errors import InputRejected, NotFound
from services.chassis.grpc_host import (
    actor_of,
    bearer,
    client_channel,
    door_address,
    error_from,
    token_in,
)
from services.chassis.identity import Actor, require_visible, scope_of
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.chassis.pb.detect.v1 import judgement_pb2_grpc
from services.chassis.pb.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from services.chassis.pb.registry.v1 import registry_pb2, registry_pb2_grpc
from services.chassis.replica import record_of
from services.chassis.settings import ChassisSettings
from services.detect import judgement_store as store
from services.detect import judgement_wire as wire
from services.detect.app.compare_days import differences
from services.detect.app.recompute import Source, recompute_now, recompute_then
from services.detect.packs import store as pack_store
from services.detect.sums_answers import day_sums

SERVICE = "farsight.detect.v1.JudgementService"
ACTION = "judgements.read"
#: Days of one list.
MOST_DAYS = 62
_DEADLINE_S = 20.0
_PAGE = 500


class Neighbours:
    """The doors of ingest and registry: asked as the caller, who then sees no more than there."""

    def __init__(self, grpc_addr: str) -> None:
        self._readings = ingest_pb2_grpc.HistoryServiceStub(
            client_channel(door_address(grpc_addr, "ingest"))
        )
        self._registry = registry_pb2_grpc.RegistryServiceStub(
            client_channel(door_address(grpc_addr, "registry"))
        )

    def source(self, token: str) -> Source:
        """What a recomputation asks, with a caller's token."""
        metadata = bearer(token)

        def history(
            outlet_id: str, kind: ingest_pb2.ReadingKind.ValueType, start: datetime, end: datetime
        ) -> ingest_pb2.GetReadingsResponse:
            request = ingest_pb2.GetReadingsRequest(
                outlet_id=outlet_id, kind=kind, start=to_timestamp(start), end=to_timestamp(end)
            )
            answer: ingest_pb2.GetReadingsResponse = _call(
                self._readings.GetReadings, request, metadata
            )
            return answer

        def limits_of(credit_code: str) -> Iterator[registry_pb2.Record]:
            place = ""
            while True:
                request = registry_pb2.ListRecordsRequest(
                    kind=registry_pb2.RECORD_KIND_LIMIT, credit_code=credit_code,
                    page_size=_PAGE, page_token=place,
                )  # fmt: skip
                page = _call(self._registry.ListRecords, request, metadata)
                yield from page.records
                place = page.next_page_token
                if not place:
                    return

        return Source(history, limits_of)


def _call(method: Any, request: Any, metadata: list[tuple[str, str]]) -> Any:
    """Call another door. Raises the platform's own errors."""
    try:
        return method(request, timeout=_DEADLINE_S, metadata=metadata)
    except grpc.RpcError as error:
        raise error_from(error) from error


class JudgementServicer(judgement_pb2_grpc.JudgementServiceServicer):
    """Day judgements of the caller's part of the world; an enterprise sees its own."""

    def __init__(self, database: Database, neighbours: Neighbours) -> None:
        self._database = database
        self._neighbours = neighbours

    def GetDayJudgement(  # noqa: N802 - gRPC's name
        self, request: pb.GetDayJudgementRequest, context: Any
    ) -> pb.GetDayJudgementResponse:
        """One day as stored, or computed again. What the caller may not see does not exist."""
        day = _day(request.day)
        source = self._neighbours.source(token_in(context.invocation_metadata()))
        with self._database.transaction() as session:
            _visible(session, actor_of(context), request.outlet_id)
            rows = store.revisions_of(session, request.outlet_id, day)
            revisions = [wire.day_of_row(row) for row in rows]
            stored = _asked(revisions, request.revision)
            answer = pb.GetDayJudgementResponse(revisions=map(_head, revisions))
            made = _made(session, request, stored, source)
            answer.judgement.CopyFrom(made)
            if stored is not None:
                names = pack_store.timeline(session).book
                answer.same = wire.content_of(made) == wire.content_of(stored)
                answer.differences.extend(
                    differences(stored, made, lambda code: names.factor(code).name_zh)
                )
                if not answer.same and not answer.differences:
                    answer.differences.append("输入摘要不同，结论相同")
        return answer

    def ListDayJudgements(  # noqa: N802 - gRPC's name
        self, request: pb.ListDayJudgementsRequest, context: Any
    ) -> pb.ListDayJudgementsResponse:
        """The newest revision of each judged day of an outlet."""
        first, last = _day(request.from_day), _day(request.to_day)
        if not 0 <= (last - first).days < MOST_DAYS:
            raise InputRejected(f"from_day must be before to_day, at most {MOST_DAYS} days")
        with self._database.transaction() as session:
            _visible(session, actor_of(context), request.outlet_id)
            rows = store.days_of(session, request.outlet_id, first, last)
        return pb.ListDayJudgementsResponse(days=map(wire.day_of_row, rows))

    def ListDaySums(  # noqa: N802 - gRPC's name
        self, request: pb.ListDaySumsRequest, context: Any
    ) -> pb.ListDaySumsResponse:
        """有效率 and 排放量 of the caller's part of the world, or of a division inside it."""
        scope = scope_of(actor_of(context), ACTION, request.division)
        with self._database.transaction() as session:
            return day_sums(session, request, scope)

    def ListPools(  # noqa: N802 - gRPC's name
        self, request: pb.ListPoolsRequest, context: Any
    ) -> pb.ListPoolsResponse:
        """豁免时段 used and left at the end of each outlet's newest judged day of the year."""
        actor = actor_of(context)
        if bool(request.outlet_id) == bool(request.credit_code):
            raise InputRejected("one of outlet_id and credit_code is needed")
        first, last = _year(request.year)
        with self._database.transaction() as session:
            if request.outlet_id:
                code = _visible(session, actor, request.outlet_id)
                found = store.last_day_of_plant(session, code, first, last)
                rows = [row for row in found if row.outlet_id == request.outlet_id]
            else:
                scope = scope_of(actor, ACTION)
                found = store.last_day_of_plant(session, request.credit_code, first, last)
                rows = [row for row in found if scope.has(row.division, row.credit_code)]
        days = (wire.day_of_row(row) for row in rows)
        outlets = [
            pb.OutletPools(outlet_id=day.outlet_id, pools=day.pools) for day in days if day.pools
        ]
        return pb.ListPoolsResponse(outlets=outlets)


def register(server: grpc.aio.Server, settings: ChassisSettings, database: Database) -> None:
    """Add the door to a host."""
    servicer = JudgementServicer(database, Neighbours(settings.grpc_addr))
    judgement_pb2_grpc.add_JudgementServiceServicer_to_server(servicer, server)


def _made(
    session: Session,
    request: pb.GetDayJudgementRequest,
    stored: pb.DayJudgement | None,
    source: Source,
) -> pb.DayJudgement:
    """The judgement that was asked for."""
    if request.recompute == pb.RECOMPUTE_AS_KNOWN_THEN:
        if stored is None:
            raise NotFound("this day has no such revision: it cannot be computed as known then")
        return recompute_then(session, stored, source)
    if request.recompute == pb.RECOMPUTE_AS_KNOWN_NOW or stored is None:
        return recompute_now(session, request.outlet_id, _day(request.day), source)
    return stored


def _asked(revisions: list[pb.DayJudgement], number: int) -> pb.DayJudgement | None:
    """The asked revision, 0 = the newest; None where nothing is stored. Raises NotFound."""
    if number == 0:
        return revisions[-1] if revisions else None
    found = next((one for one in revisions if one.revision == number), None)
    if found is None:
        raise NotFound("this day has no such revision")
    return found


def _head(judgement: pb.DayJudgement) -> pb.DayJudgement:
    """A revision without its factors."""
    head = pb.DayJudgement()
    head.CopyFrom(judgement)
    for name in ("factors", "furnace", "known_marks", "known_checks"):
        head.ClearField(name)
    return head


def _visible(session: Session, actor: Actor, outlet_id: str) -> str:
    """Demand that the outlet is the caller's to see; gives its credit code. Raises NotFound."""
    record = record_of(session, registry_pb2.RECORD_KIND_OUTLET, outlet_id)
    if record is None:
        raise NotFound("no such thing in your jurisdiction")
    outlet = record.outlet
    require_visible(actor, ACTION, division=outlet.division, enterprise_id=outlet.credit_code)
    return outlet.credit_code


def _day(text: str) -> dt.date:
    """A Beijing day. Raises InputRejected."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise InputRejected(f"not a day: {text!r}; write 2026-11-22") from error


def _year(year: int) -> tuple[dt.date, dt.date]:
    """First and last day of a natural year. Raises InputRejected."""
    if not 2000 <= year <= 9998:
        raise InputRejected("a year is needed, as 2026")
    return dt.date(year, 1, 1), dt.date(year, 12, 31)

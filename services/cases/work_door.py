"""gRPC door `WorkService` 办案管理: the queue as a file, duty, inactivity, outcomes, the record."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.cases import queries, wire, work_wire
from services.cases.app.export_record import export_record
from services.cases.door_views import view_of, wanted_of
from services.cases.queries import View, Wanted
from services.cases.tables import ClockRow, MatterRow
from services.cases.work_duty import list_duty
from services.cases.work_inactivity import report_inactivity
from services.cases.work_outcomes import Period, count_outcomes
from services.cases.work_table import WRITERS, Line, NextClock
from services.chassis.clock import BEIJING, beijing, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import require, scope_of
from services.chassis.pb.cases.v1 import work_pb2 as pb
from services.chassis.pb.cases.v1 import work_pb2_grpc

SERVICE = "farsight.cases.v1.WorkService"
#: Rows read at a time, and bytes sent at a time.
EXPORT_PAGE, CHUNK = 1000, 256 * 1024
LONGEST_DUTY, LONGEST_PERIOD = 31, 1100
ITEMS, MOST_ITEMS = 200, 2000
_FORMATS = {pb.TABLE_FORMAT_CSV: "csv", pb.TABLE_FORMAT_XLSX: "xlsx"}


class WorkServicer(work_pb2_grpc.WorkServiceServicer):
    """Answers for the schema `cases`; every method checks who asks and where."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def ExportQueue(  # noqa: N802
        self, request: pb.ExportQueueRequest, context: Any
    ) -> Iterator[pb.ExportQueueResponse]:
        """The queue as a file: progress while it is written, then its bytes."""
        actor, now = actor_of(context), utc_now()
        require(actor, "work.read")
        ending = _FORMATS.get(request.format)
        if ending is None:
            raise InputRejected("csv or xlsx is needed", field="format")
        view = view_of(actor, request.query.division)
        wanted = wanted_of(actor, request.query, now)
        with tempfile.TemporaryFile() as file:
            rows = total = 0
            for rows, total in self._written(file, ending, view, wanted, now):
                yield pb.ExportQueueResponse(rows=rows, total=total)
            name = f"办理清单-{beijing(now):%Y%m%d-%H%M}.{ending}"
            for chunk in _chunks(file):
                yield pb.ExportQueueResponse(rows=rows, total=total, chunk=chunk, file_name=name)
                name = ""

    def _written(
        self, file: IO[bytes], ending: str, view: View, wanted: Wanted, now: dt.datetime
    ) -> Iterator[tuple[int, int]]:
        """Write every row of one snapshot; gives rows so far and in all after each page."""
        writer = WRITERS[ending](file)
        with self._db.transaction() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            where = [view.condition(), *wanted.conditions(session)]
            done, total = 0, queries.count(session, where)
            yield done, total
            for rows in queries.pages(session, view, wanted, EXPORT_PAGE):
                clocks = _next_clocks(session, rows)
                writer.write([Line(row, clocks.get(row.matter_id), now) for row in rows])
                done += len(rows)
                yield done, total
        writer.finish()

    def ListDuty(self, request: pb.ListDutyRequest, context: Any) -> pb.ListDutyResponse:  # noqa: N802
        """值班表 with what is due."""
        actor, now = actor_of(context), utc_now()
        scope = scope_of(actor, "work.read", request.division)
        today = beijing(now).date()
        first = _day(request.from_day, "from_day") or today
        last = _day(request.to_day, "to_day") or first
        _check_span(first, last, LONGEST_DUTY)
        days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
        with self._db.transaction() as session:
            teams, unmanned = list_duty(session, scope.division_prefix, days, today)
            return work_wire.duty_message(teams, unmanned, now)

    def GetInactivity(  # noqa: N802
        self, request: pb.GetInactivityRequest, context: Any
    ) -> pb.GetInactivityResponse:
        """不作为: what lies, longest first."""
        actor, now = actor_of(context), utc_now()
        scope = scope_of(actor, "inactivity.read", request.division)
        most = min(request.limit or ITEMS, MOST_ITEMS)
        with self._db.transaction() as session:
            report = report_inactivity(
                session, scope.division_prefix, request.officer_id, most, now
            )
            ids = {matter_id for matter_id, _ in report.items}
            query = select(MatterRow).where(MatterRow.matter_id.in_(ids))
            heads = {row.matter_id: row for row in session.scalars(query)}
        return work_wire.inactivity_message(report, heads, now)

    def GetOutcomes(self, request: pb.GetOutcomesRequest, context: Any) -> pb.GetOutcomesResponse:  # noqa: N802
        """办理结果与时效 of a period."""
        actor = actor_of(context)
        scope = scope_of(actor, "statistics.read", request.division)
        today = beijing(utc_now()).date()
        first = _day(request.from_day, "from_day") or today.replace(day=1)
        last = _day(request.to_day, "to_day") or today
        _check_span(first, last, LONGEST_PERIOD)
        period = Period(
            start=dt.datetime.combine(first, dt.time(), BEIJING),
            end=dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), BEIJING),
            prefix=scope.division_prefix,
            kind=wire.KIND_OF.get(request.kind),
        )
        with self._db.transaction() as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            found = count_outcomes(session, period)
        message = work_wire.outcomes_message(found, request.division or actor.division)
        message.from_day, message.to_day = first.isoformat(), last.isoformat()
        return message

    def ExportRecord(  # noqa: N802
        self, request: pb.ExportRecordRequest, context: Any
    ) -> Iterator[pb.ExportRecordResponse]:
        """全案卷宗 as a zip."""
        actor = actor_of(context)
        with tempfile.TemporaryFile() as file:
            with self._db.transaction() as session:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                done = export_record(session, actor, request.matter_id, file)
            first = pb.ExportRecordResponse(
                file_name=done.name, size_bytes=done.size_bytes, sha256=done.sha256
            )
            yield first
            for chunk in _chunks(file):
                yield pb.ExportRecordResponse(chunk=chunk)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


def _next_clocks(session: Session, rows: list[MatterRow]) -> dict[str, NextClock]:
    """The clock that ends first of each head, by matter."""
    keys = {row.matter_id: row.next_due_key for row in rows if row.next_due_key}
    query = select(
        ClockRow.matter_id, ClockRow.key, ClockRow.action_zh, ClockRow.source_zh, ClockRow.statutory
    ).where(ClockRow.matter_id.in_(list(keys)), ClockRow.ended_at.is_(None), ~ClockRow.lapses)
    found = session.execute(query.order_by(ClockRow.due_at.desc(), ClockRow.clock_id.desc()))
    return {
        matter_id: NextClock(action_zh, source_zh, statutory)
        for matter_id, key, action_zh, source_zh, statutory in found
        if key == keys[matter_id]
    }


def _day(text: str, field: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as fault:
        raise InputRejected(f"{field} is an ISO date", field=field) from fault


def _check_span(first: dt.date, last: dt.date, most: int) -> None:
    if not 0 <= (last - first).days < most:
        raise InputRejected(f"1 to {most} days, in order", field="to_day")

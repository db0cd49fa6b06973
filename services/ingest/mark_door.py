"""`MarkService`: who may state something about an outlet, who sees it, who decides about it."""

from typing import Any

import grpc.aio
from sqlalchemy.orm import Session

from services.chassis.clock import from_timestamp, to_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.errors import Forbidden, InputRejected, NotFound
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, require, require_visible, scope_of
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.chassis.pb.ingest.v1 import mark_pb2_grpc as grpc_pb
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.replica import record_of
from services.ingest import mark_store as store
from services.ingest import mark_wire as wire
from services.ingest.app.decide_mark import decide_mark
from services.ingest.app.keep_proof import keep_proof, proof_of
from services.ingest.app.leave_marks import leave_marks
from services.ingest.app.mark_day import DaySheet, mark_day
from services.ingest.app.submit_mark import (
    CHANNELS,
    RULE_VERSION,
    Maker,
    Outlet,
    submit_mark,
    withdraw_mark,
)
from services.ingest.app.submit_marks import submit_marks
from services.ingest.mark_sheet_wire import sheet_message, suggestion_message
from services.ingest.parquet_files import ParquetFiles
from services.ingest.rules import mark_kinds, mark_terms

SERVICE = "farsight.ingest.v1.MarkService"
READ, SUBMIT, DECIDE = "marks.read", "marks.submit", "marks.decide"
PAGE, LONGEST_PAGE = 100, 500


def register(
    server: grpc.aio.Server, database: Database, files: ParquetFiles, partitions: int
) -> None:
    """Add the servicer to the host."""
    grpc_pb.add_MarkServiceServicer_to_server(MarkDoor(database, files, partitions), server)


class MarkDoor(grpc_pb.MarkServiceServicer):
    """标记."""

    def __init__(self, database: Database, files: ParquetFiles, partitions: int) -> None:
        self._database = database
        self._files = files
        self._partitions = partitions

    def ListMarkKinds(  # noqa: N802 - gRPC's name
        self, request: pb.ListMarkKindsRequest, context: Any
    ) -> pb.ListMarkKindsResponse:
        """What may be stated about an outlet."""
        actor = actor_of(context)
        with self._database.transaction() as session:
            outlet = visible_outlet(session, actor, request.outlet_id)
        kinds = map(wire.option_message, outlet.kinds)
        return pb.ListMarkKindsResponse(kinds=kinds, rule_version=RULE_VERSION)

    def ListMarks(  # noqa: N802 - gRPC's name
        self, request: pb.ListMarksRequest, context: Any
    ) -> pb.ListMarksResponse:
        """A page of the caller's jurisdiction, newest arrival first."""
        wanted = wanted_marks(actor_of(context), request)
        size = request.page_size or PAGE
        if size > LONGEST_PAGE:
            raise InputRejected(f"page_size is at most {LONGEST_PAGE}", field="page_size")
        after = wire.arrival_cursor(request.page_token) if request.page_token else None
        with self._database.transaction() as session:
            found = store.list_marks(session, wanted, size + 1, after)
        return pb.ListMarksResponse(
            records=map(wire.record_message, found[:size]),
            next_page_token=wire.arrival_token(found[size - 1]) if len(found) > size else "",
        )

    def SubmitMark(  # noqa: N802 - gRPC's name
        self, request: pb.SubmitMarkRequest, context: Any
    ) -> pb.SubmitMarkResponse:
        """Keep a new mark or the next revision; what is answered is committed."""
        actor = actor_of(context)
        maker = maker_of(actor, request.channel)
        with self._database.transaction() as session:
            outlet = own_outlet(session, actor, request.outlet_id, SUBMIT)
            found, repeated, frame = submit_mark(
                session,
                maker,
                outlet,
                request.mark,
                expected=request.expected_revision,
                terms=mark_terms(),
            )
            if not repeated:
                leave_marks(session, [found], [frame], self._partitions)
        return pb.SubmitMarkResponse(record=wire.record_message(found), repeated=repeated)

    def SubmitMarks(  # noqa: N802 - gRPC's name
        self, request: pb.SubmitMarksRequest, context: Any
    ) -> pb.SubmitMarksResponse:
        """Keep all rows of a table or none."""
        actor = actor_of(context)
        require(actor, SUBMIT)
        maker = maker_of(actor, "csv")
        answer = pb.SubmitMarksResponse()
        with self._database.transaction() as session:
            attempt = session.begin_nested()
            table = submit_marks(
                session,
                maker,
                request.csv,
                outlet_id=request.outlet_id,
                find_outlet=lambda outlet_id: own_outlet(session, actor, outlet_id, SUBMIT),
                terms=mark_terms(),
            )
            if not table.faults:
                answer.records.extend(map(wire.record_message, table.found))
            if table.faults or request.dry_run:
                attempt.rollback()
            else:
                attempt.commit()
                leave_marks(session, table.found, table.frames, self._partitions)
        answer.faults.extend(
            pb.MarkRowFault(row=one.row, field=one.field, reason=one.reason, detail=one.detail)
            for one in table.faults
        )
        if request.dry_run:
            for record in answer.records:
                record.ClearField("sm3")
        return answer

    def WithdrawMark(  # noqa: N802 - gRPC's name
        self, request: pb.WithdrawMarkRequest, context: Any
    ) -> pb.WithdrawMarkResponse:
        """Take a mark back by one more revision."""
        actor = actor_of(context)
        maker = maker_of(actor, request.channel)
        with self._database.transaction() as session:
            outlet = own_outlet(session, actor, request.outlet_id, SUBMIT)
            found, repeated, frame = withdraw_mark(
                session,
                maker,
                outlet,
                mark_id=request.mark_id,
                expected=request.expected_revision,
                reason=request.reason,
                proof_ids=request.proof_ids,
                terms=mark_terms(),
            )
            if not repeated:
                leave_marks(session, [found], [frame], self._partitions)
        return pb.WithdrawMarkResponse(record=wire.record_message(found))

    def DecideMark(  # noqa: N802 - gRPC's name
        self, request: pb.DecideMarkRequest, context: Any
    ) -> pb.DecideMarkResponse:
        """Decide about the newest revision of a mark of the caller's jurisdiction."""
        actor = actor_of(context)
        officer = maker_of(actor, request.channel)
        with self._database.transaction() as session:
            outlet = own_outlet(session, actor, request.outlet_id, DECIDE)
            found, frame = decide_mark(
                session,
                officer,
                outlet,
                mark_id=request.mark_id,
                revision=request.revision,
                verdict=request.verdict,
                reason=request.reason,
            )
            leave_marks(session, [found], [frame], self._partitions)
        return pb.DecideMarkResponse(record=wire.record_message(found))

    def SuggestMarks(  # noqa: N802 - gRPC's name
        self, request: pb.SuggestMarksRequest, context: Any
    ) -> pb.SuggestMarksResponse:
        """Pre-marks from the flags of a day."""
        outlet, sheet = self._sheet(context, request.outlet_id, request.day)
        return pb.SuggestMarksResponse(
            suggestions=[suggestion_message(one, outlet.kinds) for one in sheet.suggestions]
        )

    def GetMarkDay(  # noqa: N802 - gRPC's name
        self, request: pb.GetMarkDayRequest, context: Any
    ) -> pb.GetMarkDayResponse:
        """The sheet of a day."""
        outlet, sheet = self._sheet(context, request.outlet_id, request.day)
        return sheet_message(outlet.outlet_id, sheet, outlet.kinds)

    def KeepProof(  # noqa: N802 - gRPC's name
        self, request: pb.KeepProofRequest, context: Any
    ) -> pb.KeepProofResponse:
        """Keep a file that proves."""
        actor = actor_of(context)
        with self._database.transaction() as session:
            outlet = own_outlet(session, actor, request.outlet_id, SUBMIT)
            row = keep_proof(
                session,
                outlet.outlet_id,
                request.name,
                request.type,
                request.content,
                who=actor.user_id,
                terms=mark_terms(),
                now=utc_now(),
            )
        return pb.KeepProofResponse(proof=wire.media_message(row))

    def GetProof(  # noqa: N802 - gRPC's name
        self, request: pb.GetProofRequest, context: Any
    ) -> pb.GetProofResponse:
        """Give the file again."""
        actor = actor_of(context)
        with self._database.transaction() as session:
            outlet = visible_outlet(session, actor, request.outlet_id)
            row = proof_of(session, outlet.outlet_id, request.proof_id)
            return pb.GetProofResponse(
                proof=wire.media_message(row),
                name=row.name,
                content=row.content,
                kept_at=to_timestamp(row.kept_at),
            )

    def _sheet(self, context: Any, outlet_id: str, text: str) -> tuple[Outlet, DaySheet]:
        actor = actor_of(context)
        day = wire.day_from(text)
        with self._database.transaction() as session:
            outlet = visible_outlet(session, actor, outlet_id)
            sheet = mark_day(
                session,
                outlet.outlet_id,
                factors_of(session, outlet_id),
                day,
                outlet.kinds,
                files=self._files,
                terms=mark_terms(),
                now=utc_now(),
            )
        return outlet, sheet


def maker_of(actor: Actor, channel: str) -> Maker:
    """Who speaks, by which way, now. Raises InputRejected for an unknown way."""
    if channel not in ("", *CHANNELS):
        raise InputRejected("channel: not console or grpc", field="channel")
    now = utc_now()
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return Maker(actor.user_id, actor.name, channel or "grpc", now)


def visible_outlet(session: Session, actor: Actor, outlet_id: str) -> Outlet:
    """Give an outlet whose marks the caller may see. Raises NotFound."""
    record = record_of(session, registry.RECORD_KIND_OUTLET, outlet_id)
    if record is None:
        raise NotFound("no such thing in your jurisdiction", outlet_id=outlet_id)
    outlet = record.outlet
    require_visible(actor, READ, division=outlet.division, enterprise_id=outlet.credit_code)
    owner = record_of(session, registry.RECORD_KIND_ENTERPRISE, outlet.credit_code)
    industry = owner.enterprise.industry if owner is not None else ""
    kinds = tuple(one for one in mark_kinds() if one.fits(industry, outlet.process))
    return Outlet(outlet.outlet_id, outlet.division, outlet.credit_code, kinds)


def own_outlet(session: Session, actor: Actor, outlet_id: str, action: str) -> Outlet:
    """Give an outlet that the caller may act on. Raises NotFound, then Forbidden."""
    outlet = visible_outlet(session, actor, outlet_id)
    require(actor, action, division=outlet.division, enterprise_id=outlet.credit_code)
    return outlet


def factors_of(session: Session, outlet_id: str) -> list[str]:
    """The factors that an outlet measures."""
    record = record_of(session, registry.RECORD_KIND_OUTLET, outlet_id)
    return list(record.outlet.factors) if record is not None else []


def wanted_marks(actor: Actor, request: pb.ListMarksRequest) -> store.WantedMarks:
    """Cut a list down to the caller's own. Raises Forbidden."""
    scope = scope_of(actor, READ, request.division)
    credit_code = request.credit_code
    if scope.enterprise_id:
        if credit_code not in ("", scope.enterprise_id):
            raise Forbidden("another enterprise's", action=READ)
        credit_code = scope.enterprise_id
    return store.WantedMarks(
        division_prefix=scope.division_prefix,
        credit_code=credit_code,
        outlet_id=request.outlet_id,
        mark_id=request.mark_id,
        start=from_timestamp(request.start) if request.HasField("start") else None,
        end=from_timestamp(request.end) if request.HasField("end") else None,
        with_revisions=request.with_revisions,
        waiting=request.waiting,
    )

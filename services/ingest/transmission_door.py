"""`TransmissionService`: completeness, rates and holes, each to whose jurisdiction it is."""

from typing import Any

import grpc.aio
from sqlalchemy.orm import Session

from services.chassis.clock import from_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected, NotFound
from services.chassis.grpc_host import actor_of
from services.chassis.identity import require_visible, scope_of
from services.chassis.pb.ingest.v1 import transmission_pb2 as pb
from services.chassis.pb.ingest.v1 import transmission_pb2_grpc as grpc_pb
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import record_of
from services.ingest import transmission_wire as wire
from services.ingest.app.get_completeness import get_completeness
from services.ingest.app.plan_backfill import ask_backfill, list_holes
from services.ingest.backfill_settings import BackfillSettings
from services.ingest.rules import completeness_rules
from services.ingest.transmission_answers import answer_rates

SERVICE = "farsight.ingest.v1.TransmissionService"
READ, ASK = "readings.read", "commands.read_data"
HOLES, MOST_HOLES = 200, 1_000


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the servicer to the host."""
    grpc_pb.add_TransmissionServiceServicer_to_server(TransmissionDoor(database), server)


class TransmissionDoor(grpc_pb.TransmissionServiceServicer):
    """传输."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def GetCompleteness(  # noqa: N802 - gRPC's name
        self, request: pb.GetCompletenessRequest, context: Any
    ) -> pb.GetCompletenessResponse:
        """Certificates of an outlet of the caller's own jurisdiction."""
        actor = actor_of(context)
        if not request.HasField("start") or not request.HasField("end"):
            raise InputRejected("start and end are needed")
        with self._database.transaction() as session:
            self._require_outlet(session, actor, READ, request.outlet_id)
            found = get_completeness(
                session,
                request.outlet_id,
                from_timestamp(request.start),
                from_timestamp(request.end),
                kind=request.kind,
                rules=completeness_rules(),
                now=utc_now(),
            )
        return pb.GetCompletenessResponse(
            certificates=[
                *map(wire.fixed_message, found.fixed),
                *map(wire.open_message, found.open),
            ]
        )

    def ListRates(  # noqa: N802 - gRPC's name
        self, request: pb.ListRatesRequest, context: Any
    ) -> pb.ListRatesResponse:
        """Rates of the caller's outlets."""
        scope = scope_of(actor_of(context), READ, request.division)
        with self._database.transaction() as session:
            return answer_rates(session, request, scope, utc_now())

    def ListHoles(  # noqa: N802 - gRPC's name
        self, request: pb.ListHolesRequest, context: Any
    ) -> pb.ListHolesResponse:
        """Holes of the caller's outlets, newest first."""
        scope = scope_of(actor_of(context), READ, request.division)
        pace = BackfillSettings.from_env().pace
        now = utc_now()
        limit = min(request.limit or HOLES, MOST_HOLES)
        with self._database.transaction() as session:
            holes, more = list_holes(
                session,
                scope,
                request.outlet_id,
                wire.moment_of(request, "start", now - pace.look_back),
                wire.moment_of(request, "end", now),
                tries=pace.tries,
            )
        return pb.ListHolesResponse(
            holes=map(wire.hole_message, holes[:limit]), truncated=more or len(holes) > limit
        )

    def AskBackfill(  # noqa: N802 - gRPC's name
        self, request: pb.AskBackfillRequest, context: Any
    ) -> pb.AskBackfillResponse:
        """Ask a logger now; only for who may read data through a call-back."""
        actor = actor_of(context)
        with self._database.transaction() as session:
            self._require_outlet(session, actor, ASK, request.outlet_id)
            command_id = ask_backfill(
                session,
                request.outlet_id,
                request.kind,
                from_timestamp(request.start),
                from_timestamp(request.end),
                requested_by=actor.user_id,
                requested_role=actor.role,
                now=utc_now(),
            )
        return pb.AskBackfillResponse(command_id=command_id)

    def _require_outlet(self, session: Session, actor: Any, action: str, outlet_id: str) -> None:
        record = record_of(session, registry_pb2.RECORD_KIND_OUTLET, outlet_id)
        if record is None:
            raise NotFound("no such thing in your jurisdiction")
        outlet = record.outlet
        require_visible(actor, action, division=outlet.division, enterprise_id=outlet.credit_code)

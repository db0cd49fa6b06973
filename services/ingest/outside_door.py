"""`OutsideService`: things from outside, to whom they are anybody's business."""

from typing import Any

import grpc.aio

from services.chassis.clock import from_timestamp
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import require
from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.chassis.pb.ingest.v1 import outside_pb2_grpc as grpc_pb
from services.ingest.app.list_outside import ACTIONS, OutsideQuery, list_outside
from services.ingest.app.tally_pushes import get_push_tally
from services.ingest.outside_wire import record_message

SERVICE = "farsight.ingest.v1.OutsideService"


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the servicer to the host."""
    grpc_pb.add_OutsideServiceServicer_to_server(OutsideDoor(database), server)


class OutsideDoor(grpc_pb.OutsideServiceServicer):
    """外部线索."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ListOutside(  # noqa: N802 - gRPC's name
        self, request: pb.ListOutsideRequest, context: Any
    ) -> pb.ListOutsideResponse:
        """Give a page of the caller's jurisdiction, newest first."""
        actor = actor_of(context)
        query = _query(request)
        with self._database.transaction() as session:
            rows, token = list_outside(session, actor, query)
            records = [record_message(row) for row in rows]
        return pb.ListOutsideResponse(records=records, next_page_token=token)

    def GetPushTally(  # noqa: N802 - gRPC's name
        self, request: pb.GetPushTallyRequest, context: Any
    ) -> pb.GetPushTallyResponse:
        """Tell what became of the caller's own stream."""
        actor = actor_of(context)
        require(actor, "outside.push")
        with self._database.transaction() as session:
            return get_push_tally(session, actor.user_id, request.stream_id)


def _query(request: pb.ListOutsideRequest) -> OutsideQuery:
    if not set(request.kinds) <= set(ACTIONS):
        raise InputRejected("kinds: unspecified or unknown", field="kinds")
    return OutsideQuery(
        kinds=frozenset(request.kinds),
        division=request.division,
        outlet_id=request.outlet_id,
        credit_code=request.credit_code,
        subject=request.subject,
        start=from_timestamp(request.start) if request.HasField("start") else None,
        end=from_timestamp(request.end) if request.HasField("end") else None,
        with_versions=request.with_versions,
        size=request.page_size,
        after=request.page_token,
    )

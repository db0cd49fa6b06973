"""`HistoryService`: stored values and the balance, to whom they are anybody's business."""

from typing import Any

import grpc.aio

from services.chassis.clock import from_timestamp
from services.chassis.db import Database
from services.chassis.errors import InputRejected, NotFound
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Role, require_visible, scope_of
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.ingest.v1 import ingest_pb2_grpc as grpc_pb
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import record_of, records_of
from services.chassis.settings import ChassisSettings
from services.ingest import (
    command_door,
    ledger_door,
    logger_door,
    mark_door,
    outside_door,
    transmission_door,
    wire,
)
from services.ingest.app.get_balance import get_balance
from services.ingest.app.read_series import read_series
from services.ingest.parquet_files import ParquetFiles

SERVICES = (
    "farsight.ingest.v1.HistoryService",
    command_door.SERVICE,
    ledger_door.SERVICE,
    logger_door.SERVICE,
    mark_door.SERVICE,
    outside_door.SERVICE,
    transmission_door.SERVICE,
)
ACTION = "readings.read"


def register(server: grpc.aio.Server, settings: ChassisSettings) -> None:
    """Add the servicer to the host."""
    database = Database(settings.database_url, "ingest")
    files = ParquetFiles(settings.data / "parquet")
    grpc_pb.add_HistoryServiceServicer_to_server(HistoryDoor(database, files), server)
    command_door.register(server, database)
    ledger_door.register(server, database)
    logger_door.register(server, database)
    mark_door.register(server, database, files, settings.partitions)
    outside_door.register(server, database)
    transmission_door.register(server, database)


class HistoryDoor(grpc_pb.HistoryServiceServicer):
    """历史数据."""

    def __init__(self, database: Database, files: ParquetFiles) -> None:
        self._database = database
        self._files = files

    def GetReadings(  # noqa: N802 - gRPC's name
        self, request: pb.GetReadingsRequest, context: Any
    ) -> pb.GetReadingsResponse:
        """Values of an outlet of the caller's own jurisdiction."""
        actor = actor_of(context)
        wire.cn_of(request.kind)
        with self._database.transaction() as session:
            record = record_of(session, registry_pb2.RECORD_KIND_OUTLET, request.outlet_id)
            if record is None:
                raise NotFound("no such thing in your jurisdiction")
            outlet = record.outlet
            require_visible(
                actor, ACTION, division=outlet.division, enterprise_id=outlet.credit_code
            )
            return read_series(
                session,
                request.outlet_id,
                request.kind,
                from_timestamp(request.start),
                from_timestamp(request.end),
                factors=request.factors,
                with_versions=request.with_versions,
                files=self._files,
            )

    def GetBalance(  # noqa: N802 - gRPC's name
        self, request: pb.GetBalanceRequest, context: Any
    ) -> pb.GetBalanceResponse:
        """The balance of the caller's outlets; an operator sees peers without an outlet too."""
        actor = actor_of(context)
        scope = scope_of(actor, ACTION)
        if not request.HasField("start") or not request.HasField("end"):
            raise InputRejected("start and end are needed")
        with self._database.transaction() as session:
            visible = {
                record.key
                for record in records_of(session, registry_pb2.RECORD_KIND_OUTLET)
                if scope.has(record.outlet.division, record.outlet.credit_code)
            }
            owners: list[str] | None = sorted(visible)
            if request.outlet_id:
                if request.outlet_id not in visible:
                    raise NotFound("no such thing in your jurisdiction")
                owners = [request.outlet_id]
            elif actor.role == Role.OPERATOR:
                owners = None
            found = get_balance(
                session,
                from_timestamp(request.start),
                from_timestamp(request.end),
                owners,
                page=request.page_token,
            )
        return wire.balance_answer(found.rows, found.total, found.next_page)

"""`LoggerService`: what is known of loggers besides their data."""

from typing import Any

import grpc.aio

from services.chassis.db import Database
from services.chassis.grpc_host import actor_of
from services.chassis.pb.ingest.v1 import logger_pb2 as pb
from services.chassis.pb.ingest.v1 import logger_pb2_grpc as grpc_pb
from services.ingest.app.list_anomalies import list_anomalies

SERVICE = "farsight.ingest.v1.LoggerService"


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the servicer to the host."""
    grpc_pb.add_LoggerServiceServicer_to_server(LoggerDoor(database), server)


class LoggerDoor(grpc_pb.LoggerServiceServicer):
    """数采仪."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ListLoggerAnomalies(  # noqa: N802 - gRPC's name
        self, request: pb.ListLoggerAnomaliesRequest, context: Any
    ) -> pb.ListLoggerAnomaliesResponse:
        """Give a page of the caller's jurisdiction, newest first."""
        actor = actor_of(context)
        with self._database.transaction() as session:
            return list_anomalies(session, request, actor)

"""The part of the ingest service that carries commands on: timers, events of the gate, RPC."""

from typing import Any

from nameko import config
from nameko.extensions import DependencyProvider
from nameko.timer import timer
from sqlalchemy.orm import Session

from services.chassis.bus.entrypoints import on_event
from services.chassis.clock import from_timestamp, utc_now
from services.chassis.db import Database, database_from_env
from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.chassis.pb.ingest.v1 import command_pb2, logger_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import fill_kind_when_empty
from services.chassis.rpc import RpcClient, rpc
from services.chassis.settings import ChassisSettings
from services.ingest.app.dispatch_commands import DispatchCommands
from services.ingest.app.record_progress import record_progress
from services.ingest.app.record_session import SweepSessions, record_sessions
from services.ingest.app.request_command import CALLBACK, request_command
from services.ingest.command_wire import EVERYTHING, command_message
from services.ingest.order_bus import OrderBus, RouteReader

log = get_logger(__name__)

#: A person who asks looks at the page; half a second is not noticed.
DISPATCH_EVERY_S = 0.5
SWEEP_EVERY_S = 60
#: Background is anything below 0.
BACKGROUND = -1


class Dispatching(DependencyProvider):  # type: ignore[misc]
    """nameko dependency: the ways to gates and routes, one a process."""

    def setup(self) -> None:
        """Name the servers; connections are made when they are needed."""
        self.database: Database = database_from_env(self.container.service_name)
        self.orders = OrderBus(config["AMQP_URI"])
        self.routes = RouteReader(ChassisSettings.from_env().redis_url)
        self.dispatch = DispatchCommands(self.database, self.orders, self.routes)
        self.sweep = SweepSessions(self.database, self.routes.gates_of)
        self._away = ""

    def stop(self) -> None:
        """Close connections and pool."""
        self.orders.close()
        self.routes.close()
        self.database.engine.dispose()

    def get_dependency(self, worker_ctx: Any) -> "Dispatching":
        """Give itself."""
        del worker_ctx
        return self

    def note(self, trouble: str) -> None:
        """Say once that a server is away, and once that it is back."""
        if trouble and not self._away:
            log.warning("commands_wait", error=trouble)
        elif self._away and not trouble:
            log.info("commands_go_on")
        self._away = trouble


class CommandEntrypoints:
    """反控: mixed into the service class."""

    db: Any
    dispatching = Dispatching()
    registry = RpcClient("registry")

    @timer(interval=DISPATCH_EVERY_S)  # type: ignore[untyped-decorator] # nameko has no types
    def dispatch_commands(self) -> None:
        """Hand on what is due."""
        try:
            self.dispatching.dispatch()
        except Unavailable as error:
            self.dispatching.note(str(error))
        else:
            self.dispatching.note("")

    @timer(interval=SWEEP_EVERY_S)  # type: ignore[untyped-decorator]
    def sweep_sessions(self) -> None:
        """Close the connections of gates that are gone."""
        try:
            self.dispatching.sweep(utc_now())
        except Unavailable as error:
            log.info("sessions_not_swept", error=str(error))

    @timer(interval=10)  # type: ignore[untyped-decorator]
    def fill_kinds(self) -> None:
        """An installation older than call-backs or marks copied no loggers or no enterprises.

        It asks for them once.

        Not eager: an RPC that is under way before its reply queue exists ends the service at start
        (nameko takes the reply for lost).
        """
        try:
            with self.db.transaction() as session:
                for kind in (registry_pb2.RECORD_KIND_LOGGER, registry_pb2.RECORD_KIND_ENTERPRISE):
                    fill_kind_when_empty(session, self.registry, kind)
        except Unavailable:
            log.info("registry_not_ready")

    @on_event(command_pb2.CommandProgress)
    def command_progress(self, session: Session, event: command_pb2.CommandProgress) -> None:
        """A step of a command at a gate."""
        record_progress(session, event, utc_now())

    @on_event(logger_pb2.LoggerSessions)
    def logger_sessions(self, session: Session, event: logger_pb2.LoggerSessions) -> None:
        """Loggers came or went."""
        record_sessions(session, event, utc_now())

    @rpc(pb.RequestCommandRequest)
    def request_command(self, request: pb.RequestCommandRequest) -> pb.RequestCommandResponse:
        """Another service asks a logger for something."""
        with self.db.transaction() as session:
            row, repeated = request_command(
                session,
                mn=request.mn,
                outlet_id=request.outlet_id,
                cn=request.cn,
                parameters=request.parameters,
                requested_by=request.requested_by or "system",
                reason=request.reason,
                purpose=request.purpose or CALLBACK,
                priority=BACKGROUND if request.background else 0,
                request_id=request.request_id,
                deadline=from_timestamp(request.deadline) if request.HasField("deadline") else None,
            )
        return pb.RequestCommandResponse(
            command=command_message(row, EVERYTHING), repeated=repeated
        )

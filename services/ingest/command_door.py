"""`CommandService`: who may ask a logger for what, and who sees what came of it."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import grpc.aio
from sqlalchemy.orm import Session

from services.chassis.clock import from_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected, NotFound
from services.chassis.grpc_host import actor_of
from services.chassis.identity import (
    POLICY,
    Actor,
    Role,
    can,
    require,
    require_visible,
    scope_of,
)
from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.chassis.pb.ingest.v1 import callback_pb2_grpc as grpc_pb
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.replica import record_of, records_of
from services.ingest import command_store as store
from services.ingest import command_wire as wire
from services.ingest.app.cancel_command import cancel_command
from services.ingest.app.request_command import (
    CALLBACK,
    checked,
    find_logger,
    request_command,
    version_of_logger,
)
from services.ingest.command_kinds import kinds_of
from services.ingest.command_tables import CommandRow, SessionRow
from services.ingest.domain.commands import SECRETS, is_control

SERVICE = "farsight.ingest.v1.CommandService"
READ, READ_DATA, CONTROL = "commands.read", "commands.read_data", "commands.control"
SECRET = "registry.secrets"  # noqa: S105 - the name of an action
PAGE, LONGEST_PAGE = 50, 500
#: Seconds between looks of a watcher; the host wants a sign of life at least each second.
WATCH_S = 0.5
#: Longest watch: a command's own limit and some time for its end.
LONGEST_WATCH = timedelta(hours=3)
#: A logger's last frame is looked for this far back.
RECENT = timedelta(days=1)


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the servicer to the host."""
    grpc_pb.add_CommandServiceServicer_to_server(CommandDoor(database), server)


class CommandDoor(grpc_pb.CommandServiceServicer):
    """反控."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def RequestCommand(  # noqa: N802 - gRPC's name
        self, request: pb.RequestCommandRequest, context: Any
    ) -> pb.RequestCommandResponse:
        """Store what somebody of the outlet's own jurisdiction asks."""
        actor = actor_of(context)
        if not (request.mn or request.outlet_id):
            raise InputRejected("mn or outlet_id is needed")
        with self._database.transaction() as session:
            logger = find_logger(session, request.mn, request.outlet_id)
            see_outlet(session, actor, logger.outlet_id)
            pairs, spec = checked(session, logger, request.cn, request.parameters)
            demand(actor, session, logger.outlet_id, control=is_control(
                request.cn, spec.answers, dict(pairs)))  # fmt: skip
            if SECRETS.intersection(one.name for one in spec.parameters):
                require(actor, SECRET)
            row, repeated = request_command(
                session,
                mn=logger.mn,
                cn=request.cn,
                parameters=request.parameters,
                requested_by=actor.user_id,
                requested_name=actor.name,
                requested_role=actor.role.value,
                reason=request.reason,
                purpose=CALLBACK,  # other purposes are the platform's own
                priority=-1 if request.background else 0,
                request_id=request.request_id,
                deadline=from_timestamp(request.deadline) if request.HasField("deadline") else None,
            )
            message = wire.command_message(row, sight_of(actor))
        return pb.RequestCommandResponse(command=message, repeated=repeated)

    def GetCommand(  # noqa: N802 - gRPC's name
        self, request: pb.GetCommandRequest, context: Any
    ) -> pb.GetCommandResponse:
        """One command with its steps."""
        actor = actor_of(context)
        with self._database.transaction() as session:
            row = visible_command(session, actor, request.command_id)
            return pb.GetCommandResponse(
                command=wire.command_message(row, sight_of(actor)),
                steps=steps_for(session, row, actor),
            )

    def ListCommands(  # noqa: N802 - gRPC's name
        self, request: pb.ListCommandsRequest, context: Any
    ) -> pb.ListCommandsResponse:
        """Commands of the caller's outlets, newest first."""
        actor = actor_of(context)
        size = page_size(request.page_size)
        after = None
        if request.page_token:
            with_id = self._place(request.page_token)
            after = (with_id.requested_at, str(with_id.command_id))
        with self._database.transaction() as session:
            wanted = store.Wanted(
                outlets_for(session, actor, request.outlet_id),
                request.mn,
                wire.states_of(request.state),
                with_background=request.with_background,
            )
            rows = store.list_commands(session, wanted, size + 1, after)
        more = len(rows) > size
        sight = sight_of(actor)
        return pb.ListCommandsResponse(
            commands=[wire.command_message(row, sight) for row in rows[:size]],
            next_page_token=str(rows[size - 1].command_id) if more else "",
        )

    def WatchCommand(  # noqa: N802 - gRPC's name
        self, request: pb.WatchCommandRequest, context: Any
    ) -> Iterator[Any]:
        """News of one command until it ends."""
        actor = actor_of(context)
        end = utc_now() + LONGEST_WATCH
        told, state = -1, ""
        while utc_now() < end:
            news = None
            with self._database.transaction() as session:
                row = visible_command(session, actor, request.command_id)
                if (row.steps, row.state) != (told, state):
                    news = pb.WatchCommandResponse(
                        command=wire.command_message(row, sight_of(actor)),
                        steps=steps_for(session, row, actor, after=max(0, told)),
                    )
                    told, state = row.steps, row.state
            yield news
            if not wire.is_living(row):
                return
            time.sleep(WATCH_S)

    def CancelCommand(  # noqa: N802 - gRPC's name
        self, request: pb.CancelCommandRequest, context: Any
    ) -> pb.CancelCommandResponse:
        """Withdraw what was not sent; who may ask for it may take it back."""
        actor = actor_of(context)
        with self._database.transaction() as session:
            row = visible_command(session, actor, request.command_id)
            demand(actor, session, row.outlet_id, control=row.control)
            who = actor.name or actor.user_id
            row = cancel_command(
                session, request.command_id, who=who, reason=request.reason, now=utc_now()
            )
            return pb.CancelCommandResponse(command=wire.command_message(row, sight_of(actor)))

    def ListLoggers(  # noqa: N802 - gRPC's name
        self, request: pb.ListLoggersRequest, context: Any
    ) -> pb.ListLoggersResponse:
        """Connections of the caller's loggers."""
        actor = actor_of(context)
        size = page_size(request.page_size)
        with self._database.transaction() as session:
            rows = store.list_sessions(
                session,
                outlets_for(session, actor, request.outlet_id),
                size + 1,
                mn=request.mn,
                open_only=request.open_only,
                after=request.page_token,
            )
            one = bool(request.mn or request.outlet_id)
            loggers = [
                wire.logger_message(row, last_at(session, row) if one else None, sight_of(actor))
                for row in rows[:size]
            ]
        token = rows[size - 1].mn if len(rows) > size else ""
        return pb.ListLoggersResponse(loggers=loggers, next_page_token=token)

    def ListCommandKinds(  # noqa: N802 - gRPC's name
        self, request: pb.ListCommandKindsRequest, context: Any
    ) -> pb.ListCommandKindsResponse:
        """What the caller may ask a logger for."""
        actor = actor_of(context)
        require(actor, READ)
        version, st = None, ""
        if request.mn or request.outlet_id:
            with self._database.transaction() as session:
                logger = find_logger(session, request.mn, request.outlet_id)
                see_outlet(session, actor, logger.outlet_id)
                version, st = version_of_logger(session, logger), logger.st
        kinds = [kind for kind in kinds_of(version, st) if may_ask(actor, kind)]
        return pb.ListCommandKindsResponse(kinds=kinds, version=int(version or 0))

    def _place(self, token: str) -> CommandRow:
        with self._database.transaction() as session:
            return store.command(session, token)


def outlet_of(session: Session, outlet_id: str) -> registry.Outlet:
    """Give an outlet. Raises NotFound."""
    record = record_of(session, registry.RECORD_KIND_OUTLET, outlet_id)
    if record is None:
        raise NotFound("no such thing in your jurisdiction")
    return record.outlet


def see_outlet(session: Session, actor: Actor, outlet_id: str) -> None:
    """Demand that the caller may know of commands there. Raises NotFound."""
    outlet = outlet_of(session, outlet_id)
    require_visible(actor, READ, division=outlet.division, enterprise_id=outlet.credit_code)


def demand(actor: Actor, session: Session, outlet_id: str, *, control: bool) -> None:
    """Demand the right to ask a logger there. Raises Forbidden."""
    outlet = outlet_of(session, outlet_id)
    action = CONTROL if control else READ_DATA
    require(actor, action, division=outlet.division, enterprise_id=outlet.credit_code)


def may_ask(actor: Actor, kind: pb.CommandKind) -> bool:
    """Whether the caller's role may ask for a kind of command anywhere."""
    secret = SECRETS.intersection(one.name for one in kind.parameters)
    action = CONTROL if kind.control else READ_DATA
    return actor.role in POLICY[action] and (not secret or actor.role in POLICY[SECRET])


def visible_command(session: Session, actor: Actor, command_id: str) -> CommandRow:
    """Give a command of the caller's jurisdiction. Raises NotFound."""
    row = store.command(session, command_id)
    see_outlet(session, actor, row.outlet_id)
    return row


def outlets_for(session: Session, actor: Actor, outlet_id: str) -> list[str]:
    """Give the outlets a list is about. Raises Forbidden, and NotFound for a foreign outlet."""
    scope = scope_of(actor, READ)
    if outlet_id:
        see_outlet(session, actor, outlet_id)
        return [outlet_id]
    return [
        record.key
        for record in records_of(session, registry.RECORD_KIND_OUTLET)
        if scope.has(record.outlet.division, record.outlet.credit_code)
    ]


def steps_for(
    session: Session, row: CommandRow, actor: Actor, after: int = 0
) -> list[pb.CommandStep]:
    """The steps as the caller may see them."""
    sight = sight_of(actor)
    steps = store.steps_of(session, row.command_id, after)
    return [wire.step_message(step, row, sight) for step in steps]


def sight_of(actor: Actor) -> wire.Sight:
    """What the caller may know besides: a plant no people, reasons and addresses."""
    return wire.Sight(people=actor.role != Role.ENTERPRISE, secrets=can(actor, SECRET))


def last_at(session: Session, row: SessionRow) -> Any:
    """When the newest recent reading of a logger's outlet came."""
    return store.last_reading_at(session, row.outlet_id, utc_now() - RECENT)


def page_size(asked: int) -> int:
    """Give the size of a page. Raises InputRejected."""
    if asked > LONGEST_PAGE:
        raise InputRejected(f"page_size is at most {LONGEST_PAGE}")
    return asked or PAGE

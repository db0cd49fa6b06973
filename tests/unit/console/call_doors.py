"""Test doors of call-backs: requests in every state, a connected logger, one irregularity."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from services.chassis.clock import to_timestamp
from services.chassis.errors import NotFound, RuleViolated
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Role, require, require_visible, scope_of
from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.chassis.pb.ingest.v1 import callback_pb2_grpc, command_pb2, logger_pb2
from services.chassis.pb.ingest.v1 import logger_pb2_grpc as logger_grpc
from services.ingest.command_kinds import kinds_of
from services.ingest.command_wire import EVERYTHING, field_message
from services.ingest.hj212.version import Version
from tests.unit.console.world import OUTLET

MN = f"0100FA25C16F{OUTLET[6:18]}"
PERIOD = (("BeginTime", "20261122080000"), ("EndTime", "20261122090000"))
STEPS = {
    "requested": (),
    "dispatched": (),
    "written": (),
    "acknowledged": (),
    "answer": (("PolId", "a21026"), ("i13001-Info", "100.0"), ("i13007-Info", "<b>0.5</b>")),
    "result": (),
}
DETAILS = {"acknowledged": ("1 ready", "1 准备执行请求"), "result": ("1 success", "1 执行成功")}


def step(number: int, kind: str, at: datetime, fields: Any = ()) -> pb.CommandStep:
    """One line of a record."""
    detail, zh = DETAILS.get(kind, ("", ""))
    value = command_pb2.CommandStepKind.Value(f"COMMAND_STEP_KIND_{kind.upper()}")
    return pb.CommandStep(
        number=number, kind=value, at=to_timestamp(at), elapsed_ms=number * 120, detail=detail,
        detail_zh=zh, fields=[field_message(*one, EVERYTHING) for one in fields],
        raw=b"##0089QN=1;CN=3020;PW=******;CP=&&&&" if kind == "written" else b"",
    )  # fmt: skip


class Commands(callback_pb2_grpc.CommandServiceServicer):
    """反控 with an invented record."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.requests: list[pb.RequestCommandRequest] = []
        self.steps: dict[str, list[pb.CommandStep]] = {}
        self.commands: dict[str, pb.Command] = {}
        whole = list(STEPS)
        self.add("c-1", "3020", command_pb2.COMMAND_STATE_DONE, whole, outcome="1 success",
                 parameters=[("PolId", "a21026"), ("InfoId", "i13001")])  # fmt: skip
        self.add("c-2", "3011", command_pb2.COMMAND_STATE_QUEUED, whole[:1], control=True)
        self.add("c-3", "2061", command_pb2.COMMAND_STATE_RUNNING, whole[:4], parameters=PERIOD)
        self.add("c-4", "3024", command_pb2.COMMAND_STATE_FAILED, whole[:4], control=True,
                 fate_unknown=True, outcome="the gate is gone")  # fmt: skip

    def add(
        self, key: str, cn: str, state: int, steps: list[str], *, parameters: Any = (), **more: Any
    ) -> pb.Command:
        """Put a command into the record."""
        at = self.now - timedelta(minutes=5)
        kind = next(one for one in kinds_of(None) if one.cn == cn)
        made = self.commands[key] = pb.Command(
            command_id=key, mn=MN, outlet_id=OUTLET, cn=cn, title_zh=kind.title_zh,
            title_en=kind.title_en, state=state, requested_by="officer", requested_name="甲",  # type: ignore[arg-type]
            requested_role="officer", reason="抽查 <i>", requested_at=to_timestamp(at),
            deadline=to_timestamp(at + timedelta(hours=1)),
            parameters=[command_pb2.CommandField(name=n, value=v) for n, v in parameters],
            **more,
        )  # fmt: skip
        self.steps[key] = [step(n, name, at, STEPS[name]) for n, name in enumerate(steps, 1)]
        return made

    def seen(self, context: Any, outlet_id: str, action: str = "commands.read") -> None:
        """Demand that the caller may know of it."""
        code = outlet_id[:18]
        require_visible(actor_of(context), action, division=code[2:8], enterprise_id=code)

    def RequestCommand(self, request: Any, context: Any) -> pb.RequestCommandResponse:  # noqa: N802
        self.seen(context, request.outlet_id)
        kind = next(one for one in kinds_of(None) if one.cn == request.cn)
        if kind.control and not request.reason:
            raise RuleViolated("what changes something at the site needs a reason")
        self.requests.append(request)
        made = self.add("c-new", request.cn, command_pb2.COMMAND_STATE_QUEUED, ["requested"])
        return pb.RequestCommandResponse(command=made)

    def GetCommand(self, request: Any, context: Any) -> pb.GetCommandResponse:  # noqa: N802
        if request.command_id not in self.commands:
            raise NotFound("no such command")
        one = self.commands[request.command_id]
        self.seen(context, one.outlet_id)
        return pb.GetCommandResponse(command=one, steps=self.steps[request.command_id])

    def ListCommands(self, request: Any, context: Any) -> pb.ListCommandsResponse:  # noqa: N802
        scope = scope_of(actor_of(context), "commands.read")
        rows = [
            one
            for one in self.commands.values()
            if scope.has(one.outlet_id[2:8], one.outlet_id[:18])
            and request.outlet_id in ("", one.outlet_id)
            and request.state in (0, one.state)
        ]
        return pb.ListCommandsResponse(commands=rows)

    def WatchCommand(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        yield from ()

    def CancelCommand(self, request: Any, context: Any) -> pb.CancelCommandResponse:  # noqa: N802
        one = self.commands[request.command_id]
        self.seen(context, one.outlet_id, "commands.control")
        if one.state != command_pb2.COMMAND_STATE_QUEUED:
            raise RuleViolated("only what was not sent yet can be withdrawn")
        one.state = command_pb2.COMMAND_STATE_CANCELLED
        return pb.CancelCommandResponse(command=one)

    def ListLoggers(self, request: Any, context: Any) -> pb.ListLoggersResponse:  # noqa: N802
        scope = scope_of(actor_of(context), "commands.read")
        if not scope.has(OUTLET[2:8], OUTLET[:18]) or request.outlet_id != OUTLET:
            return pb.ListLoggersResponse()
        plant = actor_of(context).role == Role.ENTERPRISE
        since = to_timestamp(self.now - timedelta(hours=3))
        one = pb.LoggerState(mn=MN, outlet_id=OUTLET, open=True, version=2017, since=since,
                             last_frame_at=to_timestamp(self.now),
                             peer="" if plant else "10.1.2.3:40000")  # fmt: skip
        return pb.ListLoggersResponse(loggers=[one])

    def ListCommandKinds(self, request: Any, context: Any) -> pb.ListCommandKindsResponse:  # noqa: N802
        actor = actor_of(context)
        require(actor, "commands.read")
        kinds = [] if actor.role == Role.ENTERPRISE else kinds_of(Version.V2017, "31")
        return pb.ListCommandKindsResponse(kinds=kinds, version=2017)


class Loggers(logger_grpc.LoggerServiceServicer):
    """One clock that is off."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def ListLoggerAnomalies(  # noqa: N802
        self, request: Any, context: Any
    ) -> logger_pb2.ListLoggerAnomaliesResponse:
        scope_of(actor_of(context), "commands.read")
        one = logger_pb2.LoggerAnomaly(
            mn=MN, outlet_id=OUTLET, kind=logger_pb2.ANOMALY_KIND_CLOCK_DRIFT, offset_s=97.0,
            at=to_timestamp(self.now),
        )  # fmt: skip
        return logger_pb2.ListLoggerAnomaliesResponse(anomalies=[one])

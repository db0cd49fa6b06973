"""What a test of call-backs needs: a registry copy, routes in Redis, gates on the bus."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from kombu import Connection, Queue
from redis import Redis
from sqlalchemy.orm import Session

from services.chassis.bus.topology import COMMANDS, declare_topology
from services.chassis.clock import to_timestamp
from services.chassis.db import Database
from services.chassis.pb.ingest.v1 import command_pb2 as pb
from services.chassis.pb.ingest.v1 import logger_pb2
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.replica import apply_records
from services.ingest import command_store as store
from services.ingest.app.dispatch_commands import DispatchCommands
from services.ingest.app.record_progress import record_progress
from services.ingest.app.record_session import record_sessions
from services.ingest.app.request_command import request_command
from services.ingest.command_tables import CommandRow
from services.ingest.order_bus import OrderBus, RouteReader

OUTLET = "91130402MA0GATE12L-DA001"
PERIOD = {"BeginTime": "20261122080000", "EndTime": "20261122090000"}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class StandInGate:
    """A gate's queue on the real bus and the routes it keeps; the test decides what it says."""

    def __init__(self, amqp_uri: str, redis: "Redis[str]", name: str = "") -> None:
        self.gate_id = name or f"gate-{uuid.uuid4().hex[:8]}"
        self._redis = redis
        self._connection = Connection(amqp_uri)
        channel = self._connection.channel()
        self._queue = Queue(
            f"gate.{self.gate_id}.commands",
            exchange=COMMANDS,
            routing_key=self.gate_id,
            exclusive=True,
            auto_delete=True,
            durable=False,
            channel=channel,
        )
        self._queue.declare()
        self.number = 0

    def hold(self, mn: str) -> None:
        """Have a logger connected here."""
        self._redis.set(f"farsight:route:{mn}", self.gate_id, ex=90)

    def orders(self) -> list[pb.CommandOrder]:
        """Take what was ordered since the last look."""
        found = []
        while message := self._queue.get(no_ack=True):
            body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
            found.append(pb.CommandOrder.FromString(body))
        return found

    def step(self, order: pb.CommandOrder, kind: int, state: int, **more: Any) -> Any:
        """Say something of an order."""
        self.number += 1
        event = pb.CommandProgress(
            command_id=order.command_id,
            number=self.number,
            kind=kind,  # type: ignore[arg-type]
            state=state,  # type: ignore[arg-type]
            gate_id=self.gate_id,
            mn=order.mn,
            qn="20261122101500123",
            **more,
        )
        if not event.HasField("at"):
            event.at.CopyFrom(to_timestamp(datetime.now(UTC)))
        return event

    def walk(self, order: pb.CommandOrder) -> list[pb.CommandProgress]:
        """Say that all went well: written, ready, an answer, success."""
        field = pb.CommandField(name="i13001-Info", value="100.0")
        return [
            self.step(order, pb.COMMAND_STEP_KIND_WRITTEN, pb.COMMAND_STATE_SENT),
            self.step(
                order,
                pb.COMMAND_STEP_KIND_ACKNOWLEDGED,
                pb.COMMAND_STATE_RUNNING,
                detail="1 ready",
            ),
            self.step(
                order,
                pb.COMMAND_STEP_KIND_ANSWER,
                pb.COMMAND_STATE_RUNNING,
                fields=[field],
                raw=b"##0000PW=123456;CP=&&i13001-Info=100.0&&",
            ),
            self.step(
                order, pb.COMMAND_STEP_KIND_RESULT, pb.COMMAND_STATE_DONE, detail="1 success"
            ),
        ]

    def die(self) -> None:
        """End as kill -9 ends it: the queue goes, the routes stay."""
        self._connection.release()


class CommandRig:
    """Real PostgreSQL, RabbitMQ and Valkey round the use cases of call-backs."""

    def __init__(self, database_url: str, amqp_uri: str, redis_url: str) -> None:
        self.amqp_uri, self.redis_url = amqp_uri, redis_url
        self.database = Database(database_url, "ingest")
        self.redis: Redis[str] = Redis.from_url(redis_url, decode_responses=True)
        self.clock = Clock()
        self.orders = OrderBus(amqp_uri)
        self.routes = RouteReader(redis_url)
        self.dispatch = DispatchCommands(self.database, self.orders, self.routes, self.clock)
        self._gates: list[StandInGate] = []
        with Connection(amqp_uri) as bus:
            declare_topology(bus, 2)

    def logger(self, *, enabled: bool = True, version: int = 2025) -> str:
        """Have one more logger in the registry copy; gives its MN."""
        mn = uuid.uuid4().hex[:24].upper()
        record = registry.Record(
            kind=registry.RECORD_KIND_LOGGER,
            key=mn,
            revision=1,
            logger=registry.Logger(
                mn=mn, outlet_id=OUTLET, st="31", enabled=enabled, version=version
            ),
        )
        with self.database.transaction() as session:
            apply_records(session, [record])
        return mn

    def gate(self, name: str = "") -> StandInGate:
        """Start a stand-in gate."""
        made = StandInGate(self.amqp_uri, self.redis, name)
        self._gates.append(made)
        return made

    def ask(self, mn: str, cn: str = "2051", **more: Any) -> str:
        """Request a command, a moment after the last one; gives its id."""
        self.clock.forward(0.001)
        defaults: dict[str, Any] = {
            "parameters": PERIOD if cn == "2051" else {"PolId": "a21026"},
            "requested_by": "officer",
            "reason": "test",
            "now": self.clock(),
        }
        with self.database.transaction() as session:
            row, _ = request_command(session, mn=mn, cn=cn, **{**defaults, **more})
            return str(row.command_id)

    def tell(self, *events: pb.CommandProgress) -> None:
        """Handle a gate's words as the service does."""
        for event in events:
            with self.database.transaction() as session:
                record_progress(session, event, self.clock())

    def connected(self, mn: str, gate: StandInGate, *, open: bool = True, id: str = "s") -> None:  # noqa: A002
        """Tell that a logger came or went."""
        event = logger_pb2.LoggerSession(
            mn=mn, outlet_id=OUTLET, open=open, gate_id=gate.gate_id, session_id=id, version=2017,
            peer="10.0.0.1:40000", at=to_timestamp(self.clock()),
        )  # fmt: skip
        with self.database.transaction() as session:
            record_sessions(session, logger_pb2.LoggerSessions(sessions=[event]), self.clock())

    def row(self, command_id: str) -> CommandRow:
        """The command as it stands."""
        with self.database.transaction() as session:
            return store.command(session, command_id)

    def kinds(self, command_id: str) -> list[str]:
        """The kinds of its steps, by time."""
        with self.database.transaction() as session:
            return [step.kind for step in store.steps_of(session, uuid.UUID(command_id))]

    def session_row(self, mn: str) -> Any:
        """A logger's connection as kept."""
        with self.database.transaction() as session:
            return store.session_of(session, mn)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction of the service."""
        with self.database.transaction() as session:
            yield session

    def close(self) -> None:
        """Let go of everything."""
        for gate in self._gates:
            gate.die()
        self.orders.close()
        self.routes.close()
        self.redis.close()
        self.database.engine.dispose()

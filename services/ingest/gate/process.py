"""The gate as one process: what it is made of, in which order it starts and how it ends."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from functools import partial
from typing import Any

import grpc.aio
from redis.asyncio import Redis

from services.chassis import grpc_host
from services.chassis.clock import utc_now
from services.chassis.errors import InputRejected, Unavailable
from services.chassis.identity import Tokens
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import command_pb2
from services.chassis.pb.ingest.v1 import ingest_pb2_grpc as ingest_rpc
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.probes import Probes
from services.ingest.gate.anomalies import Anomalies
from services.ingest.gate.bus import GateBus
from services.ingest.gate.callback import Commands
from services.ingest.gate.commands import LoggerCommands
from services.ingest.gate.connections import Connections
from services.ingest.gate.directory import Directory
from services.ingest.gate.events import EventSender
from services.ingest.gate.gathering import Gatherer
from services.ingest.gate.intake import Intake
from services.ingest.gate.notices import Notices
from services.ingest.gate.pauses import BUS, DRAIN, PENDING, STOP, Pauses, StopSignal
from services.ingest.gate.push import PushServicer
from services.ingest.gate.registry_client import RegistryClient
from services.ingest.gate.resume import ResumeHints
from services.ingest.gate.routes import Routes
from services.ingest.gate.sessions import Sessions
from services.ingest.gate.settings import GateSettings
from services.ingest.gate.sight import Sight
from services.ingest.gate.tcp import Listener
from services.ingest.gate.turns import Turns
from services.ingest.gate.watch import Watch

log = get_logger(__name__)

SERVICE_NAME = "farsight.ingest.v1.IngestService"
REDIS_S = 5.0  # a Redis that does not answer must not hold its tasks for longer
NEW_ACCESS = "1072"  # sets the password
EVENTS_S = 5.0  # for the last events, of a stop within Kubernetes' thirty seconds


class Gate:
    """Listener, push door, gatherer and bus, wired."""

    def __init__(self, settings: GateSettings, tokens: Tokens, gate_id: str) -> None:
        self.settings = settings
        self.directory = Directory()
        self._tokens = tokens
        chassis = settings.chassis
        self._registry = RegistryClient(chassis.grpc_addr, tokens)
        self.bus = GateBus(chassis.amqp_uri, chassis.partitions, self._records_changed, gate_id)
        self.events = EventSender(self.bus.publish_event)
        self.gatherer = Gatherer(
            self.bus.publish,
            partitions=chassis.partitions,
            gate_id=gate_id,
            linger_s=settings.linger_s,
            batch_frames=settings.batch_frames,
            pending_frames=settings.pending_frames,
        )
        self.connections = Connections()
        self.commands: Commands = LoggerCommands(
            self.connections,
            self.events.put,
            gate_id=gate_id,
            settings=settings.commands,
            now=utc_now,
            busy=self._is_busy,
            paused=lambda: bool(self.pauses.reasons),
        )
        self.pauses = Pauses(self._reading_changed)
        self._redis = redis_of(chassis.redis_url)
        self._hints = ResumeHints(self._redis)
        self._routes: Routes | None = None
        self._stop_signal: StopSignal | None = None
        self.grpc_port = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._refresh: asyncio.Task[None] | None = None
        self._server: grpc.aio.Server | None = None
        self._wire(gate_id)
        self.bus.on_change = self.gatherer.on_pressure = self._pressure_changed
        self.bus.on_listening = self._load_directory
        self.bus.on_order = self._order

    def _wire(self, gate_id: str) -> None:
        """What stands between the doors and the gatherer, and who calls whom back."""
        settings = self.settings
        sessions = Sessions(
            self.connections,
            self.directory,
            self.events,
            self.commands,
            gate_id=gate_id,
            now=utc_now,
        )
        sight = self._watching(gate_id, sessions)
        self._notices = Notices(
            self.commands,
            self.directory,
            self._registry.renew_key,
            now=utc_now,
            again_s=settings.calibrate_s,
        )
        intake = Intake(
            self.directory,
            self.gatherer,
            sessions=sessions,
            commands=self.commands,
            sight=sight,
            notices=self._notices,
            partitions=settings.chassis.partitions,
            future=settings.future,
            now=utc_now,
        )
        self.push = PushServicer(
            self.directory,
            intake,
            future=settings.future,
            now=utc_now,
            publish_event=self.bus.publish_event,
            gate_id=gate_id,
            hints=self._hints,
        )
        self.turns = Turns(lambda: self.gatherer.pending, settings.late_frames)
        policy_of = self.directory.policy_of
        self.listener = Listener(settings, intake, sessions, policy_of, self.turns)

    def _watching(self, gate_id: str, sessions: Sessions) -> Sight:
        """Who looks for irregularities; with Redis also routes and the stop signal."""
        settings = self.settings
        anomalies = Anomalies(self.events, gate_id=gate_id, again_s=settings.anomaly_again_s)
        watch = Watch(
            anomalies,
            self.connections,
            drift_s=settings.clock_drift_s,
            second_s=settings.second_logger_s,
        )
        if self._redis is not None:
            self._stop_signal = StopSignal(self._redis, self.pauses)
            self._routes = Routes(self._redis, gate_id, lambda: self.connections)
            sessions.route_by(self._routes)
            self._routes.on_elsewhere = partial(_elsewhere, watch, self._routes)
        return Sight(watch, anomalies)

    async def start(self) -> None:
        """Connect, copy the registry, then listen."""
        self.gatherer.start()
        self._run(self.bus.run(), "bus")
        self._run(self.events.run(), "events")
        self._run(self._hints.run(), "hints")
        if self._routes is not None and self._stop_signal is not None:
            self._run(self._routes.run(), "routes")
            self._run(self._stop_signal.run(), "stop-signal")
        else:
            log.warning("no_redis", setting="REDIS_URL", lost="call-backs, stop signal")
        await self.bus.up.wait()
        await self.commands.start()
        await self.listener.start()
        self._server = grpc_host.build_server(self._tokens)
        ingest_rpc.add_IngestServiceServicer_to_server(self.push, self._server)
        await grpc_host.add_health_and_reflection(self._server, [SERVICE_NAME])
        self.grpc_port = self._server.add_insecure_port(self.settings.grpc_bind)
        await self._server.start()
        log.info(
            "gate_open",
            hj212_port=self.listener.port,
            grpc_port=self.grpc_port,
            loggers=len(self.directory),
        )

    async def stop(self) -> None:
        """Take nobody new, finish what was begun, publish and answer what is here, then end."""
        self.listener.stop_listening()
        if self._routes is not None:
            await self._routes.close()
        await self.commands.stop()
        await self._notices.stop()
        self.pauses.set(DRAIN, "the gate ends")
        self.listener.flush()
        left = await self.gatherer.drain(self.settings.drain_s)
        if self._server is not None:
            await self._server.stop(1)
        await self.listener.close()
        await self.events.drain(EVENTS_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._redis is not None:
            await self._hints.write()
            await self._redis.aclose()
        log.info("gate_closed", unconfirmed=left)

    def _order(self, order: command_pb2.CommandOrder) -> None:
        if order.cn == NEW_ACCESS:
            given = order.parameters
            password = given.get("NewPW", "") or given.get("PW", "")
            self.directory.expect_password(order.mn, password)
        self.commands.order(order)

    def _is_busy(self) -> bool:
        """Whether back-fill should wait: live frames pile up, or nothing is read."""
        return (
            bool(self.pauses.reasons)
            or self.gatherer.pending >= self.settings.commands.backfill_pending
        )

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    def check(self) -> None:
        """Whether the gate can take frames now. Raises Unavailable."""
        for name in (BUS, STOP):
            if name in self.pauses.reasons:
                raise Unavailable(self.pauses.reasons[name])

    def _pressure_changed(self) -> None:
        """Read while the bus is there and there is room."""
        self.pauses.set(BUS, "" if self.bus.up.is_set() else "RabbitMQ (AMQP_URI) is away")
        if self.gatherer.full:
            self.pauses.set(PENDING, f"{self.gatherer.pending} frames wait for their confirm")
        elif self.gatherer.has_room:
            self.pauses.set(PENDING, "")
        self.turns.let_go()

    def _reading_changed(self, paused: bool) -> None:
        self.listener.set_paused(paused)
        if paused:
            self.push.open.clear()
        else:
            self.push.open.set()

    def _records_changed(self, event: registry.RecordsChanged) -> None:
        if self.directory.apply(event.records):
            log.info("directory_changed", revision=self.directory.revision)

    async def _load_directory(self) -> None:
        """Copy what the registry has; the first time that is waited for: without it no MN is known.

        A later one only closes the gap of a broken connection and runs beside the work.
        """
        if len(self.directory):
            self._refresh = asyncio.create_task(self._copy_registry(), name="refresh")
        else:
            await self._copy_registry()

    async def _copy_registry(self) -> None:
        await self._registry.copy(self.directory.apply)
        log.info("directory_loaded", loggers=len(self.directory))


def _elsewhere(watch: Watch, routes: Routes, mn: str) -> None:
    """Another gate holds a route; both hold the logger when it goes on sending here."""
    if watch.elsewhere(mn, asyncio.get_running_loop().time(), utc_now()):
        routes.claim(mn)


def redis_of(url: str) -> Redis | None:
    """A client of Redis, or None where none is set up."""
    return Redis.from_url(url, socket_timeout=REDIS_S) if url else None


async def run(settings: GateSettings, gate_id: str) -> None:
    """Serve until SIGTERM or SIGINT."""
    gate = Gate(settings, Tokens(settings.chassis.token_key), gate_id)
    probes = Probes(settings.chassis.probe_bind, [gate.check])
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    starting = asyncio.create_task(gate.start())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        try:
            starting.result()
        except OSError as error:
            sys.exit(f"cannot listen (FARSIGHT_HJ212_BIND, FARSIGHT_HJ212_TLS_BIND): {error}")
        except InputRejected as error:
            sys.exit(str(error))
        probes.ready()
        await stopping
    starting.cancel()
    probes.not_ready()
    await gate.stop()

"""The gate as one process: what it is made of, in which order it starts and how it ends."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import grpc
import grpc.aio
from redis.asyncio import Redis

from services.chassis import grpc_host
from services.chassis.clock import utc_now
from services.chassis.errors import Unavailable
from services.chassis.identity import Actor, Role, Tokens
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import ingest_pb2_grpc as ingest_rpc
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.pb.registry.v1 import registry_pb2_grpc as registry_rpc
from services.chassis.probes import Probes
from services.ingest.gate.bus import GateBus
from services.ingest.gate.callback import Commands, NoCommands
from services.ingest.gate.connections import Connections
from services.ingest.gate.directory import KINDS, Directory
from services.ingest.gate.events import EventSender
from services.ingest.gate.gathering import Gatherer
from services.ingest.gate.intake import Intake
from services.ingest.gate.push import PushServicer
from services.ingest.gate.resume import ResumeHints
from services.ingest.gate.routes import Routes
from services.ingest.gate.sessions import Sessions
from services.ingest.gate.settings import GateSettings
from services.ingest.gate.tcp import Listener

log = get_logger(__name__)

SERVICE_NAME = "farsight.ingest.v1.IngestService"
SNAPSHOT_S = 60.0
RETRY_S = 1.0
REDIS_S = 5.0  # a Redis that does not answer must not hold its tasks for longer
EVENTS_S = 5.0  # for the last events, of a stop within Kubernetes' thirty seconds
#: The gate speaks to the registry as an operator of the whole country: it needs every logger's PW.
GATE = Actor("ingest-gate", Role.OPERATOR, division="000000", name="ingest-gate", scripted=True)


class Gate:
    """Listener, push door, gatherer and bus, wired."""

    def __init__(self, settings: GateSettings, tokens: Tokens, gate_id: str) -> None:
        self.settings = settings
        self.directory = Directory()
        self._tokens = tokens
        chassis = settings.chassis
        self.bus = GateBus(chassis.amqp_uri, chassis.partitions, self._records_changed, gate_id)
        self.events = EventSender(self.bus.publish_event)
        self.connections = Connections()
        self.commands: Commands = NoCommands()
        self.bus.on_order = self.commands.order
        sessions = Sessions(
            self.connections,
            self.directory,
            self.events,
            self.commands,
            gate_id=gate_id,
            now=utc_now,
        )
        self._routes = self._redis = None
        if chassis.redis_url:
            self._redis = Redis.from_url(chassis.redis_url, socket_timeout=REDIS_S)
            self._routes = Routes(self._redis, gate_id, lambda: self.connections)
            sessions.route_by(self._routes)
        self.gatherer = Gatherer(
            self.bus.publish,
            partitions=chassis.partitions,
            gate_id=gate_id,
            linger_s=settings.linger_s,
            batch_frames=settings.batch_frames,
            pending_frames=settings.pending_frames,
        )
        intake = Intake(
            self.directory,
            self.gatherer,
            sessions,
            self.commands,
            partitions=chassis.partitions,
            future=settings.future,
            now=utc_now,
        )
        self._hints = ResumeHints(self._redis)
        self.push = PushServicer(
            self.directory,
            intake,
            future=settings.future,
            now=utc_now,
            publish_event=self.bus.publish_event,
            gate_id=gate_id,
            hints=self._hints,
        )
        self.listener = Listener(settings, intake, sessions)
        self.grpc_port = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._refresh: asyncio.Task[None] | None = None
        self._server: grpc.aio.Server | None = None
        self.bus.on_change = self.gatherer.on_pressure = self._pressure_changed
        self.bus.on_listening = self._load_directory

    async def start(self) -> None:
        """Connect, copy the registry, then listen."""
        self.gatherer.start()
        self._run(self.bus.run(), "bus")
        self._run(self.events.run(), "events")
        self._run(self._hints.run(), "hints")
        if self._routes is not None:
            self._run(self._routes.run(), "routes")
        else:
            log.warning("no_redis", setting="REDIS_URL", lost="call-backs find no route")
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
        """Take nothing new, publish and answer what is here, then end."""
        await self.listener.stop_listening()
        self.push.open.clear()
        left = await self.gatherer.drain(self.settings.drain_s)
        if self._server is not None:
            await self._server.stop(1)
        await self.commands.stop()
        await self.listener.close()
        await self.events.drain(EVENTS_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._routes is not None and self._redis is not None:
            await self._hints.write()
            await self._routes.close()
            await self._redis.aclose()
        log.info("gate_closed", unconfirmed=left)

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    def check(self) -> None:
        """Whether the gate can take frames now. Raises Unavailable."""
        if not self.bus.up.is_set():
            raise Unavailable("RabbitMQ (AMQP_URI) is away")

    def _pressure_changed(self) -> None:
        """Read while the bus is there and there is room."""
        if self.gatherer.full or not self.bus.up.is_set():
            self.listener.set_paused(True)
            self.push.open.clear()
        elif self.gatherer.has_room:
            self.listener.set_paused(False)
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
        while True:
            try:
                await self._snapshot()
            except grpc.aio.AioRpcError as error:
                log.warning(
                    "registry_away",
                    address=self.settings.chassis.grpc_addr,
                    setting="FARSIGHT_GRPC_ADDR",
                    error=error.details(),
                )
                await asyncio.sleep(RETRY_S)
            else:
                log.info("directory_loaded", loggers=len(self.directory))
                return

    async def _snapshot(self) -> None:
        address = grpc_host.door_address(self.settings.chassis.grpc_addr, "registry")
        async with grpc.aio.insecure_channel(address, options=grpc_host.OPTIONS) as channel:
            stub = registry_rpc.RegistryServiceStub(channel)
            token, _ = self._tokens.issue(GATE)
            # Events are listened to already, so a change during the copy is not missed; they may
            # have carried newer revisions than records we lack, so the copy is always whole.
            request = registry.SnapshotRequest(kinds=KINDS)
            call = stub.Snapshot(request, metadata=grpc_host.bearer(token), timeout=SNAPSHOT_S)
            async for page in call:
                self.directory.apply(page.records)


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
            sys.exit(f"cannot listen on {settings.hj212_bind} (FARSIGHT_HJ212_BIND): {error}")
        probes.ready()
        await stopping
    starting.cancel()
    probes.not_ready()
    await gate.stop()

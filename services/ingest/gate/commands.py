"""反控: carries out what is ordered of the loggers that are connected to this gate.

The desk decides; this file gives it a clock that ticks and an end that waits for what is under way.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from prometheus_client import Counter, Gauge

from services.chassis.clock import Now
from services.chassis.pb.ingest.v1 import command_pb2 as pb
from services.ingest.gate.commands_desk import Desk
from services.ingest.gate.commands_settings import CommandSettings
from services.ingest.gate.connections import Connections, Link
from services.ingest.hj212.session import Received

TICK_S = 0.2

STEPS = Counter("farsight_gate_command_steps_total", "Steps of commands told", ["kind"])
ACTIVE = Gauge("farsight_gate_commands_active", "Requests to loggers under way")
WAITING = Gauge("farsight_gate_commands_waiting", "Orders that wait for their turn")
_PREFIX = len("COMMAND_STEP_KIND_")


class LoggerCommands:
    """The `Commands` of `callback`: `tell` gets each progress and must not wait."""

    def __init__(
        self,
        connections: Connections,
        tell: Callable[[pb.CommandProgress], None],
        *,
        gate_id: str,
        settings: CommandSettings,
        now: Now,
        busy: Callable[[], bool],
        paused: Callable[[], bool],
    ) -> None:
        self._told = tell
        self._settings = settings
        self._desk = Desk(
            connections.by_mn,
            self._tell,
            gate_id=gate_id,
            settings=settings,
            clock=asyncio.get_running_loop().time,
            now=now,
            busy=busy,
            paused=paused,
        )
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin: timeouts run from now."""
        self._ticking = asyncio.create_task(self._tick(), name="commands")

    async def stop(self) -> None:
        """Begin nothing more, wait a little for what is under way, then end it."""
        self._desk.shut()
        loop = asyncio.get_running_loop()
        until = loop.time() + self._settings.drain_s
        while self._desk.active and loop.time() < until:  # noqa: ASYNC110 - the desk has no events
            await asyncio.sleep(TICK_S / 4)
        self._desk.abandon()
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking

    def order(self, order: pb.CommandOrder) -> None:
        """Carry an order out; a repeated one is carried out once."""
        self._desk.order(order)

    def take(self, link: Link, received: Received) -> str:
        """The command_id that this admitted frame belongs to, or an empty text."""
        return self._desk.take(link, received)

    def ask(self, link: Link, cn: str, parameters: dict[str, str]) -> bool:
        """Begin a request of the gate's own; False when another one comes first."""
        return self._desk.ask(link, cn, parameters)

    def closed(self, link: Link) -> None:
        """The link ended; what was under way on it gets DISCONNECTED."""
        self._desk.closed(link)

    def _tell(self, progress: pb.CommandProgress) -> None:
        STEPS.labels(pb.CommandStepKind.Name(progress.kind)[_PREFIX:].lower()).inc()
        self._told(progress)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._desk.tick()
            ACTIVE.set(self._desk.active)
            WAITING.set(self._desk.waiting)

"""Simulated loggers on real connections, orders on the bus, and what the gate tells of them."""

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kombu import Connection, Exchange, Queue
from redis import Redis

from farsight.lab.device import Device, device_of
from farsight.lab.faults import read_faults
from farsight.lab.frames import Frame, realtime_frame
from farsight.lab.province import demo_loggers
from farsight.lab.uplink import Tally, Uplink
from services.chassis.bus.topology import COMMANDS, EVENTS
from services.chassis.clock import beijing
from services.chassis.pb.ingest.v1 import command_pb2 as pb
from tests.integration.gate_rig import PASSWORD, mn_of, wait_until

MODEL = demo_loggers(int(time.time()) // 3600, 7, honest=True)[0]
FACTOR = next(factor for factor in MODEL.model.factors if MODEL.model.row(factor))
KEY = b"0123456789abcdef"
STEP = len("COMMAND_STEP_KIND_")
STATE = len("COMMAND_STATE_")


class Loggers:
    """Loggers in an event loop of their own thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._uplinks: dict[str, Uplink] = {}
        self.tally = Tally()

    def connect(self, number: int, *faults: str, version: int = 2017, key: bytes = b"") -> Device:
        """Logger `number` of the house dials in and has reported once."""
        logger = replace(MODEL, mn=mn_of(number), password=PASSWORD, st="31")
        device = device_of(logger, version=version, key=key, faults=read_faults(faults))
        uplink = self._run(self._dial(device))
        self._uplinks[device.speech.mn] = uplink
        return device

    def send(self, device: Device, frames: Iterable[Frame]) -> Tally:
        """A connected logger sends frames; all are acknowledged or given up on return."""

        async def sent() -> None:
            uplink = self._uplinks[device.speech.mn]
            await uplink.send(list(frames))
            await uplink.drain()

        self._run(sent())
        return self.tally

    def hang_up(self) -> None:
        """Every logger goes."""
        for uplink in self._uplinks.values():
            self._run(uplink.close())
        self._uplinks = {}

    def stop(self) -> None:
        """End the loop."""
        self.hang_up()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _dial(self, device: Device) -> Uplink:
        uplink = Uplink(("127.0.0.1", self._port), self.tally, device=device)
        now = datetime.now(UTC).replace(microsecond=0)
        block = device.logger.model.block(int(now.timestamp()) // 3600, 1)
        await uplink.send([device.speech.dressed(realtime_frame(device.logger, block, now))])
        await asyncio.wait_for(uplink.drain(), 20)
        return uplink

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


class Orders:
    """Puts orders on the bus as ingest does, and hears the progress."""

    def __init__(self, amqp_uri: str, redis_url: str) -> None:
        self._bus = Connection(amqp_uri)
        self._channel = self._bus.channel()
        self._redis = Redis.from_url(redis_url, decode_responses=True)
        name = f"callback-test.{uuid.uuid4().hex[:8]}"
        self._queue = Queue(name, auto_delete=True, exclusive=True, channel=self._channel)
        self._queue.queue_declare()
        Exchange(EVENTS.name, EVENTS.type, channel=self._channel, passive=True)
        self._queue.bind_to(EVENTS.name, routing_key=pb.CommandProgress.DESCRIPTOR.full_name)
        self._told: dict[str, list[pb.CommandProgress]] = {}

    def close(self) -> None:
        """Leave the bus."""
        self._bus.close()

    def send(self, number: int, cn: str, command_id: str = "", **fields: Any) -> str:
        """Order something of logger `number` from the gate that its route names."""
        mn = mn_of(number)
        gate_id = wait_until(lambda: self._redis.get(f"farsight:route:{mn}"))
        order = pb.CommandOrder(command_id=command_id or str(uuid.uuid4()), mn=mn, cn=cn, **fields)
        self._channel.basic_publish(
            self._channel.prepare_message(order.SerializeToString()),
            exchange=COMMANDS.name,
            routing_key=gate_id,
        )
        return order.command_id

    def progress(self, command_id: str) -> list[pb.CommandProgress]:
        """What was told of a command so far, by number."""
        while message := self._channel.basic_get(self._queue.name, no_ack=True):
            body = message.body
            event = pb.CommandProgress.FromString(
                body.encode("latin-1") if isinstance(body, str) else bytes(body)
            )
            self._told.setdefault(event.command_id, []).append(event)
        return self._told.get(command_id, [])

    def ended(self, command_id: str, seconds: float = 30) -> list[pb.CommandProgress]:
        """All that was told of a command, once its last word came."""
        last = {pb.COMMAND_STATE_DONE, pb.COMMAND_STATE_FAILED, pb.COMMAND_STATE_EXPIRED}
        gone = pb.COMMAND_STEP_KIND_DISCONNECTED

        def over() -> bool:
            told = self.progress(command_id)
            return bool(told) and (told[-1].state in last or told[-1].kind == gone)

        wait_until(over, seconds)
        return self._told[command_id]


def steps(told: list[pb.CommandProgress]) -> list[str]:
    """`KIND STATE` of each."""
    return [
        f"{pb.CommandStepKind.Name(p.kind)[STEP:]} {pb.CommandState.Name(p.state)[STATE:]}"
        for p in told
    ]


def last_hour(now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> dict[str, str]:
    """The whole hour before this one, as the request says it."""
    start = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    end = start + timedelta(minutes=59)
    return {
        "BeginTime": f"{beijing(start):%Y%m%d%H%M%S}",
        "EndTime": f"{beijing(end):%Y%m%d%H%M%S}",
    }

"""The gate's side of RabbitMQ: publish with confirm, hear registry changes and orders.

One connection, made again whenever it breaks. Everything is declared before `up` is set, because an
exchange without its queues confirms and drops.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from google.protobuf.message import DecodeError, Message

from services.chassis.bus.topology import COMMANDS, EVENTS, READINGS, all_exchanges, all_queues
from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import command_pb2, ingest_pb2
from services.chassis.pb.registry.v1 import registry_pb2

log = get_logger(__name__)

CONFIRM_S = 30.0
RECONNECT_S = 1.0
BATCH_TYPE = ingest_pb2.ReadingBatch.DESCRIPTOR.full_name
RECORDS_TYPE = registry_pb2.RecordsChanged.DESCRIPTOR.full_name
_AWAY = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError, asyncio.CancelledError)

OnRecords = Callable[[registry_pb2.RecordsChanged], None]
OnOrder = Callable[[command_pb2.CommandOrder], None]


def command_queue(gate_id: str) -> str:
    """Name of the queue that holds a gate's own orders."""
    return f"gate.{gate_id}.commands"


class GateBus:
    """Publishes batches and events while `up`; calls back when the connection comes and goes."""

    def __init__(
        self, amqp_uri: str, partitions: int, on_records: OnRecords, gate_id: str = "gate"
    ) -> None:
        self._uri = amqp_uri
        self._partitions = partitions
        self._gate_id = gate_id
        self._on_records = on_records
        self._readings: AbstractExchange | None = None
        self._events: AbstractExchange | None = None
        self.up = asyncio.Event()
        self.on_change: Callable[[], None] = lambda: None
        self.on_listening: Callable[[], Awaitable[None]] | None = None
        self.on_order: OnOrder = _nobody_takes_orders

    async def run(self) -> None:
        """Keep a connection; ends only by being cancelled."""
        while True:
            try:
                await self._serve_one_connection()
            except (AMQPError, ChannelInvalidStateError, OSError, TimeoutError) as error:
                log.warning("bus_away", error=f"{type(error).__name__}: {error}")
            finally:
                self._readings = self._events = None
                self.up.clear()
                self.on_change()
            await asyncio.sleep(RECONNECT_S)

    async def publish(self, batch: ingest_pb2.ReadingBatch) -> None:
        """Send a batch and wait for its confirm. Raises Unavailable when none came."""
        message = aio_pika.Message(
            batch.SerializeToString(),
            content_type="application/x-protobuf",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=batch.batch_id,
            type=BATCH_TYPE,
            correlation_id=batch.frames[0].correlation_id if batch.frames else "",
        )
        await _confirmed(self._readings, message, f"p{batch.partition}")

    async def publish_event(self, event: Message, message_id: str = "") -> None:
        """Send an event and wait for its confirm. Raises Unavailable when none came.

        Who sends it again gives the same `message_id` again, so that it takes effect once.
        """
        type_name = event.DESCRIPTOR.full_name
        message = aio_pika.Message(
            event.SerializeToString(),
            content_type="application/x-protobuf",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=message_id or str(uuid.uuid4()),
            type=type_name,
            correlation_id=getattr(event, "correlation_id", ""),
        )
        await _confirmed(self._events, message, type_name)

    async def _serve_one_connection(self) -> None:
        connection = await aio_pika.connect(self._uri, timeout=10)
        async with connection:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            await self._declare(channel)
            await self._listen(await connection.channel(publisher_confirms=False))
            if self.on_listening is not None:
                await self.on_listening()
            self._readings = await channel.get_exchange(READINGS.name, ensure=False)
            self._events = await channel.get_exchange(EVENTS.name, ensure=False)
            self.up.set()
            self.on_change()
            log.info("bus_up")
            closed = asyncio.ensure_future(connection.closed())
            broken = asyncio.ensure_future(channel.closed())
            await asyncio.wait({closed, broken}, return_when=asyncio.FIRST_COMPLETED)
            raise ConnectionError("the broker closed the connection")

    async def _declare(self, channel: AbstractChannel) -> None:
        for exchange in all_exchanges():
            await channel.declare_exchange(
                exchange.name,
                exchange.type,
                durable=True,
                arguments=vars(exchange)["arguments"],
            )
        for spec in all_queues(self._partitions):
            queue = await channel.declare_queue(
                spec.name,
                durable=True,
                arguments=spec.arguments,  # type: ignore[arg-type]
            )
            for exchange_name, key in spec.bindings:
                await queue.bind(exchange_name, routing_key=key)

    async def _listen(self, channel: AbstractChannel) -> None:
        """Queues of this replica alone: it needs every registry change, and its own orders.

        Neither needs old ones: a snapshot follows, and who ordered something sees in the route
        whether this gate is still there.
        """
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        await queue.bind(EVENTS.name, routing_key=RECORDS_TYPE)
        await queue.consume(self._records_changed, no_ack=True)
        orders = await channel.declare_queue(
            command_queue(self._gate_id), exclusive=True, auto_delete=True
        )
        await orders.bind(COMMANDS.name, routing_key=self._gate_id)
        await orders.consume(self._ordered, no_ack=True)

    async def _records_changed(self, message: AbstractIncomingMessage) -> None:
        self._on_records(registry_pb2.RecordsChanged.FromString(message.body))

    async def _ordered(self, message: AbstractIncomingMessage) -> None:
        try:
            order = command_pb2.CommandOrder.FromString(message.body)
        except DecodeError:
            log.warning("order_unreadable", message_id=message.message_id)
            return
        self.on_order(order)


async def _confirmed(
    exchange: AbstractExchange | None, message: aio_pika.Message, key: str
) -> None:
    if exchange is None:
        raise Unavailable("the bus is away")
    task = asyncio.current_task()
    try:
        await exchange.publish(message, key, mandatory=True, timeout=CONFIRM_S)
    except _AWAY as error:
        # aiormq cancels the waiters of a broken channel; our own cancellation must go on.
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        raise Unavailable(f"no confirm: {type(error).__name__}: {error}") from error


def _nobody_takes_orders(order: command_pb2.CommandOrder) -> None:
    log.warning("order_not_taken", command_id=order.command_id, mn=order.mn)

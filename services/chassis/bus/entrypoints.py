"""nameko entrypoints that keep our promises: quorum queue, inbox, bounded retry, dead letters.

nameko's own consumer acknowledges a message even if its handler raised, and declares plain queues.
These entrypoints stand on its connection handling only: the handler runs inside one database
transaction together with its inbox row, and the message is acknowledged after the commit, or set
aside by `delivery.set_aside`.
"""

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import eventlet
from google.protobuf.message import DecodeError, Message
from kombu.entity import Queue
from nameko import config
from nameko.amqp.consume import Consumer as ConsumerCore
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import ProviderCollector, SharedExtension
from nameko.messaging import Consumer

from services.chassis.bus import topology
from services.chassis.bus.delivery import Envelope, envelope_of, set_aside
from services.chassis.bus.publish import Publisher
from services.chassis.errors import InputRejected
from services.chassis.inbox import first_time
from services.chassis.log import bind_correlation, get_logger
from services.chassis.metrics import HANDLED

log = get_logger(__name__)


class RawConsumer(ConsumerCore):  # type: ignore[misc]
    """Hands over the body as bytes; kombu's own decoding is for other people's formats."""

    def get_consumers(self, consumer_cls: Any, channel: Any) -> list[Any]:  # noqa: ARG002 - kombu
        """Build the consumer; the prefetch holds for each queue separately."""
        consumer = consumer_cls(queues=self.queues, on_message=self.on_raw, **self.consumer_options)
        consumer.qos(prefetch_count=self.prefetch_count)
        return [consumer]

    def on_raw(self, message: Any) -> None:
        """Pass a message on as (bytes, message)."""
        body = message.body
        self.on_message(body.encode() if isinstance(body, str) else bytes(body), message)


class BusEntrypoint(Consumer):  # type: ignore[misc]
    """Common half: where results and failures go."""

    consumer_cls = RawConsumer

    def setup(self) -> None:
        """Connect nothing yet; `queues` are existing ones, declared by the topology."""
        self.publisher = Publisher(config["AMQP_URI"])
        self.consumer = self.consumer_cls(
            config["AMQP_URI"],
            queues=[Queue(name, no_declare=True) for name in self.queue_names()],
            callbacks=[self.handle_message],
            heartbeat=config.get("HEARTBEAT", 30),
            prefetch_count=self.prefetch(),
        )

    def queue_names(self) -> list[str]:
        """Name the queues to read."""
        raise NotImplementedError  # pragma: no cover - abstract

    def prefetch(self) -> int:
        """Tell how many unacknowledged messages a queue may have with us."""
        return 1

    def handle_message(self, body: bytes, message: Any) -> None:
        """Spawn a worker for one message."""
        queue = self.home_queue(message)
        envelope = envelope_of(message, queue)

        def spawn() -> None:
            try:
                self.container.spawn_worker(
                    self,
                    (body, envelope),
                    {},
                    handle_result=functools.partial(self.handle_outcome, message, queue),
                )
            except ContainerBeingKilled:
                self.consumer.requeue_message(message)

        self.container.spawn_managed_thread(spawn, identifier=f"wait_for_worker[{queue}]")

    def home_queue(self, message: Any) -> str:
        """Tell which of our queues delivered the message."""
        del message
        return self.queue_names()[0]

    def handle_outcome(
        self, message: Any, queue: str, worker_ctx: Any, result: Any = None, exc_info: Any = None
    ) -> tuple[Any, Any]:
        """Acknowledge a handled message; set a failed one aside first."""
        del worker_ctx
        if exc_info is not None:
            self.set_aside(message, queue, exc_info)
        else:
            HANDLED.labels(queue, "ok").inc()
            self.consumer.ack_message(message)
        return result, exc_info

    def set_aside(self, message: Any, queue: str, exc_info: Any) -> None:
        """Publish to the waiting room or the dead letters, then acknowledge; else give it back."""
        service = self.container.service_name
        try:
            dead = set_aside(self.publisher, service, message, queue, exc_info[1])
        except Exception:
            log.exception("set_aside_failed", queue=queue)
            eventlet.sleep(1)
            self.consumer.requeue_message(message)
            return
        outcome = "dead" if dead else "retry"
        HANDLED.labels(queue, outcome).inc()
        log.warning("handler_failed", queue=queue, outcome=outcome, exc_info=exc_info)
        self.consumer.ack_message(message)


class EventQueue(SharedExtension, ProviderCollector):  # type: ignore[misc]
    """The service's event queue, shared by all its `on_event` methods."""

    def setup(self) -> None:
        """Nothing to do before the providers registered."""

    def start(self) -> None:
        """Nothing: the first provider's consumer starts the queue."""

    def provider_of(self, type_name: str) -> Any:
        """Give the entrypoint that handles an event, or None."""
        for provider in self._providers:
            if provider.type_name == type_name:
                return provider
        return None

    def leads(self, provider: Any) -> bool:
        """Tell whether this provider owns the consumer of the queue."""
        return bool(provider is min(self._providers, key=lambda one: one.method_name))


class EventEntrypoint(BusEntrypoint):
    """One event type of the service's event queue."""

    event_queue: ClassVar[EventQueue] = EventQueue()

    def __init__(self, message_class: type[Message], **kwargs: Any) -> None:
        super().__init__(queue=None, **kwargs)
        self.message_class = message_class
        self.type_name = message_class.DESCRIPTOR.full_name

    def setup(self) -> None:
        """Register; the consumer itself is built in `start` by the leading entrypoint."""
        self.event_queue.register_provider(self)

    def start(self) -> None:
        """Start the consumer once a service."""
        if self.event_queue.leads(self):
            super().setup()
            super().start()

    def stop(self) -> None:
        """Stop the consumer when it is ours."""
        if hasattr(self, "consumer"):
            super().stop()
        self.event_queue.unregister_provider(self)

    def queue_names(self) -> list[str]:
        """Name the service's event queue."""
        return [topology.event_queue(self.container.service_name)]

    def prefetch(self) -> int:
        """Events are small; one at a time keeps their order and the handlers simple."""
        return 1

    def handle_message(self, body: bytes, message: Any) -> None:
        """Hand the message to the entrypoint of its type; an unknown type is set aside."""
        type_name = message.properties.get("type", "")
        provider = self.event_queue.provider_of(type_name)
        if provider is None:
            error = InputRejected(f"no handler for {type_name or 'a message without type'}")
            self.set_aside(message, self.queue_names()[0], (type(error), error, None))
            return
        provider.consumer, provider.publisher = self.consumer, self.publisher
        BusEntrypoint.handle_message(provider, body, message)


class PartitionEntrypoint(BusEntrypoint):
    """All partition queues of a readings consumer on one channel, a batch each at a time."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queue=None, **kwargs)

    def queue_names(self) -> list[str]:
        """Name the queues of all partitions; the broker decides which of them are ours now."""
        service = self.container.service_name
        return [topology.reading_queue(service, n) for n in range(config["FARSIGHT_PARTITIONS"])]

    def home_queue(self, message: Any) -> str:
        """Tell the queue by the routing key: `p3` at first, its own name after a wait."""
        key = str(message.delivery_info.get("routing_key", ""))
        names = self.queue_names()
        return key if key in names else f"{self.container.service_name}.readings.{key}"


def on_event(message_class: type[Message]) -> Callable[[Callable[..., None]], Any]:
    """Handle an event: `def method(self, session, event)`, once, inside one transaction.

    The service class must have a `db` (`services.chassis.db.DatabaseProvider`). An event whose
    message id is in the inbox already is skipped. Raise `InputRejected` to send it to the dead
    letters at once.
    """

    def decorate(method: Callable[..., None]) -> Any:
        @functools.wraps(method)
        def handle(self: Any, body: bytes, envelope: Envelope) -> None:
            bind_correlation(envelope.correlation_id)
            event = parse(message_class, body)
            with self.db.transaction() as session:
                if first_time(session, envelope.queue, envelope.message_id):
                    method(self, session, event)

        del handle.__dict__["__wrapped__"]  # nameko looks at the signature that it calls
        return EventEntrypoint.decorator(message_class)(handle)

    return decorate


def consume_partition(message_class: type[Message]) -> Callable[[Callable[..., None]], Any]:
    """Handle reading batches: `def method(self, batch, envelope)`, at least once, in arrival order.

    The method commits by itself (it may write files first) and must be idempotent; use
    `inbox.first_time(session, envelope.queue, batch.batch_id)` in its own transaction. The batch is
    acknowledged after it returned.
    """

    def decorate(method: Callable[..., None]) -> Any:
        @functools.wraps(method)
        def handle(self: Any, body: bytes, envelope: Envelope) -> None:
            bind_correlation(envelope.correlation_id)
            method(self, parse(message_class, body), envelope)

        del handle.__dict__["__wrapped__"]
        return PartitionEntrypoint.decorator()(handle)

    return decorate


def parse(message_class: type[Message], body: bytes) -> Message:
    """Read a message. Raises InputRejected when the bytes are none."""
    try:
        return message_class.FromString(body)
    except DecodeError as error:
        raise InputRejected(f"not a {message_class.DESCRIPTOR.full_name}: {error}") from error

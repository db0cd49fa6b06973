"""Every exchange and queue of the platform, as data, declared by whoever connects first.

A topic exchange without a queue *confirms and drops*, so the queues of all consumers are declared
together, before anybody publishes. Retry queues are shared: a message waits there under the routing
key that is its home queue's name and falls back to that queue when its time is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kombu.connection import Connection
from kombu.entity import Exchange, Queue

READINGS = Exchange(
    "farsight.readings",
    type="direct",
    durable=True,
    arguments={"alternate-exchange": "farsight.unrouted"},
)
EVENTS = Exchange(
    "farsight.events",
    type="topic",
    durable=True,
    arguments={"alternate-exchange": "farsight.unrouted"},
)
#: Orders to a gate by its id; each gate binds an exclusive queue of its own.
COMMANDS = Exchange("farsight.commands", type="direct", durable=True)
UNROUTED = Exchange("farsight.unrouted", type="fanout", durable=True)
RETURN = Exchange("farsight.return", type="direct", durable=True)
DEAD = Exchange("farsight.dead", type="direct", durable=True)

#: Waiting times of the bounded retry, milliseconds; the last one repeats until MAX_ATTEMPTS.
RETRY_DELAYS_MS = (1_000, 10_000, 60_000)
MAX_ATTEMPTS = 8
#: Redeliveries after which a message that keeps killing its consumer is set aside by the broker.
DELIVERY_LIMIT = 20

#: Events without any subscriber are kept for a look, the newest so many: nobody has lost them.
UNROUTED_KEPT = 10_000

#: Consumer group -> protobuf full names of the events it handles. A test compares this with the
#: handlers.
SUBSCRIPTIONS: Mapping[str, tuple[str, ...]] = {
    "registry": ("farsight.ingest.v1.LoggerSettingsChanged",),
    "ingest": (
        "farsight.registry.v1.RecordsChanged",
        "farsight.ingest.v1.CommandProgress",
        "farsight.ingest.v1.LoggerSessions",
        "farsight.ingest.v1.LoggerAnomaly",
        "farsight.ingest.v1.OutsideBatch",
    ),
    "detect": (
        "farsight.registry.v1.RecordsChanged",
        "farsight.ingest.v1.MarksChanged",
        "farsight.ingest.v1.DayFrozen",
        "farsight.ingest.v1.QualityCheck",
        "farsight.ingest.v1.OutsideBatch",
        "farsight.detect.v1.PackActivated",
    ),
    "cases": (
        "farsight.registry.v1.RecordsChanged",
        "farsight.detect.v1.FindingChanged",
        "farsight.detect.v1.ClueChanged",
        "farsight.detect.v1.PackActivated",
        "farsight.notify.v1.NoticeOutcome",
        "farsight.referral.v1.ReferralChanged",
    ),
    "referral": (
        "farsight.registry.v1.RecordsChanged",
        "farsight.cases.v1.ReferralRequested",
    ),
    "notify": (
        "farsight.registry.v1.RecordsChanged",
        "farsight.cases.v1.NoticeRequested",
    ),
}

#: Consumer groups that read the readings exchange, one queue a partition.
READING_GROUPS = ("ingest", "detect")


@dataclass(frozen=True)
class QueueSpec:
    """One queue as any AMQP library can declare it."""

    name: str
    arguments: dict[str, object]
    bindings: tuple[tuple[str, str], ...] = field(default=())  # (exchange, routing key)


def quorum_arguments(service: str, *, single_active: bool = False) -> dict[str, object]:
    """Arguments of a consumer queue: replicated, and poison goes to the service's dead letters."""
    arguments: dict[str, object] = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD.name,
        "x-dead-letter-routing-key": service,
    }
    if single_active:
        arguments["x-single-active-consumer"] = True
    return arguments


def event_queue(service: str) -> str:
    """Name of a service's event queue."""
    return f"{service}.events"


def reading_queue(service: str, partition: int) -> str:
    """Name of a service's queue of one partition."""
    return f"{service}.readings.p{partition}"


def dead_queue(service: str) -> str:
    """Name of the queue that keeps a service's dead letters."""
    return f"{service}.dead"


def event_spec(service: str) -> QueueSpec:
    """Describe a service's event queue with its bindings."""
    name = event_queue(service)
    bindings = [(EVENTS.name, key) for key in SUBSCRIPTIONS.get(service, ())]
    return QueueSpec(name, quorum_arguments(service), (*bindings, (RETURN.name, name)))


def reading_spec(service: str, partition: int) -> QueueSpec:
    """Describe a service's queue of one partition: one active consumer keeps the order."""
    name = reading_queue(service, partition)
    arguments = quorum_arguments(service, single_active=True)
    return QueueSpec(name, arguments, ((READINGS.name, f"p{partition}"), (RETURN.name, name)))


def retry_spec(delay_ms: int) -> QueueSpec:
    """Describe a waiting room; the home queue's name is the routing key on the way in and out."""
    name = f"farsight.retry.{delay_ms}"
    arguments: dict[str, object] = {
        "x-queue-type": "quorum",
        "x-message-ttl": delay_ms,
        "x-dead-letter-exchange": RETURN.name,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    return QueueSpec(name, arguments, ((name, "#"),))


def all_queues(partitions: int) -> list[QueueSpec]:
    """List every queue of an installation."""
    specs = [retry_spec(delay) for delay in RETRY_DELAYS_MS]
    unrouted: dict[str, object] = {"x-queue-type": "quorum", "x-max-length": UNROUTED_KEPT}
    specs.append(QueueSpec("farsight.unrouted", unrouted, ((UNROUTED.name, "#"),)))
    for service in SUBSCRIPTIONS:
        specs.append(event_spec(service))
        dead = ((DEAD.name, service),)
        specs.append(QueueSpec(dead_queue(service), {"x-queue-type": "quorum"}, dead))
    specs.extend(
        reading_spec(service, number) for service in READING_GROUPS for number in range(partitions)
    )
    return specs


def all_exchanges() -> list[Exchange]:
    """List every exchange; the alternate exchange first."""
    waiting = [
        Exchange(f"farsight.retry.{delay}", type="topic", durable=True) for delay in RETRY_DELAYS_MS
    ]
    return [UNROUTED, READINGS, EVENTS, COMMANDS, RETURN, DEAD, *waiting]


def declare_topology(connection: Connection, partitions: int) -> None:
    """Declare everything; idempotent. Raises amqp errors where the broker's differs."""
    with connection.channel() as channel:
        for exchange in all_exchanges():
            exchange(channel).declare()
        for spec in all_queues(partitions):
            queue = Queue(spec.name, durable=True, queue_arguments=spec.arguments, channel=channel)
            queue.queue_declare()
            for exchange_name, key in spec.bindings:
                queue.bind_to(exchange_name, routing_key=key)

"""What happens to a message whose handler failed: wait and come back, or be set aside."""

from dataclasses import dataclass
from typing import Any

from services.chassis.bus.publish import Publisher
from services.chassis.bus.topology import DEAD, MAX_ATTEMPTS, RETRY_DELAYS_MS
from services.chassis.errors import FarsightError

ATTEMPT = "x-farsight-attempt"
HOME = "x-farsight-queue"
ERROR = "x-farsight-error"


@dataclass(frozen=True)
class Envelope:
    """What a message says about itself besides its body."""

    message_id: str
    type_name: str
    correlation_id: str
    attempt: int
    queue: str


def envelope_of(message: Any, queue: str) -> Envelope:
    """Read the envelope of a kombu message that came from `queue`."""
    properties, headers = message.properties, message.headers or {}
    return Envelope(
        message_id=properties.get("message_id", ""),
        type_name=properties.get("type", ""),
        correlation_id=properties.get("correlation_id", "") or "",
        attempt=int(headers.get(ATTEMPT, 1)),
        queue=queue,
    )


def set_aside(
    publisher: Publisher, service: str, message: Any, queue: str, error: Exception
) -> bool:
    """Publish a failed message to a waiting room or to the dead letters; tell whether it is dead.

    An error that a repetition cannot heal goes to the dead letters at once, others after
    `MAX_ATTEMPTS`; what only waits for room on a disk never does. The caller acknowledges the
    original only after this returned.
    """
    envelope = envelope_of(message, queue)
    hopeless = isinstance(error, FarsightError) and not error.retry
    counted = not isinstance(error, FarsightError) or error.counted
    dead = hopeless or (counted and envelope.attempt >= MAX_ATTEMPTS)
    headers = {
        **(message.headers or {}),
        ATTEMPT: envelope.attempt + counted,
        HOME: queue,
        ERROR: f"{type(error).__name__}: {error}"[:1000],
    }
    properties = {
        "message_id": envelope.message_id,
        "type": envelope.type_name,
        "correlation_id": envelope.correlation_id,
    }
    if dead:
        exchange, key = DEAD.name, service
    else:
        delay = RETRY_DELAYS_MS[min(envelope.attempt, len(RETRY_DELAYS_MS)) - 1]
        exchange, key = f"farsight.retry.{delay}", queue
    publisher.publish(
        message.body, exchange=exchange, routing_key=key, properties=properties, headers=headers
    )
    return dead

"""Publishing with confirms from synchronous processes (nameko services and tools)."""

import uuid
from typing import Any

from google.protobuf.message import Message
from kombu.connection import Connection
from kombu.pools import producers
from nameko.constants import DEFAULT_TRANSPORT_OPTIONS

from services.chassis.bus.topology import EVENTS

CONTENT_TYPE = "application/x-protobuf"


class Publisher:
    """Publishes protobuf messages; returns only after the broker's confirm, raises otherwise."""

    def __init__(self, amqp_uri: str) -> None:
        options = {**DEFAULT_TRANSPORT_OPTIONS, "confirm_publish": True}
        self._connection = Connection(amqp_uri, transport_options=options)

    def publish(
        self,
        body: bytes,
        *,
        exchange: str,
        routing_key: str,
        properties: dict[str, Any],
        headers: dict[str, Any],
        mandatory: bool = True,
    ) -> None:
        """Send raw bytes, persistent. Raises amqp and connection errors when unconfirmed."""
        with producers[self._connection].acquire(block=True) as producer:
            producer.publish(
                body,
                exchange=exchange,
                routing_key=routing_key,
                content_type=properties.pop("content_type", CONTENT_TYPE),
                content_encoding="binary",
                serializer=None,
                delivery_mode=2,
                headers=headers,
                mandatory=mandatory,
                retry=True,
                retry_policy={"max_retries": 5, "interval_start": 0.1, "interval_max": 2},
                **properties,
            )

    def publish_event(self, message: Message, *, correlation_id: str = "") -> str:
        """Send an event to the events exchange; gives its message id."""
        message_id = str(uuid.uuid4())
        name = message.DESCRIPTOR.full_name
        self.publish(
            message.SerializeToString(),
            exchange=EVENTS.name,
            routing_key=name,
            properties={"message_id": message_id, "type": name, "correlation_id": correlation_id},
            headers={},
            mandatory=False,
        )
        return message_id

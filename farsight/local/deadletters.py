"""Dead letters on the bus (死信): looking at them without taking them, and sending them back.

A queue is read by `basic.get` without acknowledgement; closing the channel puts everything back.
Messages that no queue wanted (`farsight.unrouted`) are dead letters too.
"""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from amqp.basic_message import Message
from amqp.exceptions import AMQPError, NotFound
from google.protobuf import symbol_database
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from kombu.connection import Connection
from kombu.exceptions import KombuError

import services.chassis.pb
from farsight.local.errors import LocalError, ServerUnavailable
from services.chassis.bus.delivery import ATTEMPT, ERROR, HOME
from services.chassis.bus.topology import SUBSCRIPTIONS, UNROUTED, dead_queue

_PUBLISH_TIMEOUT_S = 10
UNROUTED_NAME = "unrouted"


@dataclass(frozen=True)
class DeadLetter:
    """One message that was set aside."""

    service: str
    message_id: str
    type_name: str
    correlation_id: str
    exchange: str
    """Where a replay is published; empty is the default exchange, whose keys are queue names."""
    routing_key: str
    error: str
    attempts: int
    headers: Mapping[str, Any]
    body: bytes

    def summary(self) -> dict[str, Any]:
        """What a list shows of it."""
        return {
            "service": self.service,
            "id": self.message_id,
            "type": self.type_name,
            "goes_to": self.routing_key,
            "attempts": self.attempts,
            "error": self.error,
            "correlation_id": self.correlation_id,
            "bytes": len(self.body),
        }

    def decoded(self) -> dict[str, Any] | None:
        """The body as protobuf JSON; None when the type is unknown or the bytes are no message."""
        message_class = _message_class(self.type_name)
        if message_class is None:
            return None
        try:
            message = message_class.FromString(self.body)
        except DecodeError:
            return None
        decoded: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
        return decoded


def queues() -> dict[str, str]:
    """The dead-letter queue of each service, and the one of messages no queue wanted."""
    return {**{name: dead_queue(name) for name in SUBSCRIPTIONS}, UNROUTED_NAME: UNROUTED.name}


@contextmanager
def connected(amqp_uri: str) -> Iterator[Connection]:
    """A connection to the bus. Raises `ServerUnavailable`."""
    try:
        with Connection(
            amqp_uri, connect_timeout=5, transport_options={"confirm_publish": True}
        ) as connection:
            connection.connect()
            yield connection
    except (OSError, AMQPError, KombuError) as error:
        parts = urlsplit(amqp_uri)
        where = f"{parts.hostname}:{parts.port or 5672}"
        raise ServerUnavailable("RabbitMQ", where, "AMQP_URI", str(error)) from None


def depth(connection: Connection, queue: str) -> int | None:
    """How many messages wait in a queue; None when there is no such queue."""
    with connection.channel() as channel:
        try:
            count: int = channel.queue_declare(queue, passive=True).message_count
        except NotFound:
            return None
    return count


def peek(connection: Connection, service: str) -> list[DeadLetter]:
    """Every dead letter of a service, oldest first; all stay where they are."""
    queue = queues()[service]
    waiting = depth(connection, queue)
    with connection.channel() as channel:
        got = (channel.basic_get(queue) for _ in range(waiting or 0))
        return [_letter(service, message) for message in got if message is not None]


def replay(connection: Connection, service: str, message_ids: frozenset[str] | None) -> list[str]:
    """Send dead letters back to where they failed; the ids of those sent.

    None means all. Each is acknowledged only after the broker confirmed its copy, so a crash in
    between may send one twice (the inbox knows it by its id) but loses none.
    """
    queue = queues()[service]
    sent = []
    with connection.channel() as channel:
        for _ in range(depth(connection, queue) or 0):
            message = channel.basic_get(queue)
            if message is None:
                break
            letter = _letter(service, message)
            if message_ids is None or letter.message_id in message_ids:
                _send_back(channel, message, letter)
                channel.basic_ack(message.delivery_tag)
                sent.append(letter.message_id)
    return sent


def _send_back(channel: Any, message: Any, letter: DeadLetter) -> None:
    """Publish a copy with a confirm. Raises `LocalError` when no queue would take it."""
    if not letter.routing_key:
        raise LocalError(f"dead letter {letter.message_id} does not say where it came from")
    if not letter.exchange and depth(channel.connection.client, letter.routing_key) is None:
        raise LocalError(f"queue {letter.routing_key} does not exist")
    ours = {ATTEMPT, ERROR, HOME, "x-delivery-count"}
    kept = {key: value for key, value in letter.headers.items() if key not in ours}
    properties = {
        key: value for key, value in message.properties.items() if key != "application_headers"
    }
    copy = Message(letter.body, application_headers=kept, **properties)
    channel.basic_publish_confirm(
        copy,
        exchange=letter.exchange,
        routing_key=letter.routing_key,
        mandatory=True,
        timeout=_PUBLISH_TIMEOUT_S,
    )


def _letter(service: str, message: Any) -> DeadLetter:
    headers = message.headers or {}
    info = message.delivery_info
    body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
    if service == UNROUTED_NAME:
        exchange, routing_key, error = info["exchange"], info["routing_key"], "no queue wanted it"
    else:
        exchange, routing_key = "", headers.get(HOME) or headers.get("x-first-death-queue", "")
        error = headers.get(ERROR) or f"given up by the broker ({_death_reason(headers)})"
    properties = message.properties
    return DeadLetter(
        service=service,
        message_id=properties.get("message_id") or f"tag-{message.delivery_tag}",
        type_name=properties.get("type", ""),
        correlation_id=properties.get("correlation_id", ""),
        exchange=exchange,
        routing_key=routing_key,
        error=error,
        attempts=max(0, int(headers.get(ATTEMPT, 1)) - 1),
        headers=headers,
        body=body,
    )


def _death_reason(headers: Mapping[str, Any]) -> str:
    return str(headers.get("x-first-death-reason", "unknown reason"))


def _message_class(type_name: str) -> Any:
    for module in pkgutil.walk_packages(services.chassis.pb.__path__, "services.chassis.pb."):
        if module.name.endswith("_pb2"):
            importlib.import_module(module.name)
    try:
        return symbol_database.Default().GetSymbol(type_name)
    except KeyError:
        return None

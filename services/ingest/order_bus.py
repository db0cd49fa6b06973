"""The way of an order to one gate: direct, mandatory, confirmed; and where the loggers are."""

import contextlib
from collections.abc import Iterable
from typing import Any

from amqp.exceptions import AMQPError, ResourceLocked
from amqp.exceptions import NotFound as NoQueue
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.exceptions import OperationalError
from kombu.messaging import Producer
from redis import Redis
from redis.exceptions import RedisError

from services.chassis.bus.publish import CONTENT_TYPE
from services.chassis.bus.topology import COMMANDS
from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import command_pb2 as pb

log = get_logger(__name__)

#: Seconds until a broker that says nothing counts as away.
PATIENCE_S = 5
ROUTE = "farsight:route:"  # services/ingest/gate/routes.py writes them
CHUNK = 500


class OrderBus:
    """Publishes orders from one thread of control; keeps one connection and mends it when asked."""

    def __init__(self, amqp_uri: str) -> None:
        self._uri = amqp_uri
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._returned = False

    def check(self) -> None:
        """Ask the broker something. Raises Unavailable when it is away."""
        with self._mended() as producer:
            COMMANDS(producer.channel).declare(passive=True)

    def send(self, order: pb.CommandOrder, gate_id: str) -> bool:
        """Hand an order over; False when the broker returned it: no such gate.

        Raises Unavailable when no confirm came: it may have arrived or not.
        """
        with self._mended() as producer:
            self._returned = False
            producer.publish(
                order.SerializeToString(),
                exchange=COMMANDS.name,
                routing_key=gate_id,
                content_type=CONTENT_TYPE,
                content_encoding="binary",
                serializer=None,
                mandatory=True,
                message_id=order.command_id,
                type=order.DESCRIPTOR.full_name,
                timeout=PATIENCE_S,
            )
            return not self._returned

    def is_alive(self, gate_id: str) -> bool:
        """Whether a gate holds its queue; nobody else may touch it, and that is the answer.

        Raises Unavailable.
        """
        with self._mended() as producer:
            channel = producer.channel.connection.channel()
            try:
                Queue(f"gate.{gate_id}.commands", channel=channel).queue_declare(passive=True)
            except ResourceLocked:
                return True
            except NoQueue:
                return False
            channel.close()
        return True

    def close(self) -> None:
        """End the connection."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.release()

    @contextlib.contextmanager
    def _mended(self) -> Any:
        try:
            yield self._producer or self._connect()
        except (OSError, OperationalError, AMQPError) as error:
            self.close()
            raise Unavailable(f"the bus is away: {type(error).__name__}: {error}") from error

    def _connect(self) -> Producer:
        self._connection = Connection(
            self._uri,
            connect_timeout=PATIENCE_S,
            transport_options={
                "confirm_publish": True,
                "read_timeout": PATIENCE_S,
                "write_timeout": PATIENCE_S,
            },
        )
        self._connection.connect()
        self._producer = Producer(self._connection.channel(), on_return=self._on_return)
        return self._producer

    def _on_return(self, *_: object) -> None:
        self._returned = True


class RouteReader:
    """Reads the routes that gates keep in Redis."""

    def __init__(self, redis_url: str) -> None:
        self._redis = (
            Redis.from_url(
                redis_url, socket_timeout=2, socket_connect_timeout=2, decode_responses=True
            )
            if redis_url
            else None
        )

    def gate_of(self, mn: str) -> str:
        """The gate that holds a logger, empty = none. Raises Unavailable when Redis is away."""
        return self.gates_of([mn]).get(mn, "")

    def gates_of(self, mns: Iterable[str]) -> dict[str, str]:
        """The gates of those loggers that have one, by MN. Raises Unavailable."""
        if self._redis is None:
            raise Unavailable("setting REDIS_URL is missing")
        names = list(mns)
        found: dict[str, str] = {}
        try:
            for start in range(0, len(names), CHUNK):
                some = names[start : start + CHUNK]
                gates: Any = self._redis.mget([ROUTE + mn for mn in some])
                found.update((mn, gate) for mn, gate in zip(some, gates, strict=True) if gate)
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis (REDIS_URL) is away: {error}") from error
        return found

    def close(self) -> None:
        """End the connection."""
        if self._redis is not None:
            self._redis.close()

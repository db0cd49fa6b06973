"""Sessions, routes and orders of a real gate with a real bus and a real Redis."""

import uuid
from collections.abc import Iterator

import pytest
import redis
from kombu import Connection, Exchange, Queue

from services.chassis.bus.topology import COMMANDS, EVENTS
from services.chassis.pb.ingest.v1 import command_pb2, logger_pb2
from tests.conftest import migrate
from tests.integration.gate_rig import House, Logger, house, mn_of, wait_until
from tests.servers import fresh_database

pytestmark = pytest.mark.timeout(180)
SESSIONS = logger_pb2.LoggerSessions


class Ear:
    """Hears one kind of event from now on."""

    def __init__(self, amqp_uri: str, kind: type) -> None:
        self._kind = kind
        self._bus = Connection(amqp_uri)
        name = f"ear.{uuid.uuid4()}"
        exchange = Exchange(EVENTS.name, type="topic", passive=True)
        self._queue = Queue(
            name,
            exchange,
            routing_key=kind.DESCRIPTOR.full_name,
            exclusive=True,
            auto_delete=True,
            channel=self._bus.channel(),
        )
        self._queue.declare()

    def hear(self) -> list:
        """Everything since the last call, with its message ids checked for being there."""
        heard = []
        while message := self._queue.get(no_ack=True):
            assert message.properties["message_id"]
            assert message.properties["type"] == self._kind.DESCRIPTOR.full_name
            body = message.body
            event = self._kind.FromString(body.encode() if isinstance(body, str) else body)
            heard += event.sessions if isinstance(event, SESSIONS) else [event]
        return heard

    def next(self, count: int = 1) -> list:
        """The next `count` events."""
        heard: list = []

        def enough() -> bool:
            heard.extend(self.hear())
            return len(heard) >= count

        wait_until(enough)
        return heard

    def close(self) -> None:
        """Stop listening."""
        self._bus.close()


@pytest.fixture(scope="module")
def site(postgres_url, amqp_uri, redis_url, tmp_path_factory) -> Iterator[House]:
    """The house for this module, with Redis."""
    with fresh_database(postgres_url, "gate") as url:
        for service in ("registry", "ingest"):
            migrate(url, service)
        with house(url, amqp_uri, tmp_path_factory.mktemp("gate"), redis_url) as made:
            yield made


@pytest.fixture(scope="module")
def port(site: House) -> int:
    """HJ 212 port of this module's gate."""
    return site.start_gate()


@pytest.fixture
def sessions(amqp_uri: str) -> Iterator[Ear]:
    """Hears sessions, whatever event they came in."""
    ear = Ear(amqp_uri, SESSIONS)
    yield ear
    ear.close()


def test_a_logger_that_came_is_told_and_routed_until_it_goes(
    site: House, port: int, sessions: Ear, redis_url: str
):
    """The first admitted frame opens, the end of the connection closes; Redis names the gate."""
    routes = redis.Redis.from_url(redis_url, decode_responses=True)
    logger = Logger(port)
    logger.send(site.upload(2, password="wrong") + site.upload(2))
    logger.replies(1)
    (opened,) = sessions.next()
    gate_id = wait_until(lambda: routes.get(f"farsight:route:{mn_of(2)}"))
    life = routes.ttl(f"farsight:route:{mn_of(2)}")
    logger.close()
    (closed,) = sessions.next()

    assert (opened.mn, opened.open, opened.reason) == (mn_of(2), True, "")
    assert opened.outlet_id == site.outlets[1]
    assert gate_id == opened.gate_id
    assert 60 < life <= 90
    assert (closed.session_id, closed.open, closed.reason) == (opened.session_id, False, "peer")
    wait_until(lambda: not routes.exists(f"farsight:route:{mn_of(2)}"))


def test_an_order_reaches_the_gate_that_it_names(site: House, port: int, sessions: Ear, amqp_uri):
    """The gate's own queue is bound under its id; without a gate the order comes back."""
    logger = Logger(port)
    logger.send(site.upload(1))
    (opened,) = sessions.next()
    order = command_pb2.CommandOrder(command_id="c-1", mn=mn_of(1), cn="1011")
    returned = []
    with Connection(amqp_uri) as bus, bus.channel() as channel:
        channel.events["basic_return"].add(lambda *told: returned.append(told))
        producer = bus.Producer(channel, serializer=None)
        for key in (opened.gate_id, "nobody"):
            producer.publish(
                order.SerializeToString(), exchange=COMMANDS.name, routing_key=key, mandatory=True
            )
        wait_until(lambda: bus.drain_events(timeout=5) or returned)
    logger.close()

    assert len(returned) == 1

"""What the gate answers, how often, how it goes slow and how it goes: real gate, bus and Redis."""

import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import redis
from kombu import Connection, Exchange, Queue

from farsight.local.ports import Address
from farsight.local.waiting import why_not_ready
from services.chassis.bus.topology import COMMANDS, EVENTS
from services.chassis.pb.ingest.v1 import command_pb2, logger_pb2
from services.ingest.hj212.cipher import decrypt_area, encrypt_frame
from services.ingest.hj212.encode import encode_frame, request_number
from services.ingest.hj212.segment import parse_segment
from tests.conftest import migrate
from tests.integration.gate_rig import (
    PASSWORD,
    House,
    Logger,
    free_port,
    house,
    logger_record,
    mn_of,
    outcomes,
    wait_until,
)
from tests.servers import fresh_database

pytestmark = pytest.mark.timeout(180)

KEY = b"0123456789abcdef"
STOP = "farsight:ingest:stop"
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
    """Registry and doors, with Redis."""
    with fresh_database(postgres_url, "gate") as url:
        for service in ("registry", "ingest"):
            migrate(url, service)
        with house(url, amqp_uri, tmp_path_factory.mktemp("gate"), redis_url) as made:
            yield made


@pytest.fixture(scope="module")
def port(site: House) -> int:
    """HJ 212 port of this module's gate; logger 3 is one of 2025."""
    record = logger_record(3, site.outlets[2])
    record.logger.hardware_id = "HW-0003"
    record.logger.sm4_key = KEY.hex()
    site.sync(record)
    return site.start_gate()


@pytest.fixture
def logger(site: House, port: int) -> Iterator[Logger]:
    """A fresh connection."""
    site.batches()
    connected = Logger(port)
    yield connected
    connected.close()
    site.batches()


def notice(cn: str, number: int = 3, area: str = "", qn: str = "", flag: int = 9) -> bytes:
    """A frame of the site that is no upload."""
    qn = qn or request_number(datetime.now(UTC))
    mn = mn_of(number) if number else ""
    head = f"QN={qn};ST=31;CN={cn};PW={PASSWORD};MN={mn};Flag={flag}"
    return encode_frame(f"{head};CP=&&{area}&&".encode())


def commands(replies: list[bytes]) -> list[str]:
    """CN of each frame that came."""
    return [reply.partition(b"CN=")[2][:4].decode() for reply in replies]


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
    logger.replies(1)
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


def test_a_frame_repeated_299_times_gets_a_handful_of_replies(site: House, logger: Logger):
    """hj212.md 7, time-sync storm: every one is in the balance, twelve a minute are answered."""
    data = site.upload(1)
    for _ in range(299):
        logger.send(data)

    assert outcomes(site.frames(299)) == {"accepted": 1, "duplicate": 298}
    assert len(logger.replies(299, seconds=1)) == 13
    assert site.metric("gate", "farsight_gate_replies_withheld_total") == 286


def test_a_heartbeat_is_answered_9013_in_the_form_of_2025(site: House, logger: Logger):
    """Flag=8: an acknowledgement that asks for none."""
    logger.send(notice("9015", qn="20261122110000001"))

    (reply,) = logger.replies(1)
    assert b"QN=20261122110000001;ST=91;CN=9013;PW=123456;" in reply
    assert b"Flag=8;CP=&&&&" in reply
    (frame,) = site.frames(1)
    assert (frame.version, frame.cn, outcomes([frame])) == (2025, "9015", {"accepted": 1})


def test_a_wish_for_the_time_gets_one_1012_however_often_it_comes(site: House, logger: Logger):
    """Each 1012 provoked another 1013 in a real network: now the second wish gets its 9013 only."""
    logger.send(notice("1013", number=1, flag=5))
    first = logger.replies(2)
    logger.send(notice("1013", number=1, flag=5))
    second = logger.replies(2, seconds=1)

    assert commands(first) == ["9013", "1012"]
    assert b"SystemTime=20" in first[1]
    assert commands(second) == ["9013"]


def test_replies_and_answers_are_kept_and_never_answered(site: House, logger: Logger):
    """A 9014 with Flag=5 begs for an answer to an answer (hj212.md 2.4)."""
    logger.send(notice("9014", number=1, flag=5) + notice("9011", number=1, area="QnRtn=1", flag=5))

    assert outcomes(site.frames(2)) == {"accepted": 2}
    assert logger.replies(1, seconds=0.5) == []


def test_a_logger_without_an_mn_is_told_its_mn(site: House, logger: Logger):
    """1001 of 2025: the registry knows the device, so 1002 follows the 9013."""
    logger.send(notice("1001", number=0, area="i23005-Info=HW-0003;i23006-Info=CPU"))

    replies = logger.replies(2)
    assert commands(replies) == ["9013", "1002"]
    assert f"MN={mn_of(3)}".encode() in replies[1]
    (frame,) = site.frames(1)
    assert (frame.mn, frame.outlet_id) == (mn_of(3), site.outlets[2])


def test_a_device_that_nobody_registered_gets_its_9013_and_no_more(site: House, logger: Logger):
    """It is nobody's outlet; a known device with a wrong password gets nothing at all."""
    logger.send(notice("1001", number=0, area="i23005-Info=HW-0999"))
    stranger = notice("1001", number=0, area="i23005-Info=HW-0003").replace(b"123456", b"654321")
    logger.send(encode_frame(stranger[6:-6]))

    assert commands(logger.replies(2, seconds=1)) == ["9013"]
    frames = site.frames(2)
    assert [frame.outlet_id for frame in frames if not frame.reason] == [""]
    assert outcomes(frames) == {"accepted": 1, "wrong_password": 1}


def test_a_wish_for_a_key_is_answered_under_the_old_one(site: House, logger: Logger):
    """1014: the new key comes encrypted, again on a repeated wish, and opens the next upload."""
    wish = encrypt_frame(notice("1014", area="SKCreateTime=20260101000000000"), KEY)
    logger.send(wish)
    (first,) = logger.replies(1)
    new = new_key(first)
    upload = encrypt_frame(site.upload(3, flag=9), new)
    logger.send(upload)

    assert commands(logger.replies(1)) == ["9014"]
    frames = site.frames(2)
    assert outcomes(frames) == {"accepted": 2}
    assert len(new) == 16
    assert new != KEY


def new_key(reply: bytes) -> bytes:
    """NewSK of a 1014."""
    segment = reply[6:-4]
    start = segment.index(b"CP=&&") + 5
    plain = segment[:start] + decrypt_area(segment[start:-2], KEY) + b"&&"
    return dict(parse_segment(plain).pairs())["NewSK"].encode()


def test_a_flood_waits_and_loses_nothing(site: House):
    """Beyond its share a connection is not read; everything comes in the end."""
    port = site.start_gate(
        "slow", FARSIGHT_GATE_FRAMES_PER_S="100", FARSIGHT_GATE_BURST_FRAMES="50"
    )
    flood, calm = Logger(port), Logger(port)
    for number in range(150):
        flood.send(site.upload(1, qn=f"202611221100{number:05d}"))
    wait_until(lambda: site.metric("slow", "farsight_gate_connections_held_total"))
    calm.send(site.upload(2))

    assert len(calm.replies(1, seconds=5)) == 1
    assert len(flood.replies(150)) == 150
    assert outcomes(site.frames(151)) == {"accepted": 151}
    flood.close()
    calm.close()
    site.stop("slow")


def test_the_stop_signal_pauses_reading_until_it_is_gone(
    site: House, logger: Logger, redis_url: str
):
    """Ingest says that its disk is full; the gate acknowledges nothing and says why."""
    store = redis.Redis.from_url(redis_url)
    paused = 'farsight_gate_paused{reason="stop"}'
    store.set(STOP, "archive: 1 % free", ex=30)
    wait_until(lambda: site.metric("gate", paused) == 1.0)
    logger.send(site.upload(1))
    early = logger.replies(1, seconds=0.5)
    words = why_not_ready(Address("127.0.0.1", site.ports["gate"]))
    store.delete(STOP)

    assert early == []
    assert "archive: 1 % free" in words
    assert len(logger.replies(1)) == 1
    assert site.metric("gate", paused) == 0.0
    site.frames(1)


def test_without_redis_everything_is_taken_and_answered(site: House):
    """Routes and signals may be lost; readings may not wait for them."""
    port = site.start_gate("alone", REDIS_URL="redis://127.0.0.1:1/0")
    logger = Logger(port)
    logger.send(site.upload(1))

    assert len(logger.replies(1)) == 1
    assert site.metric("alone", "farsight_gate_redis_up") == 0.0
    logger.close()
    assert site.stop("alone") == 0
    site.frames(1)


class Sender(threading.Thread):
    """A logger that sends without waiting, and sends again what was not acknowledged."""

    def __init__(self, site: House, port: int, number: int) -> None:
        super().__init__(daemon=True)
        self._site, self._port, self._number = site, port, number
        self.enough = threading.Event()
        self.waiting: dict[bytes, bytes] = {}
        self.acknowledged: list[bytes] = []

    def run(self) -> None:
        """Send until told, then until everything is acknowledged."""
        count = 0
        while not self.enough.is_set() or self.waiting:
            try:
                logger = Logger(self._port)
                for frame in list(self.waiting.values()):
                    logger.send(frame)
                while not self.enough.is_set() or self.waiting:
                    if not self.enough.is_set():
                        qn = f"20261122{self._number}{count:08d}".encode()
                        count += 1
                        self.waiting[qn] = self._site.upload(self._number, qn=qn.decode())
                        logger.send(self.waiting[qn])
                    if not self._take(logger):
                        break
            except OSError:
                time.sleep(0.02)

    def _take(self, logger: Logger) -> bool:
        """Read what came; False when the gate hung up."""
        for reply in logger.replies(1000, seconds=0.005):
            qn = reply.partition(b"QN=")[2].partition(b";")[0]
            self.acknowledged.append(qn)
            self.waiting.pop(qn, None)
        logger.socket.settimeout(0.001)
        try:
            return logger.socket.recv(1, 2) != b""  # MSG_PEEK
        except TimeoutError:
            return True


def test_sigterm_under_traffic_loses_nothing_and_doubles_nothing(site: House):
    """What was acknowledged is on the bus, once; what was not is taken by the gate that follows."""
    port = free_port()
    bind = {"FARSIGHT_HJ212_BIND": f"127.0.0.1:{port}", "FARSIGHT_GATE_LINGER_MS": "20"}
    site.start("first", "services.ingest.gate", **bind, FARSIGHT_GATE_GRPC_BIND="127.0.0.1:0")
    senders = [Sender(site, port, number) for number in (1, 2)]
    for sender in senders:
        sender.start()
    wait_until(lambda: all(len(sender.acknowledged) > 100 for sender in senders))

    code = site.stop("first", signal.SIGTERM)
    between = sum(len(sender.acknowledged) for sender in senders)
    site.start("second", "services.ingest.gate", **bind, FARSIGHT_GATE_GRPC_BIND="127.0.0.1:0")
    wait_until(lambda: sum(len(sender.acknowledged) for sender in senders) > between + 100)
    for sender in senders:
        sender.enough.set()
    for sender in senders:
        sender.join(30)

    on_bus = Counter(
        frame.qn.encode() for batch in site.batches() for frame in batch.frames if not frame.reason
    )
    acknowledged = Counter(qn for sender in senders for qn in sender.acknowledged)
    assert code == 0
    assert [sender.waiting for sender in senders] == [{}, {}]
    assert on_bus == acknowledged
    assert set(on_bus.values()) == {1}
    site.stop("second")

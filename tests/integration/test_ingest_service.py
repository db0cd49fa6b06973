"""The way of a reading over real processes: gate, bus, ingest, doors."""

import random
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import grpc
import psycopg
import pytest
from kombu import Connection, Queue

from services.chassis import grpc_host
from services.chassis.bus.topology import EVENTS
from services.chassis.clock import to_timestamp
from services.chassis.errors import FarsightError, Forbidden, InputRejected, NotFound
from services.chassis.identity import Actor, Role
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.ingest.v1 import ingest_pb2_grpc as rpc
from services.ingest.hj212.version import Version
from tests.conftest import migrate
from tests.integration.gate_rig import CREDIT, House, Logger, house, wait_until
from tests.servers import fresh_database

pytestmark = pytest.mark.timeout(240)

PLATFORM = Actor("province", Role.PLATFORM, division="130000")
COUNTY = Actor("county", Role.OFFICER, division="130402")
NEIGHBOUR = Actor("neighbour", Role.OFFICER, division="130403")
OPERATOR = Actor("operator", Role.OPERATOR, division="000000")
PLANT = Actor("plant", Role.ENTERPRISE, enterprise_id=CREDIT)
OTHER_PLANT = Actor("other", Role.ENTERPRISE, enterprise_id="91130402MA0OTHER1X")
POLICE = Actor("police", Role.POLICE, division="130400")


@pytest.fixture(scope="module")
def site(postgres_url, amqp_uri, tmp_path_factory) -> Iterator[House]:
    """The whole ingest side."""
    with fresh_database(postgres_url, "ingest") as url:
        for service in ("registry", "ingest"):
            migrate(url, service)
        with house(url, amqp_uri, tmp_path_factory.mktemp("ingest")) as made:
            made.ports["hj212"] = made.start_gate()
            start_ingest(made)
            yield made


def start_ingest(site: House) -> None:
    """Start the ingest service."""
    site.start("ingest", "services.chassis.host", "ingest")


def this_hour() -> datetime:
    """The running hour."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def history(
    site: House, actor: Actor, outlet: str, kind: int = pb.READING_KIND_HOUR
) -> pb.GetReadingsResponse:
    """Readings of the last days through the door. Raises the platform's errors."""
    request = pb.GetReadingsRequest(
        outlet_id=outlet,
        kind=kind,
        start=to_timestamp(this_hour() - timedelta(days=30)),
        end=to_timestamp(this_hour() + timedelta(hours=1)),
        with_versions=True,
    )
    with grpc_host.client_channel(site.environment["FARSIGHT_GRPC_ADDR"]) as channel:
        try:
            return rpc.HistoryServiceStub(channel).GetReadings(
                request, metadata=site.bearer(actor), timeout=10
            )
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error


def balance(site: House, actor: Actor, outlet: str = "") -> pb.GetBalanceResponse:
    """The balance of the last two hours through the door."""
    request = pb.GetBalanceRequest(
        start=to_timestamp(this_hour() - timedelta(hours=1)),
        end=to_timestamp(this_hour() + timedelta(hours=1)),
        outlet_id=outlet,
    )
    with grpc_host.client_channel(site.environment["FARSIGHT_GRPC_ADDR"]) as channel:
        try:
            return rpc.HistoryServiceStub(channel).GetBalance(
                request, metadata=site.bearer(actor), timeout=10
            )
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error


def push(
    site: House, actor: Actor | None, *requests: pb.PushReadingsRequest
) -> list[pb.PushReadingsResponse]:
    """Push through the gate's door. Raises the platform's errors."""
    metadata = site.bearer(actor) if actor else []
    with grpc_host.client_channel(site.environment["FARSIGHT_GATE_GRPC_ADDR"]) as channel:
        try:
            stub = rpc.IngestServiceStub(channel)
            return list(stub.PushReadings(iter(requests), metadata=metadata, timeout=20))
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error


def reading(outlet: str, **fields: object) -> pb.PushedReading:
    """A reading to push."""
    values: dict[str, object] = {
        "outlet_id": outlet,
        "kind": pb.READING_KIND_HOUR,
        "data_time": to_timestamp(this_hour() - timedelta(hours=2)),
        "values": [pb.PushedValue(factor="a21002", value=80.5, flag="N")],
        "request_id": "1",
    }
    return pb.PushedReading(**{**values, **fields})


def test_frame_by_tcp_is_read_back_by_grpc(site: House):
    """From the logger's bytes to the officer's curve."""
    logger = Logger(site.ports["hj212"])
    logger.send(site.upload(1, {"a21026": {"Avg": 31.5, "ZsAvg": 35.2, "Flag": "N"}}))
    assert len(logger.replies(1)) == 1
    outlet = site.outlets[0]

    found = wait_until(lambda: history(site, COUNTY, outlet).factors)

    (series,) = found
    assert (series.factor, list(series.value), list(series.converted)) == ("a21026", [31.5], [35.2])
    assert list(series.time_s) == [int(this_hour().timestamp())]
    assert series.flags == "N"


def test_pushed_readings_are_safe_and_checked_one_by_one(site: House):
    """A platform pushes: good ones accepted, each bad one refused by name, answers in order."""
    outlet = site.outlets[1]
    future = to_timestamp(datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=12))
    answers = push(
        site,
        PLATFORM,
        pb.PushReadingsRequest(sequence=7, readings=[reading(outlet)]),
        pb.PushReadingsRequest(
            sequence=8,
            readings=[
                reading("91130402MA0NOBODY0-DA001"),
                reading(outlet, kind=pb.READING_KIND_UNSPECIFIED),
                reading(outlet, data_time=future),
                reading(outlet, values=[]),
                reading(outlet, values=[pb.PushedValue(factor="a", flag="时")]),
                reading(outlet, values=[pb.PushedValue(factor="a21026", value=float("inf"))]),
                reading(outlet, data_time=to_timestamp(this_hour() - timedelta(hours=1))),
            ],
        ),
        pb.PushReadingsRequest(sequence=9),
    )

    assert [(a.sequence, a.accepted, a.refused) for a in answers] == [
        (7, 1, 0),
        (8, 1, 6),
        (9, 0, 0),
    ]
    assert list(answers[1].reasons) == [
        "0: unknown_outlet",
        "1: malformed",
        "2: future_time",
        "3: malformed",
        "4: malformed",
        "5: malformed",
    ]
    found = wait_until(
        lambda: [s for s in history(site, OPERATOR, outlet).factors if len(s.value) == 2]
    )
    assert list(found[0].value) == [80.5, 80.5]


def test_who_may_push(site: House):
    """A token, the role, and the jurisdiction of the outlet."""
    request = pb.PushReadingsRequest(sequence=1, readings=[reading(site.outlets[1])])

    with pytest.raises(FarsightError, match="token"):
        push(site, None, request)
    for actor in (COUNTY, PLANT, POLICE):
        with pytest.raises(Forbidden):
            push(site, actor, request)
    elsewhere = Actor("shandong", Role.PLATFORM, division="370000")
    (answer,) = push(site, elsewhere, request)
    assert list(answer.reasons) == ["0: forbidden"]


def test_who_may_read(site: House):
    """The outlet's county and above, its plant, the operator; nobody else learns of it."""
    outlet = site.outlets[0]
    wait_until(lambda: history(site, OPERATOR, outlet).factors)

    for actor in (COUNTY, PLATFORM, PLANT, OPERATOR):
        assert history(site, actor, outlet).factors
        assert balance(site, actor, outlet).total.received > 0
    for actor in (NEIGHBOUR, OTHER_PLANT, POLICE):
        with pytest.raises(NotFound):
            history(site, actor, outlet)
    for actor in (NEIGHBOUR, OTHER_PLANT):
        assert balance(site, actor).total.received == 0
        with pytest.raises(NotFound):
            balance(site, actor, outlet)
    with pytest.raises(Forbidden):
        balance(site, POLICE)
    with pytest.raises(InputRejected):
        history(site, COUNTY, outlet, pb.READING_KIND_UNSPECIFIED)


def test_garbage_is_in_the_balance_of_its_peer(site: House):
    """Bytes of nobody are counted for their address and shown to the operator only."""
    logger = Logger(site.ports["hj212"])
    logger.send(b"GET / HTTP/1.1\r\n\r\n")
    logger.close()

    def counted() -> bool:
        rows = balance(site, OPERATOR).rows
        return any(r.outlet_id == "peer:127.0.0.1" and r.refused["header"] for r in rows)

    wait_until(counted)
    assert all(not r.outlet_id.startswith("peer:") for r in balance(site, COUNTY).rows)


def test_deviating_value_is_told_to_the_house(site: House):
    """A logger that sends an hour again with a better value: version kept, event on the bus."""
    hour = this_hour() - timedelta(days=3)
    with Connection(site.environment["AMQP_URI"]) as bus, bus.channel() as channel:
        queue = Queue("", exclusive=True, channel=channel)
        queue.queue_declare()
        queue.bind_to(EVENTS.name, routing_key="farsight.ingest.v1.ReadingConflict")
        logger = Logger(site.ports["hj212"])
        for value in (90.0, 30.0):
            logger.send(site.upload(2, {"a21026": {"Avg": value}}, moment=hour))
            assert len(logger.replies(1)) == 1

        message = wait_until(lambda: channel.basic_get(queue.name, no_ack=True))

    body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
    event = pb.ReadingConflict.FromString(body)
    assert (event.outlet_id, event.first_value, event.later_value) == (site.outlets[1], 90.0, 30.0)
    versions = [s for s in history(site, COUNTY, site.outlets[1]).factors if s.factor == "a21026"]
    assert [(list(s.value), list(s.version)) for s in versions] == [([90.0, 30.0], [0, 1])]


@pytest.mark.fault
def test_kill_9_under_load_loses_and_doubles_nothing(site: House):
    """Ingest dies three times while frames arrive: accepted = stored once, ledger complete."""
    outlet = site.outlets[2]
    chance = random.Random(9)
    start = this_hour() - timedelta(days=20)
    sent = 300
    acknowledged: list[bytes] = []

    def send() -> None:
        logger = Logger(site.ports["hj212"])
        for number in range(sent):
            hour = start + timedelta(hours=number)
            logger.send(site.upload(3, moment=hour, qn=f"20261122{number:09d}"))
            time.sleep(0.02)
        acknowledged.extend(logger.replies(sent, seconds=60))

    sender = threading.Thread(target=send)
    sender.start()
    for _ in range(3):
        time.sleep(chance.uniform(0.5, 1.5))
        site.stop("ingest", signal.SIGKILL)
        start_ingest(site)
    sender.join(120)

    assert len(acknowledged) == sent
    wait_until(lambda: balance(site, OPERATOR, outlet).total.accepted >= sent, 60)
    total = balance(site, OPERATOR, outlet).total
    assert (total.received, total.accepted, total.duplicate, dict(total.refused)) == (
        sent,
        sent,
        0,
        {},
    )
    (series,) = history(site, OPERATOR, outlet).factors
    assert len(series.value) == sent
    with psycopg.connect(site.environment["DATABASE_URL"]) as database:
        row = database.execute(
            "SELECT count(*), count(DISTINCT sm3), count(DISTINCT leaf) FROM ingest.ledger"
            " WHERE outlet_id = %s",
            [outlet],
        ).fetchone()
    assert row == (sent, sent, sent)


def test_a_logger_of_2005_is_stored_with_the_codes_of_today(site: House):
    """`011` reaches the store as w01018, `020` in mg/L as w20111 in ug/L; how it came is kept."""
    hour = this_hour() - timedelta(days=9)
    values = {
        "011": {"Avg": "231.0", "Flag": "N"},
        "020": {"Cou": "0.5", "Avg": "0.0123", "Flag": "N"},
    }
    frame = site.upload(2, values=values, moment=hour, st="32", version=Version.V2005)
    logger = Logger(site.ports["hj212"])
    logger.send(frame)
    (reply,) = logger.replies(1)
    logger.close()

    def stored() -> dict[str, pb.FactorSeries]:
        found = {one.factor: one for one in history(site, COUNTY, site.outlets[1]).factors}
        return found if "w20111" in found else {}

    series = wait_until(stored)
    cod, mercury = series["w01018"], series["w20111"]
    assert b"ST=91;CN=9014;CP=&&QN=" in reply  # as 2005 acknowledges: QN and CN inside CP
    assert (list(cod.value), cod.reported_code, cod.reported_unit) == ([231.0], "011", "")
    assert (list(mercury.value), list(mercury.cou)) == ([12.3], [500.0])
    assert (mercury.reported_code, mercury.reported_scale) == ("020", 1000.0)
    assert mercury.reported_unit == "mg/L"

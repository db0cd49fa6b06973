"""Who a logger is: address, certificate, PROXY, TLS; and what becomes of who it is not."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import grpc
import psycopg
import pytest

from services.chassis import grpc_host
from services.chassis.errors import NotFound
from services.chassis.identity import Actor, Role
from services.chassis.pb.ingest.v1 import logger_pb2 as pb
from services.chassis.pb.ingest.v1 import logger_pb2_grpc as rpc
from tests.certificates import certificate
from tests.conftest import migrate
from tests.integration.gate_rig import (
    CREDIT,
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

COUNTY = Actor("county", Role.OFFICER, division="130402")
NEIGHBOUR = Actor("neighbour", Role.OFFICER, division="130403")
PLANT = Actor("plant", Role.ENTERPRISE, enterprise_id=CREDIT)


class TlsLogger(Logger):
    """A data logger that speaks TLS, after a PROXY header where one is given."""

    def __init__(self, port: int, shown: Path | None = None, header: bytes = b"") -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if shown is not None:
            context.load_cert_chain(shown)
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        plain.sendall(header)
        self.socket = context.wrap_socket(plain)
        self._received = b""


@pytest.fixture(scope="module")
def site(postgres_url, amqp_uri, redis_url, tmp_path_factory) -> Iterator[House]:
    """Registry, ingest and doors."""
    with fresh_database(postgres_url, "gate") as url:
        for service in ("registry", "ingest"):
            migrate(url, service)
        folder = tmp_path_factory.mktemp("gate")
        with house(url, amqp_uri, folder, redis_url) as made:
            made.start("ingest", "services.chassis.host", "ingest")
            yield made


@pytest.fixture(scope="module")
def device(site: House) -> tuple[Path, str]:
    """The certificate of logger 2, and its SHA-256."""
    folder = Path(site.environment["FARSIGHT_DATA"])
    return folder / "device.pem", certificate(folder, "device")


@pytest.fixture(scope="module")
def ports(site: House, device: tuple[Path, str]) -> tuple[int, int]:
    """A gate behind a balancer on loopback: its plain and its TLS port."""
    folder = Path(site.environment["FARSIGHT_DATA"])
    certificate(folder, "gate")
    tls_port = free_port()
    record = logger_record(1, site.outlets[0])
    record.logger.addresses.append("10.1.0.0/16")
    known = logger_record(2, site.outlets[1])
    known.logger.certificate_sha256 = device[1]
    site.sync(record, known)
    plain = site.start_gate(
        FARSIGHT_HJ212_PROXY="127.0.0.1/32",
        FARSIGHT_HJ212_TLS_BIND=f"127.0.0.1:{tls_port}",
        FARSIGHT_HJ212_TLS_CERT=str(folder / "gate.pem"),
        FARSIGHT_HJ212_TLS_KEY=str(folder / "gate.pem"),
        FARSIGHT_HJ212_TLS_CLIENT_CA=str(device[0]),
    )
    return plain, tls_port


def announced(host: str, port: int = 40001) -> bytes:
    """A balancer's line."""
    return f"PROXY TCP4 {host} 10.9.9.9 {port} 9212\r\n".encode()


def anomalies(site: House, actor: Actor, **fields) -> list[pb.LoggerAnomaly]:
    """What the door says to somebody. Raises the platform's errors."""
    with grpc_host.client_channel(site.environment["FARSIGHT_GRPC_ADDR"]) as channel:
        try:
            answer = rpc.LoggerServiceStub(channel).ListLoggerAnomalies(
                pb.ListLoggerAnomaliesRequest(**fields), metadata=site.bearer(actor), timeout=20
            )
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error
    return list(answer.anomalies)


def told(site: House, number: int, kind: int, actor: Actor = COUNTY) -> list[pb.LoggerAnomaly]:
    """What was told of logger `number`, once ingest kept it."""
    return wait_until(lambda: anomalies(site, actor, mn=mn_of(number), kinds=[kind]))


def test_the_address_is_the_announced_one(site: House, ports: tuple[int, int]):
    """Inside the logger's block it is admitted, outside it is refused without a reply."""
    inside, outside = Logger(ports[0]), Logger(ports[0])
    data = site.upload(1)
    for byte in announced("10.1.2.3"):
        inside.send(bytes([byte]))
    inside.send(data)
    outside.send(announced("10.2.0.9", 5) + data + data)

    assert len(inside.replies(1)) == 1
    frames = site.frames(3)
    assert outcomes(frames) == {"accepted": 1, "wrong_address": 2}
    assert {frame.peer for frame in frames} == {"10.1.2.3:40001", "10.2.0.9:5"}
    assert outside.replies(1, seconds=0.3) == []
    (one,) = told(site, 1, pb.ANOMALY_KIND_ADDRESS_REFUSED)
    assert (one.before, one.after, one.outlet_id) == (
        "10.1.0.0/16",
        "10.2.0.9",
        site.outlets[0],
    )
    inside.close()
    outside.close()


def test_a_connection_of_a_balancer_without_a_header_is_closed(site: House, ports):
    """A balancer that does not announce its client would lend it its own address."""
    silent = Logger(ports[0])
    silent.send(site.upload(3))

    assert silent.closed_by_peer()
    assert site.metric("gate", 'farsight_gate_openings_refused_total{reason="proxy"}') == 1.0


def test_a_header_from_elsewhere_is_garbage(site: House):
    """Only trusted balancers may say who they speak for."""
    port = site.start_gate("direct")
    forger = Logger(port)
    forger.send(announced("10.1.2.3") + site.upload(1))

    frames = site.frames(2)
    assert outcomes(frames) == {"header": 1, "wrong_address": 1}
    assert {frame.peer.partition(":")[0] for frame in frames} == {"127.0.0.1"}
    forger.close()
    site.stop("direct")


def test_the_registered_certificate_and_no_other(site: House, ports, device):
    """TLS behind a PROXY header; without a certificate the frame is kept and not answered."""
    known = TlsLogger(ports[1], device[0], announced("10.3.0.1"))
    stranger = TlsLogger(ports[1], None, announced("10.3.0.2"))
    known.send(site.upload(2))
    stranger.send(site.upload(2))

    assert len(known.replies(1)) == 1
    assert outcomes(site.frames(2)) == {"accepted": 1, "wrong_certificate": 1}
    assert stranger.replies(1, seconds=0.3) == []
    (one,) = told(site, 2, pb.ANOMALY_KIND_CERTIFICATE_REFUSED)
    assert (one.before, one.after) == (device[1], "none, from 10.3.0.2")
    known.close()
    stranger.close()


def test_a_hand_that_shakes_wrongly_is_let_go(site: House, ports):
    """Plain bytes on the TLS door end the connection; the gate goes on."""
    plain = Logger(ports[1])
    plain.send(announced("10.3.0.3") + site.upload(2))

    assert plain.closed_by_peer()
    assert site.metric("gate", 'farsight_gate_openings_refused_total{reason="tls"}') == 1.0


def test_two_senders_of_one_mn_are_told_once(site: House, ports):
    """Two addresses in turn; the same from one address is one device on two connections."""
    first, second = Logger(ports[0]), Logger(ports[0])
    first.send(announced("10.4.0.1"))
    second.send(announced("10.4.0.2"))
    for number in range(8):
        sender = (first, second)[number % 2]
        sender.send(site.upload(3, qn=f"2026112211000{number:04d}"))
        sender.replies(1)

    (one,) = told(site, 3, pb.ANOMALY_KIND_SECOND_LOGGER)
    assert {one.before, one.after} == {"10.4.0.1", "10.4.0.2"}
    first.close()
    second.close()
    site.frames(8)


def test_who_sees_irregularities(site: House, ports):
    """The county all of its own, the neighbour nothing, the plant only what it must put right."""
    logger = Logger(ports[0])
    logger.send(announced("10.5.0.1") + site.upload(3, password="654321"))
    told(site, 3, pb.ANOMALY_KIND_PASSWORD_REFUSED)
    logger.close()
    site.frames(1)

    kinds = {anomaly.kind for anomaly in anomalies(site, COUNTY)}
    of_plant = {anomaly.kind for anomaly in anomalies(site, PLANT)}

    assert {pb.ANOMALY_KIND_SECOND_LOGGER, pb.ANOMALY_KIND_PASSWORD_REFUSED} < kinds
    assert of_plant == kinds - {pb.ANOMALY_KIND_SECOND_LOGGER}
    assert anomalies(site, NEIGHBOUR) == []
    with pytest.raises(NotFound):
        anomalies(site, NEIGHBOUR, outlet_id=site.outlets[0])


def test_irregularities_come_in_pages(site: House, ports):
    """Newest first, each once."""
    everything = anomalies(site, COUNTY)
    with grpc_host.client_channel(site.environment["FARSIGHT_GRPC_ADDR"]) as channel:
        stub, seen, token = rpc.LoggerServiceStub(channel), [], ""
        while True:
            page = stub.ListLoggerAnomalies(
                pb.ListLoggerAnomaliesRequest(page_size=1, page_token=token),
                metadata=site.bearer(COUNTY),
            )
            seen += page.anomalies
            token = page.next_page_token
            if not token:
                break

    assert seen == everything
    assert len(seen) > 2


def test_what_the_tables_keep_is_not_changed(site: House, ports):
    """Clues are evidence: the service's own role may add and read."""
    with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
        connection.execute("SET ROLE farsight_ingest")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM ingest.logger_anomaly")

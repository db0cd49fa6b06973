"""The gate over TCP: real gate, doors, registry and bus; what each frame comes to."""

import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from gmssl_pyx import sm3_hash

from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.hj212.encode import encode_frame
from tests.conftest import migrate
from tests.integration.gate_rig import (
    House,
    Logger,
    house,
    logger_record,
    outcomes,
    outlet_record,
    wait_until,
)
from tests.servers import fresh_database

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def site(postgres_url, amqp_uri, tmp_path_factory) -> Iterator[House]:
    """The house for this module."""
    with fresh_database(postgres_url, "gate") as url:
        for service in ("registry", "ingest"):
            migrate(url, service)
        with house(url, amqp_uri, tmp_path_factory.mktemp("gate")) as made:
            yield made


@pytest.fixture(scope="module")
def port(site: House) -> int:
    """HJ 212 port of this module's gate."""
    return site.start_gate(FARSIGHT_GATE_STALL_S="1")


@pytest.fixture
def logger(port: int) -> Iterator[Logger]:
    """A fresh connection."""
    connected = Logger(port)
    yield connected
    connected.close()


def test_accepted_frame_is_on_the_bus_and_then_acknowledged(site: House, logger: Logger):
    """Raw bytes, digest, columns and 9014 with the frame's QN."""
    values = {
        "a21026": {"Avg": 31.5, "Min": 30, "Flag": "N"},
        "a21002": {"Avg": "---", "Flag": "D"},
    }
    data = site.upload(values=values, qn="20261122110000123")
    logger.send(data)

    (reply,) = logger.replies(1)
    assert b"QN=20261122110000123;ST=91;CN=9014;" in reply
    (batch,) = site.batches()
    (frame,) = batch.frames
    assert (frame.raw, frame.sm3) == (data, sm3_hash(data))
    assert frame.outlet_id == site.outlets[0]
    assert outcomes(batch.frames) == {"accepted": 1}
    assert [s.factor for s in batch.series] == ["a21026", "a21002"]
    assert np.frombuffer(batch.value, "<f8").tolist()[0] == 31.5
    assert np.isnan(np.frombuffer(batch.value, "<f8")[1])
    assert batch.flag == b"ND"
    assert [(o.row, o.field, o.text) for o in batch.odd_values] == [(1, "value", "---")]


def test_no_reply_where_none_is_asked_for(site: House, logger: Logger):
    """Flag=4: safe on the bus, and silence."""
    logger.send(site.upload(flag=4))

    assert outcomes(site.frames(1)) == {"accepted": 1}
    assert logger.replies(1, seconds=0.5) == []


def refused_inputs(site: House) -> dict[str, bytes]:
    """One input for each reason that needs no end of the connection."""
    good = site.upload()
    now = datetime.now(UTC)
    return {
        "crc": good[:-6] + (b"0000" if good[-6:-2] != b"0000" else b"1C80") + b"\r\n",
        "length": b"##0009" + good[6:-6] + b"FFFF\r\n",
        "too_long": b"##9999" + good[6:-6] + b"FFFF\r\n",
        "header": b"GET / HTTP/1.1 ",
        "unknown_mn": site.upload(99),
        "wrong_password": site.upload(password="654321"),
        "future_time": site.upload(moment=now + timedelta(minutes=12)),
        "malformed": encode_frame(b"QN=1;ST=31;CN=2061;MN=1;PW=1;Flag=5;CP=&&a21026-Avg=1&&"),
    }


def test_each_bad_frame_is_refused_by_name_without_a_reply(site: House, logger: Logger):
    """Kept raw, counted, not answered; the good frame behind them all is accepted."""
    inputs = refused_inputs(site)
    before = {reason: site.metric("gate", refused_line(reason)) for reason in inputs}
    for data in inputs.values():
        logger.send(data)
    good = site.upload(qn="20261122120000999")
    logger.send(good)

    replies = logger.replies(2, seconds=3)
    frames = site.frames(len(inputs) + 1)
    assert len(replies) == 1
    assert b"QN=20261122120000999" in replies[0]
    assert outcomes(frames) == {**dict.fromkeys(inputs, 1), "accepted": 1}
    assert b"".join(f.raw for f in sorted(frames, key=lambda f: f.correlation_id)) == (
        b"".join(inputs.values()) + good
    )
    for reason, count in before.items():
        assert site.metric("gate", refused_line(reason)) == count + 1


def refused_line(reason: str) -> str:
    """The metric's line of a reason."""
    return f'farsight_gate_frames_total{{outcome="refused",reason="{reason}"}}'


def test_frame_cut_by_the_end_of_the_connection_is_incomplete(site: House, logger: Logger):
    """What came is kept."""
    part = site.upload()[:80]
    logger.send(part)
    logger.close()

    (frame,) = site.frames(1)
    assert (frame.reason, frame.raw) == ("incomplete", part)


def test_frame_that_stalls_is_given_up_and_the_next_one_counts(site: House, logger: Logger):
    """A length that promises bytes which never come must not block the connection for good."""
    logger.send(site.upload()[:80])
    (stalled,) = site.frames(1)
    logger.send(site.upload())

    assert stalled.reason == "incomplete"
    assert len(logger.replies(1)) == 1
    assert outcomes(site.frames(1)) == {"accepted": 1}


def test_repeated_frame_is_a_duplicate_and_is_acknowledged_again(site: House, logger: Logger):
    """A logger that missed the answer repeats the frame with its QN (HJ 212-2017 6.7)."""
    data = site.upload()
    logger.send(data + data)

    assert len(logger.replies(2)) == 2
    assert outcomes(site.frames(2)) == {"accepted": 1, "duplicate": 1}


def test_repeat_of_a_refused_frame_is_refused_again(site: House, logger: Logger):
    """Only what was accepted can be repeated."""
    data = site.upload(99)
    logger.send(data + data)

    assert outcomes(site.frames(2)) == {"unknown_mn": 2}


def test_each_packet_of_a_split_upload_is_acknowledged(site: House, logger: Logger):
    """Part 2 has a QN of its own (tables C.49, C.50)."""
    for number, factor in ((1, "a21026"), (2, "a21002")):
        logger.send(
            site.upload(
                qn=f"2026112211000053{number}",
                values={factor: {"Avg": 1.0}},
                flag=7,
                pnum=2,
                pno=number,
            )
        )
        (reply,) = logger.replies(1)
        assert b"QN=2026112211000053%d;" % number in reply
    assert outcomes(site.frames(2)) == {"accepted": 2}


def test_bytes_one_by_one(site: House, logger: Logger):
    """TCP may cut anywhere."""
    for byte in site.upload():
        logger.send(bytes([byte]))

    assert len(logger.replies(1)) == 1
    site.frames(1)


def test_new_and_disabled_loggers_are_known_within_seconds(site: House, logger: Logger):
    """Registry changes arrive as events; nobody restarts the gate."""
    extra = site.outlets[0].replace("DA001", "DA009")
    site.sync(outlet_record(extra), logger_record(9, extra))

    def accepted() -> bool:
        logger.send(site.upload(9))
        return outcomes(site.frames(1)) == {"accepted": 1}

    wait_until(accepted)
    site.sync(logger_record(9, extra, enabled=False))

    def disabled() -> bool:
        logger.send(site.upload(9))
        return outcomes(site.frames(1)) == {"disabled": 1}

    wait_until(disabled)


def test_sigterm_publishes_and_answers_what_is_here(site: House):
    """Frames that linger for company are not lost by a stop: confirmed, answered, then closed."""
    port = site.start_gate("short-lived", FARSIGHT_GATE_LINGER_MS="60000")
    logger = Logger(port)
    logger.send(site.upload())
    wait_until(
        lambda: site.metric(
            "short-lived", 'farsight_gate_frames_total{outcome="accepted",reason=""}'
        )
    )

    code = site.stop("short-lived")

    assert len(logger.replies(1, seconds=2)) == 1
    assert logger.closed_by_peer()
    assert outcomes(site.frames(1)) == {"accepted": 1}
    assert code == 0


def test_caps_idle_and_noise_end_connections(site: House):
    """One host's cap, a silent connection, and one that sends garbage only."""
    port = site.start_gate(
        "strict",
        FARSIGHT_GATE_CONNECTIONS_PER_HOST="2",
        FARSIGHT_GATE_IDLE_S="1",
        FARSIGHT_GATE_FAULTS_IN_ROW="3",
    )
    noisy, idle = Logger(port), Logger(port)
    third = Logger(port)

    assert third.closed_by_peer()
    for _ in range(3):
        noisy.send(site.upload(99))
    assert noisy.closed_by_peer()
    assert idle.closed_by_peer()
    assert outcomes(site.frames(3)) == {"unknown_mn": 3}
    assert Logger(port)  # the places are free again
    site.stop("strict")


@pytest.mark.fault
def test_nothing_is_acknowledged_while_the_bus_is_away(site: House, servers, port: int):
    """No confirm, no 9014; the gate stops reading; when the bus is back every frame is answered."""
    logger = Logger(port)
    servers.stop("AMQP_URI")
    wait_until(lambda: not site.is_ready("gate"))
    try:
        logger.send(b"".join(site.upload(qn=f"2026112213000{n:04d}") for n in range(20)))
        early = logger.replies(1, seconds=2)
    finally:
        servers.url("AMQP_URI")

    assert early == []
    assert site.metric("gate", 'farsight_gate_paused{reason="bus"}') == 1.0 or site.is_ready("gate")
    assert len(logger.replies(20, seconds=60)) == 20
    assert outcomes(site.frames(20)) == {"accepted": 20}
    logger.close()


@pytest.mark.fault
def test_bus_that_goes_with_frames_in_hand_loses_none(site: House, servers, port: int):
    """Frames read before the bus went are published after it came back, once each and in order."""
    logger = Logger(port)
    stop_at = time.monotonic() + 3
    sent = 0
    stopped = False
    while time.monotonic() < stop_at:
        logger.send(site.upload(qn=f"2026112214{sent:07d}"))
        sent += 1
        if sent == 20 and not stopped:
            servers.stop("AMQP_URI")
            stopped = True
        time.sleep(0.01)
    servers.url("AMQP_URI")

    assert len(logger.replies(sent, seconds=60)) == sent
    batches: dict[str, pb.ReadingBatch] = {}

    def all_there() -> bool:
        batches.update({batch.batch_id: batch for batch in site.batches()})
        return sum(len(batch.frames) for batch in batches.values()) >= sent

    wait_until(all_there)
    qns = [frame.qn for batch in batches.values() for frame in batch.frames]
    assert sorted(qns) == qns
    assert len(set(qns)) == sent
    logger.close()


def test_killed_gate_has_acknowledged_nothing_that_is_not_on_the_bus(site: House):
    """Kill -9 while frames stream: each 9014 that arrived has its frame on the bus."""
    port = site.start_gate("victim", FARSIGHT_GATE_LINGER_MS="20")
    logger = Logger(port)
    for number in range(200):
        logger.send(site.upload(qn=f"2026112215{number:07d}"))
    acknowledged = logger.replies(50)
    site.stop("victim", signal.SIGKILL)
    acknowledged += logger.replies(200, seconds=1)

    on_bus = {frame.qn.encode() for batch in site.batches() for frame in batch.frames}
    answered = {reply.partition(b"QN=")[2].partition(b";")[0] for reply in acknowledged}
    assert len(answered) >= 50
    assert answered <= on_bus

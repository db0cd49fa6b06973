"""NTP: the codec against messages spelt by hand, the client against a real UDP server."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from services.chassis.errors import InputRejected
from services.ingest import server_clock
from services.ingest.domain import sntp

NTP_1970 = 2_208_988_800


@contextmanager
def ntp_server(reply: Callable[[bytes], bytes | None]) -> Iterator[str]:
    """A UDP server on loopback that answers each question by `reply`; its host:port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)

        def serve() -> None:
            request, peer = listener.recvfrom(512)
            if (data := reply(request)) is not None:
                listener.sendto(data, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def ahead(seconds: float, stratum: int = 2) -> Callable[[bytes], bytes]:
    """A server whose clock is so far ahead of ours."""
    return lambda request: sntp.answer(request, time.time() + seconds, stratum)


def test_question_is_a_client_message_of_version_4():
    """First byte: leap 0, version 4, mode 3; the last eight bytes are our time from 1900."""
    message = sntp.question(1_763_773_200.5)

    assert len(message) == 48
    assert message[0] == 0b00_100_011
    assert struct.unpack(">II", message[-8:]) == (1_763_773_200 + NTP_1970, 2**31)


def test_offset_and_delay_follow_rfc_4330():
    """T1 = 0, T2 = 10.1, T3 = 10.2, T4 = 0.5 after our moment: offset 9.9, delay 0.4."""
    sent = 1_763_773_200.0

    def stamp(moment: float) -> bytes:
        return struct.pack(">Q", int((moment + NTP_1970) * 2**32))

    answer = (
        bytes([0b00_100_100, 1, 6, 0xE9])
        + struct.pack(">II", 0x8000, 0x4000)  # root delay 0.5 s, dispersion 0.25 s
        + b"GPS\0"
        + stamp(sent - 60)
        + stamp(sent)
        + stamp(sent + 10.1)
        + stamp(sent + 10.2)
    )

    found = sntp.read_answer(answer, sent, sent + 0.5)

    assert found.offset_s == pytest.approx(9.9, abs=1e-5)
    assert found.delay_s == pytest.approx(0.4, abs=1e-5)
    assert found.error_s == pytest.approx(0.2 + 0.25 + 0.25, abs=1e-5)
    assert found.stratum == 1


def test_stamps_go_on_after_2036():
    """Era 1 begins on 2036-02-07: the offset is still a small one."""
    sent = 2_100_000_000.0
    request = sntp.question(sent)

    found = sntp.read_answer(sntp.answer(request, sent + 2), sent, sent)

    assert found.offset_s == pytest.approx(2, abs=1e-5)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:40],
        lambda data: bytes([data[0] | 0b11_000_000]) + data[1:],  # leap 3: not synchronised
        lambda data: data[:1] + b"\x00" + data[2:],  # stratum 0: kiss of death
        lambda data: bytes([0b00_100_011]) + data[1:],  # a client's message
        lambda data: data[:24] + b"\x00" * 8 + data[32:],  # answer to another question
        lambda data: data[:40] + b"\x00" * 8,  # no time
    ],
    ids=["short", "leap", "stratum", "mode", "foreign", "timeless"],
)
def test_what_is_no_good_answer_is_refused(damage: Callable[[bytes], bytes]):
    """Such a message must never become an offset."""
    good = sntp.answer(sntp.question(1e9), 1e9)

    with pytest.raises(InputRejected):
        sntp.read_answer(damage(good), 1e9, 1e9)


def test_server_that_agrees_makes_the_clock_synchronised():
    """A real exchange over UDP."""
    with ntp_server(ahead(0.25)) as server:
        state = server_clock.ask(server)

    assert state.source == "sntp:127.0.0.1"
    assert state.synchronised
    assert state.offset_us == pytest.approx(250_000, abs=100_000)


def test_server_that_is_far_away_tells_the_offset_and_does_not_vouch():
    """An hour off is known, said and not called synchronised."""
    with ntp_server(ahead(3600)) as server:
        state = server_clock.ask(server)

    assert not state.synchronised
    assert state.offset_us == pytest.approx(3_600_000_000, abs=1_000_000)


@pytest.mark.parametrize("reply", [lambda _: None, lambda _: b"no ntp"], ids=["silent", "rubbish"])
def test_server_without_an_answer_is_said_to_have_none(reply: Callable[[bytes], bytes | None]):
    """No offset is invented."""
    with ntp_server(reply) as server:
        state = server_clock.ask(server, wait_s=0.2)

    assert (state.synchronised, state.offset_us) == (False, None)
    assert state.detail


def test_kernel_answers_and_servers_follow():
    """adjtimex works here, whatever it says; a name that is none is no crash."""
    kernel, nobody = server_clock.read_clock(["no-such-host.invalid"])

    assert kernel.source == "kernel"
    assert kernel.max_error_us is not None
    assert (nobody.source, nobody.synchronised) == ("sntp:no-such-host.invalid", False)

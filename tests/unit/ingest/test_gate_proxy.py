"""The PROXY header: what is read, what is refused, and that it is bounded."""

import struct
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.gate.proxy import V1_LIMIT, V2, V2_LIMIT, Header, ProxyFault, read_header

PORTS = st.integers(0, 65535)
HOSTS = st.ip_addresses()


def v1(host: IPv4Address | IPv6Address, port: int) -> bytes:
    """A line as a balancer writes it."""
    return f"PROXY TCP{host.version} {host} {host} {port} 9212\r\n".encode()


def v2(host: IPv4Address | IPv6Address, port: int, tlvs: bytes = b"", command: int = 1) -> bytes:
    """A binary header with TLVs behind the addresses."""
    family = 0x11 if host.version == 4 else 0x21
    body = host.packed * 2 + struct.pack("!HH", port, 9212) + tlvs
    return V2 + struct.pack("!BBH", 0x20 | command, family, len(body)) + body


@given(HOSTS, PORTS, st.binary(max_size=300), st.binary(max_size=40), st.booleans())
def test_the_address_is_read_and_what_follows_is_left(host, port, tlvs, rest, binary):
    """Size says where the logger's own first byte stands, whatever it is."""
    header = v2(host, port, tlvs) if binary else v1(host, port)

    assert read_header(header + rest) == Header(str(host), port, len(header))


@given(HOSTS, PORTS, st.booleans())
def test_every_cut_header_asks_for_more(host, port, binary):
    """TCP may cut anywhere; no prefix is an answer or a fault."""
    header = v2(host, port) if binary else v1(host, port)

    assert {read_header(header[:size]) for size in range(len(header))} == {None}


@given(st.binary(max_size=3000), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", V2, V2 + b"!"]))
def test_any_bytes_give_a_header_a_named_fault_or_a_bounded_wait(data, start):
    """Nobody can make the gate hold more than a header's bytes."""
    whole = start + data
    with suppress(ProxyFault):
        header = read_header(whole)
        if header is None:
            assert len(whole) < (V2_LIMIT + 16 if whole.startswith(V2) else V1_LIMIT)
        else:
            assert header.size <= len(whole)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"##0101QN=", "no header"),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n", "bad line"),
        (b"PROXY TCP4 10.0.0.256 10.0.0.2 1 2\r\n", "bad address"),
        (b"PROXY TCP4 ::1 ::1 1 2\r\n", "bad address"),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 01 2\r\n", "bad port"),
        (b"PROXY TCP4 10.0.0.1 10.0.0.2 70000 2\r\n", "bad port"),
        (b"PROXY TCP4 " + b"1" * 200, "line too long"),
        (V2 + b"\x11\x11\x00\x0c", "bad version or command"),
        (V2 + b"\x2f\x11\x00\x0c", "bad version or command"),
        (V2 + b"\x21\x12\x00\x0c", "not a stream"),
        (V2 + b"\x21\x11\x00\x0b", "too short"),
        (V2 + b"\x21\x11\xff\xff", "too long"),
    ],
)
def test_a_bad_header_is_named(data, named):
    """The reason stands in the log of the closed connection."""
    with pytest.raises(ProxyFault, match=named):
        read_header(data)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"PROXY UNKNOWN\r\n##", 15),
        (b"PROXY UNKNOWN ffff:: 1 2 3\r\n##", 28),
        (V2 + b"\x20\x00\x00\x00##", 16),
        (V2 + b"\x20\x11\x00\x02ab##", 18),
        (V2 + b"\x21\x00\x00\x01a##", 17),
    ],
)
def test_a_balancer_that_speaks_for_itself_keeps_its_own_address(data, size):
    """Health checks: LOCAL, UNKNOWN and UNSPEC announce nobody."""
    assert read_header(data) == Header("", 0, size)

"""The PROXY protocol, versions 1 and 2: what a load balancer says of the connection it passes on.

Sans-IO: the first bytes of a connection in, the announced address out. Only connections from
trusted balancers are read this way; from anywhere else the header is garbage like any other.
Source: haproxy.org, doc/proxy-protocol.txt, sections 2.1 and 2.2.
"""

import struct
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

V1 = b"PROXY "
V1_LIMIT = 107  # longest line with its CR LF (2.1)
V2 = b"\r\n\r\n\0\r\nQUIT\n"
V2_FIXED = 16
V2_LIMIT = 2048  # addresses and TLVs; real balancers send some hundred bytes
_LOCAL, _PROXY = 0, 1  # commands of version 2
_TCP4, _TCP6, _UNSPEC = 0x11, 0x21, 0x00


class ProxyFault(ValueError):
    """The bytes are no PROXY header; the text names what is wrong."""


@dataclass(frozen=True, slots=True)
class Header:
    """A header of `size` bytes; `host` is empty where the balancer speaks for itself."""

    host: str
    port: int
    size: int


def read_header(data: bytes) -> Header | None:
    r"""The header at the start of `data`, or None while more bytes are needed.

    Raises ProxyFault; decides within 107 bytes (version 1) or 2,064 (version 2).

    >>> read_header(b"PROXY TCP4 10.1.2.3 10.9.9.9 40001 9212\r\n##0101")
    Header(host='10.1.2.3', port=40001, size=41)
    """
    if data.startswith(V2):
        return _read_v2(data)
    if data.startswith(V1):
        return _read_v1(data)
    if V1.startswith(data) or V2.startswith(data):
        return None
    raise ProxyFault("no header")


def _read_v1(data: bytes) -> Header | None:
    line, end, _ = data[:V1_LIMIT].partition(b"\r\n")
    if not end:
        if len(data) >= V1_LIMIT:
            raise ProxyFault("line too long")
        return None
    size = len(line) + 2
    words = line.split(b" ")
    if words[1] == b"UNKNOWN":  # the rest of the line is to be ignored
        return Header("", 0, size)
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise ProxyFault("bad line")
    address = IPv4Address if words[1] == b"TCP4" else IPv6Address
    try:
        host, _destination = (address(word.decode("ascii")) for word in words[2:4])
    except (AddressValueError, UnicodeDecodeError):
        raise ProxyFault("bad address") from None
    ports = words[4:6]
    if not all(_is_port(port) for port in ports):
        raise ProxyFault("bad port")
    return Header(str(host), int(ports[0]), size)


def _is_port(text: bytes) -> bool:
    """One to five digits without a leading zero, at most 65535 (2.1)."""
    plain = text.isdigit() and len(text) <= 5 and str(int(text)).encode() == text
    return plain and int(text) <= 65535


def _read_v2(data: bytes) -> Header | None:
    if len(data) < V2_FIXED:
        return None
    version_command, family, length = struct.unpack_from("!BBH", data, len(V2))
    version, command = version_command >> 4, version_command & 0xF
    if version != 2 or command not in (_LOCAL, _PROXY):
        raise ProxyFault("bad version or command")
    if length > V2_LIMIT:
        raise ProxyFault("too long")
    if command == _PROXY and family not in (_TCP4, _TCP6, _UNSPEC):
        raise ProxyFault("not a stream")
    needed = {_TCP4: 12, _TCP6: 36}.get(family, 0) if command == _PROXY else 0
    if length < needed:
        raise ProxyFault("too short")
    size = V2_FIXED + length
    if len(data) < size:
        return None
    if not needed:
        return Header("", 0, size)
    if family == _TCP4:
        source, port = struct.unpack_from("!4s4xH", data, V2_FIXED)
        return Header(str(IPv4Address(source)), port, size)
    source, port = struct.unpack_from("!16s16xH", data, V2_FIXED)
    return Header(str(IPv6Address(source)), port, size)

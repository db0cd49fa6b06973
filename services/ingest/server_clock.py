"""服务器时钟: what the kernel and the configured NTP servers say of our clock.

Evidence rests on the server's arrival time (domain.md J), so each signed head states how far that
clock can be trusted. An answer is never invented: a source that is silent says so.
"""

import ctypes
import socket
import time
from collections.abc import Sequence

from services.chassis.errors import InputRejected
from services.ingest.domain import sntp
from services.ingest.domain.head import ClockState

PORT = 123
WAIT_S = 1.0
#: Farthest that an NTP server may be from us for the clock to count as synchronised, seconds.
#: [choice] HJ 212 stamps whole seconds.
NEAR_S = 1.0

_STA_UNSYNC = 0x0040  # <sys/timex.h>
_TIME_ERROR = 5
_STA_NANO = 0x2000


class _Timex(ctypes.Structure):
    """`struct timex` of Linux (adjtimex(2)), 64 bit."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("time", ctypes.c_long * 2),
        ("rest", ctypes.c_byte * 128),
    )


def read_clock(servers: Sequence[str]) -> tuple[ClockState, ...]:
    """The kernel's word, then each server's (`host` or `host:port`)."""
    return (kernel_clock(), *(ask(server) for server in servers))


def kernel_clock() -> ClockState:
    """adjtimex(2): whether a daemon disciplines the clock, the rest to correct, the error bound."""
    state = _Timex()
    try:
        result = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state))
    except (OSError, AttributeError) as error:
        return ClockState("kernel", synchronised=False, detail=f"no adjtimex: {error}")
    if result < 0:
        return ClockState("kernel", synchronised=False, detail=f"errno {ctypes.get_errno()}")
    synchronised = result != _TIME_ERROR and not state.status & _STA_UNSYNC
    offset_us = state.offset // 1000 if state.status & _STA_NANO else state.offset
    return ClockState(
        "kernel", synchronised=synchronised, offset_us=offset_us, max_error_us=state.maxerror
    )


def ask(server: str, *, wait_s: float = WAIT_S) -> ClockState:
    """One question to one server; synchronised = it answered and we are within `NEAR_S` of it."""
    host, _, port = server.partition(":")
    source = f"sntp:{host}"
    try:
        found = _exchange(host, int(port or PORT), wait_s)
    except (OSError, InputRejected, ValueError) as error:
        return ClockState(source, synchronised=False, detail=str(error) or type(error).__name__)
    near = abs(found.offset_s) + found.error_s <= NEAR_S
    return ClockState(
        source,
        synchronised=near,
        offset_us=round(found.offset_s * 1e6),
        max_error_us=round(found.error_s * 1e6),
    )


def _exchange(host: str, port: int, wait_s: float) -> sntp.Answer:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind, protocol) as connection:
        connection.settimeout(wait_s)
        connection.connect(address)  # answers of others do not arrive here
        sent = time.time()
        connection.send(sntp.question(sent))
        data = connection.recv(512)
        return sntp.read_answer(data, sent, time.time())

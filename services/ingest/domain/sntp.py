"""SNTP (RFC 4330, the message of RFC 5905 section 7.3): one question and what its answer says.

Pure: bytes and moments in, bytes and an offset out. Extension fields and keys are not read.
"""

import struct
from dataclasses import dataclass

from services.chassis.errors import InputRejected

#: Seconds from 1900 (NTP's era 0) to 1970.
_EPOCH = 2_208_988_800
_MESSAGE = struct.Struct(">BBbb II 4s QQQQ")
_CLIENT = (4 << 3) | 3  # version 4, mode 3 = client; leap indicator 0
_SERVER_MODE = 4
_UNSYNCHRONISED = 3  # leap indicator
_STRATA = range(1, 16)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `offset_s` is to be added to our clock; `error_s` bounds it, seconds."""

    offset_s: float
    delay_s: float
    error_s: float
    stratum: int


def question(sent_s: float) -> bytes:
    """A client's message; `sent_s` is our clock in unix seconds and comes back in the answer."""
    return _MESSAGE.pack(_CLIENT, 0, 0, 0, 0, 0, b"", 0, 0, 0, _stamp(sent_s))


def read_answer(data: bytes, sent_s: float, received_s: float) -> Answer:
    """Offset and delay (RFC 4330 section 5) of the answer that arrived at `received_s`.

    Raises InputRejected where it is no answer to our question, or the server's clock is not set.
    """
    if len(data) < _MESSAGE.size:
        raise InputRejected(f"an NTP message has {_MESSAGE.size} bytes, not {len(data)}")
    flags, stratum, _, _, root_delay, dispersion, _, _, originate, receive, transmit = (
        _MESSAGE.unpack_from(data)
    )
    if flags & 7 != _SERVER_MODE or originate != _stamp(sent_s):
        raise InputRejected("not the answer to our question")
    if flags >> 6 == _UNSYNCHRONISED or stratum not in _STRATA or not transmit:
        raise InputRejected(f"the server's clock is not synchronised (stratum {stratum})")
    came, left = _seconds(receive), _seconds(transmit)
    offset = ((came - sent_s) + (left - received_s)) / 2
    delay = max(0.0, (received_s - sent_s) - (left - came))
    error = delay / 2 + root_delay / 2**17 + dispersion / 2**16
    return Answer(offset, delay, error, stratum)


def answer(request: bytes, now_s: float, stratum: int = 2) -> bytes:
    """A server's message to a client's one: for servers of tests and of closed networks."""
    client = _MESSAGE.unpack_from(request)
    stamp = _stamp(now_s)
    flags = (4 << 3) | _SERVER_MODE
    return _MESSAGE.pack(flags, stratum, 4, -20, 0, 0, b"", stamp, client[-1], stamp, stamp)


def _stamp(unix_s: float) -> int:
    """Unix seconds as NTP's 64-bit stamp of era 0 or 1 (after 2036-02-07)."""
    return int((unix_s + _EPOCH) * 2**32) & (2**64 - 1)


def _seconds(stamp: int) -> float:
    """Unix seconds of a stamp; one without its top bit lies in era 1 (RFC 4330 section 3)."""
    era = 0 if stamp >> 63 else 2**32
    return stamp / 2**32 + era - _EPOCH

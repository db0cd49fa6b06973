"""CRC of HJ 212 (循环冗余校验, HJ 212-2017 annex A), by folding eight lanes.

The standard's loop throws the low byte of the register away at every byte, so only eight bits of
state survive, and the map of that state has order 8: bytes that stand eight apart meet the same map
and can be XORed first. Folding leaves eight table steps a segment instead of one a byte (8.5 µs
against 38 µs on 400 bytes). The same property makes the CRC blind to two bytes swapped eight apart:
it detects line noise and proves nothing; the SM3 digest of the raw bytes does.
"""

_POLYNOMIAL = 0xA001
_START = 0xFF  # high byte of the register's start value 0xFFFF; the low byte is shifted out unused
_EMPTY = 0xFFFF


def _shift_eight(state: int) -> int:
    """Eight right shifts of annex A on one byte of state."""
    for _ in range(8):
        state = (state >> 1) ^ _POLYNOMIAL if state & 1 else state >> 1
    return state


_TABLE = tuple(_shift_eight(state) for state in range(256))
_HIGH = tuple(entry >> 8 for entry in _TABLE)


def crc16(segment: bytes) -> int:
    """The CRC of a data segment, 0 to 65535; of the empty segment 0xFFFF.

    >>> f"{crc16(b'123456789'):04X}"
    '2F80'
    """
    size = len(segment)
    if size == 0:
        return _EMPTY
    folded = int.from_bytes(segment, "big") ^ (_START << 8 * (size - 1))
    lanes = (size + 7) // 8
    while lanes > 1:
        half = (lanes + 1) // 2
        folded = (folded >> 64 * half) ^ (folded & ((1 << 64 * half) - 1))
        lanes = half
    state = 0
    high = _HIGH
    eight = folded.to_bytes(8, "big")
    for byte in eight[:7]:
        state = high[state ^ byte]
    return _TABLE[state ^ eight[7]]

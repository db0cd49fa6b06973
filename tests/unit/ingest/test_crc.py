"""CRC of HJ 212."""

import random

import pytest

from services.ingest.hj212.crc import crc16


def oracle(segment: bytes) -> int:
    """The bit loop as annex A words it."""
    register = 0xFFFF
    for byte in segment:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return register


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        (b"", 0xFFFF),
        (b"\x00", 0x4040),
        (b"123456789", 0x2F80),
        (
            (
                b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
                b"CP=&&RtdInterval=30&&"
            ),
            0x1C80,
        ),
        (
            (
                b"QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;"
                b"CP=&&&&"
            ),
            0x2200,
        ),
    ],
)
def test_check_values_of_the_standards(segment: bytes, expected: int):
    """The fold and the bit loop give the published values."""
    assert crc16(segment) == expected
    assert oracle(segment) == expected


def test_fold_equals_the_bit_loop_at_every_length():
    """Lengths 0 to 300 cover every remainder of the lanes and of the halving."""
    chance = random.Random(212)

    for length in range(300):
        segment = chance.randbytes(length)
        assert crc16(segment) == oracle(segment), length


def test_swap_of_bytes_eight_apart_is_not_seen():
    """The weakness that makes the SM3 digest necessary."""
    assert crc16(b"A1234567B") == crc16(b"B1234567A")

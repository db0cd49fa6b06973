"""Which partition an outlet belongs to: stable for the life of an installation."""

import zlib


def partition_of(key: str, partitions: int) -> int:
    """Map an outlet id (or, where no outlet is known, the MN or peer) to 0 .. partitions-1.

    CRC-32 is stable over Python versions and machines; `hash()` is not.
    """
    if partitions < 1:
        raise ValueError(f"partitions must be positive, not {partitions}")
    return zlib.crc32(key.encode()) % partitions

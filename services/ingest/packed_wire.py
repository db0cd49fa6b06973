"""Columns straight to protobuf's packed form: a value at a time costs ten times as much.

A packed repeated double is its bytes, little endian, behind a tag and a length; a packed integer is
a varint (protobuf encoding guide). The result is merged into a message, which reads it as any other
bytes, so a mistake here shows as another value and a test compares both ways.
"""

import numpy as np
from numpy.typing import NDArray

from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.domain.readings import FIELDS
from services.ingest.series_store import Piece

_BYTES = 2  # wire type of everything packed
_FIELDS = pb.FactorSeries.DESCRIPTOR.fields_by_name


def packed_series(piece: Piece, known: dict[int, bytes]) -> bytes:
    """The repeated fields of a `FactorSeries` of first-received values.

    `known` keeps the times that the factors of one answer share.
    """
    size = len(piece.times)

    def shared(numbers: NDArray[np.int64]) -> bytes:
        found = known.get(id(numbers))
        if found is None:
            found = known[id(numbers)] = varints(numbers)
        return found

    parts = [
        _field("time_s", shared(piece.times)),
        _field("received_at_s", shared(piece.received)),
        _field("origin", shared(piece.origins)),
        _field("version", bytes(size)),
        _field("state", bytes([pb.VALUE_STATE_RECEIVED]) * size),
    ]
    parts += [
        _field(name, np.ascontiguousarray(piece.columns[name], "<f8").tobytes()) for name in FIELDS
    ]
    return b"".join(parts)


def varints(numbers: NDArray[np.int64]) -> bytes:
    """Each number as a varint, end to end. A negative one has ten bytes, as int64 is written."""
    rest = numbers.astype(np.uint64)
    digits = np.empty((len(rest), 10), np.uint8)
    for place in range(10):
        digits[:, place] = rest & np.uint64(0x7F)
        rest >>= np.uint64(7)
    used = 10 - np.argmax(digits[:, ::-1] != 0, axis=1)
    used[~digits.any(axis=1)] = 1
    places = np.arange(10)
    digits[places < (used - 1)[:, None]] |= 0x80
    packed: bytes = digits[places < used[:, None]].tobytes()
    return packed


def _field(name: str, content: bytes) -> bytes:
    number = _FIELDS[name].number
    head = np.array([number << 3 | _BYTES, len(content)], np.int64)
    return varints(head) + content

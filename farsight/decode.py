"""`farsight decode FILE|-`: what HJ 212 frames say, what is wrong with them, and where.

A line a frame or fault in the order of the bytes, then one line that accounts for every byte. The
gate reads with the same code.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from math import isnan
from pathlib import Path
from typing import Any, BinaryIO

from farsight.decode_table import Table
from services.ingest.hj212.cipher import KEY_SIZE
from services.ingest.hj212.factors import factors_2005, factors_2017
from services.ingest.hj212.messages import FactorValues, Group, Moment, Number, Upload
from services.ingest.hj212.policy import LoggerPolicy
from services.ingest.hj212.segment import Segment
from services.ingest.hj212.session import Received, Session

CHUNK = 65536
_COLUMNS = ("value", "min", "max", "cou", "converted")
_IN_SEGMENT = {"head", "version", "notes", "area_text", "factors"}  # said elsewhere on the line

Line = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `farsight decode`."""
    parser.add_argument("file", metavar="FILE", help="a file of frames, or - for standard input")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--key",
        metavar="HEX",
        action="append",
        default=[],
        help="SM4 key of encrypted data areas, 32 hex digits; once more for the key before",
    )


def run(args: argparse.Namespace) -> int:
    """Decode; 0 when everything was in order, 1 when something was not, 2 for bad usage."""
    try:
        keys = tuple(_key(text) for text in args.key)
        stream = _open(args.file)
    except ValueError as error:
        print(f"farsight decode: --key: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"farsight decode: {args.file}: {error.strerror}", file=sys.stderr)
        return 2
    with stream:
        return _print(decode(_chunks(stream), keys), as_json=args.json)


def decode(chunks: Iterable[bytes], keys: tuple[bytes, ...] = ()) -> Iterator[Line]:
    """A line a frame or fault, and last the balance.

    bytes = the sizes of all frames and faults + skipped (line ends and padding between them).
    """
    policy = LoggerPolicy(keys=keys)
    session = Session(0.0, lambda _: policy)
    place = skipped = 0
    count = {"frame": 0, "fault": 0}
    for received in _accounts(session, chunks):
        line = _fault_line(received) if received.reason else _frame_line(received)
        count[line["kind"]] += 1
        skipped += received.offset - place
        place = received.offset + len(received.raw)
        yield line
    yield {
        "kind": "balance",
        "bytes": session.bytes_in,
        "frames": count["frame"],
        "faults": count["fault"],
        "skipped": skipped + session.bytes_in - place,
    }


def _open(name: str) -> BinaryIO:
    return sys.stdin.buffer if name == "-" else Path(name).open("rb")


def _key(text: str) -> bytes:
    """An SM4 key; `ValueError` says what is wrong with it."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_SIZE:
        raise ValueError(f"{text!r} is not {2 * KEY_SIZE} hex digits")
    return key


def _print(lines: Iterator[Line], *, as_json: bool) -> int:
    """Print as it comes, so that a pipe is shown while it runs; the exit code."""
    table = Table(colour=sys.stdout.isatty())
    line: Line = {}
    for line in lines:
        print(json.dumps(line, ensure_ascii=False) if as_json else table.text(line), flush=True)
    return 1 if line["faults"] else 0


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """What is there, as it comes."""
    read = getattr(stream, "read1", stream.read)
    while data := read(CHUNK):
        yield data


def _accounts(session: Session, chunks: Iterable[bytes]) -> Iterator[Received]:
    for chunk in chunks:
        yield from session.receive(chunk, 0.0)
    yield from session.flush()


def _fault_line(received: Received) -> Line:
    start = received.raw[:60].decode("ascii", "backslashreplace")
    return {
        "kind": "fault",
        "offset": received.offset,
        "size": len(received.raw),
        "fault": received.reason,
        "detail": received.detail,
        "start": start.replace("\r", "\\r").replace("\n", "\\n"),
    }


def _frame_line(received: Received) -> Line:
    segment, message = received.segment, received.message
    assert segment is not None  # it has no reason to be a fault
    factors = message.factors if isinstance(message, Upload) else ()
    return {
        "kind": "frame",
        "offset": received.offset,
        "size": len(received.raw),
        "version": int(received.version or 0),
        "repairs": list(received.repairs),
        "notes": list(received.notes),
        "cipher": received.cipher,
        "segment": _head(segment),
        "area": [[list(pair) for pair in item] for item in segment.area],
        "message": _message(message),
        "readings": [_reading(values) for values in factors],
    }


def _head(segment: Segment) -> Line:
    """Head fields; null for what the frame does not have."""
    texts = {name: segment.head.get(name.upper()) for name in ("qn", "st", "cn", "pw", "mn")}
    numbers = {"flag": segment.flag, "pnum": segment.pnum, "pno": segment.pno}
    present = {name.lower() for name in segment.head}
    return {
        **texts,
        **{name: number if name in present else None for name, number in numbers.items()},
        "rf": segment.rf,
    }


def _message(message: object) -> Line:
    """A typed message by its class and fields; what the segment says already is left out."""
    assert is_dataclass(message)
    values = {
        field.name: _plain(getattr(message, field.name))
        for field in fields(message)
        if field.name not in _IN_SEGMENT
    }
    return {"type": type(message).__name__, **values}


def _plain(value: Any) -> Any:
    """A field of a message in JSON: times as ISO 8601 UTC, numbers as numbers where they are."""
    if isinstance(value, Number):
        return value.text if value.value is None else value.value
    if isinstance(value, Moment):
        return value.utc.isoformat()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Group):
        return {"code": value.code, **dict(value.values)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _reading(values: FactorValues) -> Line:
    """One factor's values in its own unit; how it was reported, where that differs."""
    known = factors_2017().get(values.code) or factors_2005().get(values.code)
    numbers = {name: getattr(values, name) for name in _COLUMNS}
    line: Line = {"code": values.code}
    if known is not None:
        line |= {"name": known.name_zh, "unit": known.unit}
    line |= {name: number for name, number in numbers.items() if not isnan(number)}
    line["flag"] = values.flag
    if values.reported_code:
        line["reported_code"] = values.reported_code
    if values.reported_unit or values.reported_scale != 1.0:
        line |= {"reported_unit": values.reported_unit, "reported_scale": values.reported_scale}
    if values.odd:
        line["odd"] = values.odd
    return line

"""`farsight decode FILE|-`: what HJ 212 frames say, what is wrong with them, and where.

A line a frame or fault in the order of the bytes, then one line that accounts for every byte. The
gate reads with the same code.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from math import isnan
from pathlib import Path
from typing import Any, BinaryIO

from services.ingest.hj212.errors import PeerProtocolError
from services.ingest.hj212.factors import factors_2017
from services.ingest.hj212.framing import Fault, Filler, Frame, Framer, Item
from services.ingest.hj212.messages import UPLOADS, FactorValues, Upload, read_upload
from services.ingest.hj212.segment import Segment, parse_segment

CHUNK = 65536
_COLUMNS = ("value", "min", "max", "cou", "converted")

Line = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `farsight decode`."""
    parser.add_argument("file", metavar="FILE", help="a file of frames, or - for standard input")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Decode; 0 when everything was in order, 1 when something was not, 2 without a file."""
    try:
        stream = _open(args.file)
    except OSError as error:
        print(f"farsight decode: {args.file}: {error.strerror}", file=sys.stderr)
        return 2
    with stream:
        balance: Line = {}
        for line in decode(_chunks(stream)):
            print(json.dumps(line, ensure_ascii=False) if args.json else as_text(line), flush=True)
            balance = line
    return 1 if balance["refused"] else 0


def decode(chunks: Iterable[bytes]) -> Iterator[Line]:
    """A line an item, and last the balance."""
    framer = Framer()
    count: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for item in _items(framer, chunks):
        count["bytes"] += len(item.raw)
        if isinstance(item, Filler):
            count["filler_bytes"] += len(item.raw)
            continue
        line = _fault_line(item) if isinstance(item, Fault) else _frame_line(item)
        if line["what"] == "fault":
            refused[line["fault"]] += 1
            count["fault_bytes"] += len(item.raw)
        else:
            count[f"{line['what']}s"] += 1
            count["frame_bytes"] += len(item.raw)
        yield line
    names = ("bytes", "frame_bytes", "fault_bytes", "filler_bytes", "uploads", "messages")
    yield {
        "what": "balance",
        **{name: count[name] for name in names},
        "refused": dict(refused),
    }


def as_text(line: Line) -> str:
    """A line for people."""
    if line["what"] == "balance":
        reasons = ", ".join(f"{name} {number}" for name, number in line["refused"].items())
        return (
            f"{line['bytes']} bytes = {line['frame_bytes']} in frames + {line['fault_bytes']} in"
            f" faults + {line['filler_bytes']} between; {line['uploads']} uploads,"
            f" {line['messages']} other messages, refused: {reasons or 'none'}"
        )
    place = f"{line['offset']:>8} +{line['size']:<5}"
    notes = f"  [{', '.join(line['notes'])}]" if line.get("notes") else ""
    if line["what"] == "fault":
        detail = f" ({line['detail']})" if line.get("detail") else ""
        return f"{place} FAULT {line['fault']}{detail}: {line['start']}{notes}"
    head = f"{place} CN={line['cn']} MN={line['mn']} QN={line['qn']}"
    if line["what"] == "message":
        return f"{head} {line['area']}{notes}"
    rows = [f"{head} {line['kind']} {line['data_time']}{notes}"]
    rows += [f"{'':16}{_factor_text(factor)}" for factor in line["factors"]]
    return "\n".join(rows)


def _open(name: str) -> BinaryIO:
    return sys.stdin.buffer if name == "-" else Path(name).open("rb")


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """What is there, as it comes, so that a pipe is decoded while it runs."""
    read = getattr(stream, "read1", stream.read)
    while data := read(CHUNK):
        yield data


def _items(framer: Framer, chunks: Iterable[bytes]) -> Iterator[Item]:
    for chunk in chunks:
        yield from framer.feed(chunk)
    yield from framer.flush()


def _fault_line(fault: Fault) -> Line:
    start = fault.raw[:60].decode("ascii", "backslashreplace")
    return {
        "what": "fault",
        "offset": fault.offset,
        "size": len(fault.raw),
        "fault": fault.kind,
        "start": start.replace("\r", "\\r").replace("\n", "\\n"),
    }


def _frame_line(frame: Frame) -> Line:
    try:
        segment = parse_segment(frame.segment)
        if segment.head.get("CN") in UPLOADS and "DataTime" in segment.area_text:
            return _upload_line(frame, read_upload(segment))
        return _message_line(frame, segment)
    except PeerProtocolError as error:
        line = _fault_line(Fault(frame.offset, frame.raw, error.reason))
        return {**line, "detail": error.detail, "notes": list(frame.notes)}


def _message_line(frame: Frame, segment: Segment) -> Line:
    """A frame that is no upload: a command, an answer."""
    area = [f"{name}={value}" if name else value for name, value in segment.pairs()]
    return {
        "what": "message",
        "offset": frame.offset,
        "size": len(frame.raw),
        "cn": segment.head.get("CN", ""),
        "mn": segment.head.get("MN", ""),
        "qn": segment.head.get("QN", ""),
        "flag": segment.flag,
        "area": ";".join(area),
        "notes": [*frame.notes, *segment.notes],
    }


def _upload_line(frame: Frame, upload: Upload) -> Line:
    return {
        "what": "upload",
        "offset": frame.offset,
        "size": len(frame.raw),
        "cn": upload.cn,
        "kind": UPLOADS[upload.cn],
        "mn": upload.mn,
        "qn": upload.qn,
        "st": upload.st,
        "flag": upload.flag,
        **({"pnum": upload.pnum, "pno": upload.pno} if upload.pnum else {}),
        "data_time": upload.data_time.isoformat(),
        "factors": [_factor(values) for values in upload.factors],
        "notes": [*frame.notes, *upload.notes],
    }


def _factor(values: FactorValues) -> Line:
    known = factors_2017().get(values.code)
    numbers = {name: getattr(values, name) for name in _COLUMNS}
    return {
        "code": values.code,
        **({"name": known.name_zh, "unit": known.unit} if known else {"unknown": True}),
        **{name: number for name, number in numbers.items() if not isnan(number)},
        **({"flag": values.flag} if values.flag else {}),
        **({"odd": values.odd} if values.odd else {}),
    }


def _factor_text(factor: Line) -> str:
    shown = [f"{name} {factor[name]:g}" for name in _COLUMNS if name in factor]
    shown += [f"{name} {text!r} is no number" for name, text in factor.get("odd", {}).items()]
    unit = f" {factor['unit']}" if factor.get("unit") else ""
    name = factor.get("name", "unknown code")
    return f"{factor['code']} {name}: {', '.join(shown)}{unit} {factor.get('flag', '')}".rstrip()

"""One file over the gate's stream: parts of a fixed size, so that a second run goes on."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from farsight.lab.door_client import SignedInClient
from farsight.load.items import (
    OUTSIDE,
    Item,
    outside_columns,
    outside_item,
    reading_columns,
    readings,
)
from farsight.load.report import FileReport
from farsight.load.stream import PushStream
from farsight.load.tables import TableFault, columns_of, rows_of
from services.chassis.pb.ingest.v1 import ingest_pb2, ingest_pb2_grpc, outside_pb2, outside_pb2_grpc

READINGS = "readings"
PART = 500
"""Items of a request: well inside the gate's limits, and a second's worth of work."""
_ASK_TALLY_S = 0.5


@dataclass(frozen=True)
class PushOptions:
    """How files are pushed. `reading_kind` serves tables without a column `kind`."""

    kind: str
    reading_kind: str = ""
    dry_run: bool = False
    again: bool = False
    settle_s: float = 30.0


class FilePush:
    """Pushes files of one kind as the signed-in account."""

    def __init__(
        self,
        client: SignedInClient,
        gate: grpc.Channel,
        options: PushOptions,
        told: Callable[[FileReport], None] = lambda _report: None,
    ) -> None:
        self._client = client
        self._options = options
        self._told = told
        stub = ingest_pb2_grpc.IngestServiceStub(gate)
        self._is_reading = options.kind == READINGS
        self._method: Any = stub.PushReadings if self._is_reading else stub.PushOutside
        self._door = outside_pb2_grpc.OutsideServiceStub(client.channel)

    def load(self, path: Path) -> FileReport:
        """Push one file; what was wrong with it stands in the report.

        Raises Unavailable when the platform stays away, and Forbidden.
        """
        report = FileReport(str(path))
        try:
            strange = self._strange(columns_of(path))
            for name in strange:
                report.problem(
                    1, name, "unknown_column", f"{self._options.kind} have no such field"
                )
            if not strange:
                _OneFile(self, path, report).push()
        except TableFault as fault:
            report.problem(fault.line, fault.column, "unreadable", fault.reason)
        return report

    def items(self, path: Path) -> Iterator[Item | TableFault]:
        """Yield what the file holds, or why a row holds nothing."""
        if self._is_reading:
            long = "factor" in columns_of(path)
            yield from readings(rows_of(path), self._options.reading_kind, long=long)
            return
        body = OUTSIDE[self._options.kind]
        for row in rows_of(path):
            try:
                if row.fault is not None:
                    raise row.fault
                yield outside_item(body, row)
            except TableFault as fault:
                yield fault

    def _strange(self, columns: list[str]) -> list[str]:
        if self._is_reading:
            return reading_columns(columns)
        return outside_columns(OUTSIDE[self._options.kind], columns)

    def call(self, requests: Iterator[Any]) -> Any:
        """Open the stream."""
        return self._method(requests, metadata=self._client.metadata())

    def request(self, sequence: int, part: list[Item] | None, stream_id: str) -> Any:
        """Make one request of a part."""
        messages = [item.message for item in part or ()]
        named: dict[str, Any] = {
            "sequence": sequence,
            "stream_id": stream_id,
            "dry_run": self._options.dry_run,
        }
        if self._is_reading:
            return ingest_pb2.PushReadingsRequest(readings=messages, **named)
        return outside_pb2.PushOutsideRequest(items=messages, **named)

    def stream_id(self, path: Path) -> str:
        """Name the stream by the file's bytes: another content is another stream."""
        digest = hashlib.sha256(
            f"1 {self._options.kind} {self._options.reading_kind} {PART} ".encode()
        )
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return f"load-{digest.hexdigest()[:32]}" + (
            f"-{secrets.token_hex(4)}" if self._options.again else ""
        )

    def tally(self, stream_id: str) -> dict[str, int]:
        """Ask what became of the stream so far."""
        request = outside_pb2.GetPushTallyRequest(stream_id=stream_id)
        answer = self._client.call(self._door.GetPushTally, request)
        words = dict(answer.readings if self._is_reading else answer.outside)
        return {"new": words.pop("accepted", 0), **words} if self._is_reading else words

    @property
    def options(self) -> PushOptions:
        """How it pushes."""
        return self._options

    def tell(self, report: FileReport) -> None:
        """Pass on how far a file is."""
        self._told(report)


class _OneFile:
    """The pass over one file, or over its rest after a break."""

    def __init__(self, push: FilePush, path: Path, report: FileReport) -> None:
        self._push = push
        self._path = path
        self._report = report
        self._waiting: dict[int, list[Item]] = {}
        self._last_fault = -1  # a second pass after a break tells no fault again
        self._counted = 0  # sequences that were counted as items

    def push(self) -> None:
        push, dry_run = self._push, self._push.options.dry_run
        stream_id = "" if dry_run else push.stream_id(self._path)
        before = {} if dry_run else push.tally(stream_id)
        stream = PushStream(push.call, push.request, stream_id)
        stream.push(self._parts_after, self._answered)
        self._report.skipped = min(self._report.items, stream.resumed_after * PART)
        if not dry_run:
            self._settle(stream_id, before)

    def _parts_after(self, safe: int) -> Iterator[tuple[int, list[Item]]]:
        for sequence in [one for one in self._waiting if one <= safe]:
            self._report.safe += len(self._waiting.pop(sequence))  # its receipt was lost
        for sequence, part in enumerate(self._parts(), 1):
            if sequence > self._counted:
                self._counted = sequence
                self._report.items += len(part)
            if sequence > safe:
                self._waiting[sequence] = part
                yield sequence, part

    def _parts(self) -> Iterator[list[Item]]:
        part: list[Item] = []
        for item in self._push.items(self._path):
            if isinstance(item, TableFault):
                self._note(item)
                continue
            part.append(item)
            if len(part) == PART:
                yield part
                part = []
        if part:
            yield part

    def _note(self, fault: TableFault) -> None:
        if fault.line > self._last_fault:
            self._last_fault = fault.line
            self._report.problem(fault.line, fault.column, "unreadable", fault.reason)

    def _answered(self, receipt: Any) -> None:
        part = self._waiting.pop(receipt.sequence)
        self._report.safe += receipt.accepted
        self._report.refused += receipt.refused
        for refusal in receipt.refusals:
            line, column = part[refusal.index].place_of(refusal.field)
            self._report.problem(line, column, refusal.reason, refusal.detail)
        self._push.tell(self._report)

    def _settle(self, stream_id: str, before: dict[str, int]) -> None:
        """Wait until the store has told what became of everything that is safe."""
        report, end = self._report, time.monotonic() + self._push.options.settle_s
        while True:
            now = self._push.tally(stream_id)
            for word in ("new", "duplicate", "deviating"):
                setattr(report, word, now.get(word, 0) - before.get(word, 0))
            if not report.unsettled or time.monotonic() > end:
                return
            time.sleep(_ASK_TALLY_S)

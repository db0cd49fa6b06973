"""Ask the other services for what a referral hands over, as plain values.

A span is fetched in slices, so that no message of the bus grows with the length of a case.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message

from services.chassis.clock import from_timestamp, to_timestamp
from services.chassis.errors import RuleViolated
from services.chassis.pb.cases.v1 import cases_pb2
from services.chassis.pb.ingest.v1 import ingest_pb2
from services.referral import evidence_wire
from services.referral.domain.items import RawFrame

Reply = TypeVar("Reply", bound=Message)

SLICE = timedelta(days=7)
#: Values a clerk reads and the frames that carried them. Real-time frames (2011) stay behind:
#: ten thousand a day say nothing that the minute and hour frames of the same logger do not.
KINDS = (
    ingest_pb2.READING_KIND_MINUTE,
    ingest_pb2.READING_KIND_HOUR,
    ingest_pb2.READING_KIND_DAY,
)


class Caller(Protocol):
    """Calls an RPC method of one service."""

    def call(self, method: str, request: Message, response_class: type[Reply], /) -> Reply:
        """Call and wait. Raises Unavailable."""


@dataclass(frozen=True)
class Evidence:
    """What was gathered."""

    frames: list[RawFrame]
    heads: list[dict[str, Any]]
    readings: dict[str, list[dict[str, str]]]
    papers: dict[str, Any]
    start: datetime
    end: datetime


def gather_evidence(
    request: cases_pb2.ReferralRequested, *, ingest: Caller, cases: Caller
) -> Evidence:
    """Fetch frames with proofs, values and case papers.

    Raises Unavailable while a service is away, RuleViolated where a slice holds more than it may.
    """
    start, end = _span(request)
    frames: list[RawFrame] = []
    heads: dict[int, dict[str, Any]] = {}
    readings: dict[str, list[dict[str, str]]] = {}
    for first, last in _slices(start, end):
        part = _frames(ingest, request.outlet_id, first, last)
        frames += [evidence_wire.raw_frame(frame, part.head.number) for frame in part.frames]
        if part.frames:
            heads[part.head.number] = evidence_wire.head(part.head)
        for kind in KINDS:
            rows = _readings(ingest, request.outlet_id, kind, first, last)
            readings.setdefault(evidence_wire.KIND_NAMES[kind], []).extend(rows)
    asked = cases_pb2.CasePapersRequest(matter_id=request.matter_id)
    papers = cases.call("case_papers", asked, cases_pb2.CasePapersResponse)
    ordered = [heads[number] for number in sorted(heads)]
    return Evidence(frames, ordered, readings, evidence_wire.papers(papers), start, end)


def _span(request: cases_pb2.ReferralRequested) -> tuple[datetime, datetime]:
    if not request.HasField("start") or not request.HasField("end"):
        raise RuleViolated("a referral needs the span of its evidence", missing="start, end")
    return from_timestamp(request.start), from_timestamp(request.end)


def _slices(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        last = min(start + SLICE, end)
        yield start, last
        start = last


def _frames(
    ingest: Caller, outlet_id: str, start: datetime, end: datetime
) -> ingest_pb2.RawFramesResponse:
    request = ingest_pb2.RawFramesRequest(
        outlet_id=outlet_id, start=to_timestamp(start), end=to_timestamp(end), kinds=KINDS
    )
    answer = ingest.call("raw_frames", request, ingest_pb2.RawFramesResponse)
    if answer.truncated:
        raise RuleViolated("a slice of the evidence holds more frames than one answer", missing="")
    return answer


def _readings(
    ingest: Caller,
    outlet_id: str,
    kind: ingest_pb2.ReadingKind.ValueType,
    start: datetime,
    end: datetime,
) -> list[dict[str, str]]:
    request = ingest_pb2.GetReadingsRequest(
        outlet_id=outlet_id,
        kind=kind,
        start=to_timestamp(start),
        end=to_timestamp(end),
        with_versions=True,
    )
    return evidence_wire.rows(ingest.call("readings", request, ingest_pb2.GetReadingsResponse))

"""演示标记: what the demo's incinerators marked before the platform came, and that it was accepted.

`province/marks.csv` counts hours from the first seeding; stops and starts of the model are marked
as they are, as an honest plant does. All are of frozen days, so the province's platform pushes them
(`PushOutside`) and an officer accepts each late one.
"""

import time
from collections.abc import Iterator

import grpc
import numpy as np

from farsight.lab.door_client import SignedInClient, patiently
from farsight.lab.model.surroundings import OXYGEN
from farsight.lab.province import DemoLogger, demo_loggers, read_rows
from services.chassis import grpc_host
from services.chassis.clock import from_unix, to_timestamp
from services.chassis.errors import Unavailable
from services.chassis.pb.ingest.v1 import (
    ingest_pb2_grpc,
    mark_pb2,
    mark_pb2_grpc,
    outside_pb2,
)

PLATFORM, OFFICER = "platform.130000", "officer1.130000"
PROCESS = "MSWI furnace"
_STOPS_DAYS = 90  # as far back as the demo sends
_AMBIENT_PERCENT = 19.0
_START_HOURS = 4  # a single start of an incinerator at most (MEE order 10)
_REASON = "平台启用前的标记，经核实属实"


def marks_of(anchor_hour: int, seed: int) -> list[outside_pb2.OutsideItem]:
    """Return all marks of the demo, counted from an absolute hour."""
    items, told = [], {row["outlet_id"] for row in read_rows("marks")}
    for row in read_rows("marks"):
        start = anchor_hour + int(row["start_hours"])
        span = (start, start + int(row["length_hours"]))
        items.append(_item(row, span))
    for logger in demo_loggers(anchor_hour, seed):
        if logger.model.who.process == PROCESS:
            own = logger.model.who.outlet_id not in told
            items += _stops(logger, anchor_hour, with_starts=own)
    return items


def _stops(logger: DemoLogger, end: int, *, with_starts: bool) -> Iterator[outside_pb2.OutsideItem]:
    """Yield 停运 over each standstill of the model and 启炉 over the hours after it."""
    first = end - _STOPS_DAYS * 24
    block = logger.model.block(first, _STOPS_DAYS * 24)
    still = block.mean[OXYGEN] >= _AMBIENT_PERCENT
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(np.int8)))
    outlet_id = logger.model.who.outlet_id
    for begin, stop in edges.reshape(-1, 2).tolist():
        row = {"outlet_id": outlet_id, "family": "7", "factors": ""}
        hour = first + begin
        stopped = row | {"condition": "mswi_ty", "reason": "停炉检修"}
        yield _item(stopped | {"mark_id": f"demo-ty-{hour}"}, (hour, first + stop))
        if with_starts and stop + _START_HOURS <= len(still):
            started = row | {"condition": "mswi_ql", "reason": "检修后启炉"}
            span = (first + stop, first + stop + _START_HOURS)
            yield _item(started | {"mark_id": f"demo-ql-{hour}"}, span)


def _item(row: dict[str, str], span: tuple[int, int]) -> outside_pb2.OutsideItem:
    start, end = (to_timestamp(from_unix(hour * 3600)) for hour in span)
    mark = outside_pb2.Mark(
        mark_id=row["mark_id"],
        revision=1,
        family=outside_pb2.MarkFamily.ValueType(int(row["family"])),
        condition=row["condition"],
        factors=[code for code in row["factors"].split(";") if code],
        start=start,
        end=end,
        reason=row["reason"],
        status=outside_pb2.MARK_STATUS_ACTIVE,
        made_by="演示企业",
        made_at=end,
    )
    place = outside_pb2.Place(outlet_id=row["outlet_id"])
    return outside_pb2.OutsideItem(place=place, source="farsight-demo", mark=mark)


def seed_marks(door: str, gate: str, seed: int, *, wait_s: float) -> int:
    """Push the marks and have them accepted; returns how many were.

    A second run pushes nothing, and accepts what an interrupted first one left. Raises Unavailable
    when the gate does not come to know the outlets, or the store the marks, in time.
    """
    password = {row["user_name"]: row["password"] for row in read_rows("accounts")}
    with grpc_host.client_channel(door) as doors, grpc_host.client_channel(gate) as pushed:
        platform = SignedInClient(doors, PLATFORM, password[PLATFORM])
        officer = SignedInClient(doors, OFFICER, password[OFFICER])
        marks = mark_pb2_grpc.MarkServiceStub(doors)
        if not patiently(lambda: _known(platform, marks), wait_s):
            items = marks_of(int(time.time()) // 3600, seed)
            stub = ingest_pb2_grpc.IngestServiceStub(pushed)
            patiently(lambda: _push(platform, stub, items), wait_s)
            patiently(lambda: _all_there(platform, marks, len(items)), wait_s)
        waiting = _known(officer, marks, waiting=True)
        for record in waiting:
            officer.call(marks.DecideMark, _acceptance(record))
    return len(waiting)


def _known(
    client: SignedInClient, marks: mark_pb2_grpc.MarkServiceStub, *, waiting: bool = False
) -> list[mark_pb2.MarkRecord]:
    """Return the demo's marks that the platform has."""
    request = mark_pb2.ListMarksRequest(waiting=waiting, page_size=500)
    answer: mark_pb2.ListMarksResponse = client.call(marks.ListMarks, request)
    return [one for one in answer.records if one.mark.mark_id.startswith("demo-")]


def _all_there(client: SignedInClient, marks: mark_pb2_grpc.MarkServiceStub, count: int) -> None:
    if len(_known(client, marks)) < count:
        raise Unavailable("the marks are still on their way")


def _push(
    platform: SignedInClient,
    stub: ingest_pb2_grpc.IngestServiceStub,
    items: list[outside_pb2.OutsideItem],
) -> None:
    """Push everything in one request. The same again changes nothing, so a refusal is retried."""
    request = outside_pb2.PushOutsideRequest(sequence=1, items=items)
    metadata = tuple(platform.metadata())
    try:
        receipts = list(stub.PushOutside(iter([request]), metadata=metadata, timeout=60.0))
    except grpc.RpcError as error:
        raise grpc_host.error_from(error) from error
    refusals = [one for receipt in receipts for one in receipt.refusals]
    if refusals:
        # The gate learns of outlets by an event; it may be a moment behind the registry.
        raise Unavailable(f"the gate refuses marks: {refusals[0].reason} {refusals[0].detail}")


def _acceptance(record: mark_pb2.MarkRecord) -> mark_pb2.DecideMarkRequest:
    return mark_pb2.DecideMarkRequest(
        outlet_id=record.outlet_id,
        mark_id=record.mark.mark_id,
        revision=record.mark.revision,
        verdict=mark_pb2.MARK_VERDICT_ACCEPT,
        reason=_REASON,
        channel="grpc",
    )

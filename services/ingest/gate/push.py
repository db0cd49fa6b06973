"""`IngestService`: readings and outside things that a platform pushes.

Answered like a logger: only after the bus confirmed. One bad item refuses itself, not its request,
and the receipt names it and its field.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import Any

from services.chassis.clock import Now
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, require
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.ingest.v1 import ingest_pb2_grpc as rpc
from services.chassis.pb.ingest.v1 import outside_pb2
from services.ingest.gate.columns import CN_OF_KIND, OnSafe
from services.ingest.gate.directory import Directory
from services.ingest.gate.intake import Intake
from services.ingest.gate.push_checks import ACTION, FIELDS, Fault, reading_fault
from services.ingest.gate.push_outside import ACTION as OUTSIDE_ACTION
from services.ingest.gate.push_outside import OutsideTaker, PublishEvent
from services.ingest.gate.receipts import Countdown, PushStream, receipts
from services.ingest.gate.resume import ResumeHints
from services.ingest.hj212.messages import FactorValues

READINGS_A_REQUEST = 5000


class PushServicer(rpc.IngestServiceServicer):
    """推送: the two streams of the gate."""

    def __init__(
        self,
        directory: Directory,
        intake: Intake,
        *,
        future: timedelta,
        now: Now,
        publish_event: PublishEvent | None = None,
        gate_id: str = "gate",
        hints: ResumeHints | None = None,
    ) -> None:
        self._directory = directory
        self._intake = intake
        self._future = future
        self._now = now
        self._hints = hints or ResumeHints(None)
        self._outside = OutsideTaker(
            directory, intake, future=future, now=now, publish_event=publish_event, gate_id=gate_id
        )
        self.open = asyncio.Event()  # set while the gate may read

    async def PushReadings(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[pb.PushReadingsRequest], context: Any
    ) -> AsyncIterator[pb.PushReadingsResponse]:
        """Answer each request after its readings are safe."""
        actor = self._allowed(context, ACTION)
        stream = PushStream(actor, self._hints)
        take = partial(self._take, actor)
        async with aclosing(receipts(request_iterator, take, stream, self.open)) as answers:
            async for answer in answers:
                yield answer

    async def PushOutside(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[outside_pb2.PushOutsideRequest], context: Any
    ) -> AsyncIterator[outside_pb2.PushOutsideResponse]:
        """Answer each request after its items are safe."""
        actor = self._allowed(context, OUTSIDE_ACTION)
        stream = PushStream(actor, self._hints)
        take = partial(self._outside.take, actor)
        async with aclosing(receipts(request_iterator, take, stream, self.open)) as answers:
            async for answer in answers:
                yield answer

    def _allowed(self, context: Any, action: str) -> Actor:
        actor = actor_of(context)
        require(actor, action)
        return actor

    def _take(
        self, actor: Actor, request: pb.PushReadingsRequest, peer: str
    ) -> Coroutine[Any, Any, pb.PushReadingsResponse]:
        """Account every reading now; the coroutine given back waits for their batches."""
        if len(request.readings) > READINGS_A_REQUEST:
            raise InputRejected(
                f"more than {READINGS_A_REQUEST} readings in one request", field="readings"
            )
        response = pb.PushReadingsResponse(sequence=request.sequence)
        all_safe = Countdown(0 if request.dry_run else len(request.readings))
        for index, reading in enumerate(request.readings):
            fault = reading_fault(actor, reading, self._directory, self._now(), self._future)
            if not request.dry_run:
                self._account(reading, fault, peer, all_safe.one)
            if fault is None:
                response.accepted += 1
            else:
                response.refused += 1
                response.reasons.append(f"{index}: {fault.reason}")
                response.refusals.append(fault.refusal(index))

        async def answer() -> pb.PushReadingsResponse:
            await all_safe.wait()
            return response

        return answer()

    def _account(
        self, reading: pb.PushedReading, fault: Fault | None, peer: str, on_safe: OnSafe
    ) -> None:
        reason = fault.reason if fault else ""
        frame = self._intake.pushed_frame(
            raw=reading.SerializeToString(deterministic=True), peer=peer
        )
        frame.qn = reading.request_id[:64]
        frame.cn = CN_OF_KIND.get(reading.kind, "")
        frame.reason = reason
        if self._directory.outlet(reading.outlet_id) and reason != "forbidden":
            frame.outlet_id = reading.outlet_id
            frame.mn = self._directory.mn_of(reading.outlet_id)
        frame.outcome = pb.OUTCOME_REFUSED if reason else pb.OUTCOME_ACCEPTED
        values: tuple[FactorValues, ...] = ()
        if not reason:
            frame.origin = pb.ORIGIN_LIVE  # how late it is follows from the times
            frame.value_state = reading.state
            frame.data_time_s = reading.data_time.seconds
            values = tuple(factor_values(value) for value in reading.values)
        self._intake.account(frame, values, on_safe)


def factor_values(value: pb.PushedValue) -> FactorValues:
    """A pushed value as the batch has it; an absent field is NaN."""
    result = FactorValues(code=value.factor, flag=value.flag)
    for name in FIELDS:
        if value.HasField(name):
            setattr(result, name, getattr(value, name))
    return result

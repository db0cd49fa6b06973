"""`IngestService.PushReadings`: readings that a platform pushes, into the same batches.

Answered like a logger: only after the bus confirmed the batch. Requests are read ahead up to a
small number, so that a stream is not bound to one batch a request; answers keep their order.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from math import isinf
from typing import Any, Literal

from services.chassis.clock import Now
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor, can, require
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.ingest.v1 import ingest_pb2_grpc as rpc
from services.ingest.gate.columns import CN_OF_KIND, OnSafe
from services.ingest.gate.directory import Directory
from services.ingest.gate.intake import Intake
from services.ingest.hj212.messages import FactorValues

ACTION = "readings.push"
READ_AHEAD = 8
READINGS_A_REQUEST = 5000
_FIELDS: tuple[Literal["value", "min", "max", "cou", "converted"], ...] = (
    "value",
    "min",
    "max",
    "cou",
    "converted",
)


class PushServicer(rpc.IngestServiceServicer):
    """推送: checks each reading by itself; one bad reading refuses itself, not the request."""

    def __init__(
        self,
        directory: Directory,
        intake: Intake,
        *,
        future: timedelta,
        now: Now,
    ) -> None:
        self._directory = directory
        self._intake = intake
        self._future = future
        self._now = now
        self.open = asyncio.Event()  # set while the gate may read

    async def PushReadings(  # noqa: N802 - gRPC's name
        self, request_iterator: AsyncIterator[pb.PushReadingsRequest], context: Any
    ) -> AsyncIterator[pb.PushReadingsResponse]:
        """Answer each request after its readings are safe."""
        actor = actor_of(context)
        require(actor, ACTION)
        waiting: asyncio.Queue[asyncio.Task[pb.PushReadingsResponse] | None] = asyncio.Queue(
            READ_AHEAD
        )

        async def read() -> None:
            try:
                async for request in request_iterator:
                    await self.open.wait()
                    await waiting.put(asyncio.ensure_future(self._take(actor, request)))
            finally:
                await waiting.put(None)

        reader = asyncio.create_task(read())
        try:
            while (answer := await waiting.get()) is not None:
                yield await answer
            await reader  # what broke the reading breaks the call
        finally:
            reader.cancel()

    def _take(
        self, actor: Actor, request: pb.PushReadingsRequest
    ) -> Coroutine[Any, Any, pb.PushReadingsResponse]:
        """Account every reading now; the coroutine given back waits for their batches."""
        if len(request.readings) > READINGS_A_REQUEST:
            raise InputRejected(f"more than {READINGS_A_REQUEST} readings in one request")
        response = pb.PushReadingsResponse(sequence=request.sequence)
        left = len(request.readings)
        all_safe = asyncio.Event()
        if not left:
            all_safe.set()

        def one_safe() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                all_safe.set()

        for index, reading in enumerate(request.readings):
            reason = self._account(actor, reading, one_safe)
            if reason:
                response.refused += 1
                response.reasons.append(f"{index}: {reason}")
            else:
                response.accepted += 1

        async def answer() -> pb.PushReadingsResponse:
            await all_safe.wait()
            return response

        return answer()

    def _account(self, actor: Actor, reading: pb.PushedReading, on_safe: OnSafe) -> str:
        reason = self._refusal(actor, reading)
        frame = self._intake.pushed_frame(
            raw=reading.SerializeToString(deterministic=True), peer=f"grpc:{actor.user_id}:0"
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
            frame.data_time_s = reading.data_time.seconds
            values = tuple(factor_values(value) for value in reading.values)
        self._intake.account(frame, values, on_safe)
        return reason

    def _refusal(self, actor: Actor, reading: pb.PushedReading) -> str:
        outlet = self._directory.outlet(reading.outlet_id)
        if outlet is None:
            return "unknown_outlet"
        if not can(actor, ACTION, division=outlet.division, enterprise_id=outlet.credit_code):
            return "forbidden"
        if reading.kind not in CN_OF_KIND or not reading.values:
            return "malformed"
        time = reading.data_time
        if not time.seconds > 0 or time.nanos or not all(map(_well_formed, reading.values)):
            return "malformed"
        if len({value.factor for value in reading.values}) != len(reading.values):
            return "malformed"
        ahead = time.seconds - self._now().timestamp()
        return "future_time" if ahead > self._future.total_seconds() else ""


def factor_values(value: pb.PushedValue) -> FactorValues:
    """A pushed value as the batch has it; an absent field is NaN."""
    result = FactorValues(code=value.factor, flag=value.flag)
    for name in _FIELDS:
        if value.HasField(name):
            setattr(result, name, getattr(value, name))
    return result


def _well_formed(value: pb.PushedValue) -> bool:
    """A factor code of sane length, no flag or one ASCII letter, and no infinite number."""
    flag_fits = not value.flag or (len(value.flag) == 1 and value.flag.isascii())
    finite = not any(isinf(getattr(value, name)) for name in _FIELDS)
    return 0 < len(value.factor) <= 32 and flag_fits and finite

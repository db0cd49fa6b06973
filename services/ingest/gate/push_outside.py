"""`PushOutside`: things from outside, to the bus twice before the receipt.

The bytes of each item go as a frame without values into the reading batches, so that raw archive,
ledger and balance hold them like every other thing that arrived, refused ones too. The sound items
go as one `OutsideBatch` on the events exchange, which `ingest` keeps by natural key.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

from google.protobuf.message import Message

from services.chassis.clock import Now
from services.chassis.errors import InputRejected, Unavailable
from services.chassis.identity import Actor
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.ingest.v1 import outside_pb2
from services.ingest.domain.outside import NOTE
from services.ingest.gate.directory import Directory
from services.ingest.gate.intake import Intake
from services.ingest.gate.outside_checks import ACTION, Placed, item_fault, placed
from services.ingest.gate.push_checks import Fault
from services.ingest.gate.receipts import Countdown

__all__ = ["ACTION", "OutsideTaker", "PublishEvent"]

log = get_logger(__name__)

ITEMS_A_REQUEST = 1000
RETRY_S = 0.2
PublishEvent = Callable[[Message, str], Awaitable[None]]  # event and message id, or Unavailable


class OutsideTaker:
    """Checks each item by itself; one bad item refuses itself, not the request."""

    def __init__(
        self,
        directory: Directory,
        intake: Intake,
        *,
        future: timedelta,
        now: Now,
        publish_event: PublishEvent | None,
        gate_id: str,
    ) -> None:
        self._directory = directory
        self._intake = intake
        self._future = future
        self._now = now
        self._publish = publish_event
        self._gate_id = gate_id

    def take(
        self, actor: Actor, request: outside_pb2.PushOutsideRequest, peer: str
    ) -> Coroutine[Any, Any, outside_pb2.PushOutsideResponse]:
        """Account every item now; the coroutine given back waits until all are safe.

        Raises InputRejected for a request of too many items.
        """
        if len(request.items) > ITEMS_A_REQUEST:
            raise InputRejected(f"more than {ITEMS_A_REQUEST} items in one request", field="items")
        response = outside_pb2.PushOutsideResponse(sequence=request.sequence)
        batch = outside_pb2.OutsideBatch(batch_id=str(uuid.uuid4()), gate_id=self._gate_id)
        all_safe = Countdown(0 if request.dry_run else len(request.items))
        for index, item in enumerate(request.items):
            where = placed(actor, item, self._directory)
            fault = where if isinstance(where, Fault) else self._fault(item)
            response.refused += fault is not None
            response.accepted += fault is None
            if fault is not None:
                response.refusals.append(fault.refusal(index))
            if request.dry_run:
                continue
            frame = self._frame(item, where, fault, peer)
            if fault is None and isinstance(where, Placed):
                batch.entries.append(_entry(frame, where))
            self._intake.account(frame, (), all_safe.one)

        async def answer() -> outside_pb2.PushOutsideResponse:
            if batch.entries:
                await self._publish_surely(batch)
            await all_safe.wait()
            return response

        return answer()

    def _fault(self, item: outside_pb2.OutsideItem) -> Fault | None:
        return item_fault(item, self._now(), self._future)

    def _frame(
        self,
        item: outside_pb2.OutsideItem,
        where: Placed | Fault,
        fault: Fault | None,
        peer: str,
    ) -> pb.Frame:
        """The item's bytes as a frame of the ledger; its kind stands in the notes."""
        frame = self._intake.pushed_frame(raw=item.SerializeToString(deterministic=True), peer=peer)
        frame.notes.append(f"{NOTE}{item.WhichOneof('item') or 'nothing'}")
        frame.reason = fault.reason if fault else ""
        frame.outcome = pb.OUTCOME_REFUSED if fault else pb.OUTCOME_ACCEPTED
        if isinstance(where, Placed):
            frame.outlet_id = where.outlet_id
        return frame

    async def _publish_surely(self, batch: outside_pb2.OutsideBatch) -> None:
        """Send until confirmed; the same id again takes effect once."""
        if self._publish is None:
            raise Unavailable("this gate has no bus for events")
        while True:
            try:
                await self._publish(batch, batch.batch_id)
            except Unavailable as error:
                log.warning("outside_not_confirmed", batch_id=batch.batch_id, error=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                return


def _entry(frame: pb.Frame, where: Placed) -> outside_pb2.OutsideEntry:
    return outside_pb2.OutsideEntry(
        raw=frame.raw,
        sm3=frame.sm3,
        division=where.division,
        credit_code=where.credit_code,
        received_at_us=frame.received_at_us,
        peer=frame.peer,
        correlation_id=frame.correlation_id,
    )

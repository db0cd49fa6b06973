"""短信中心 The SMPP 3.4 side: takes submit_sm, answers, sends delivery receipts."""

import asyncio
import uuid
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import smpp34

from farsight.handset.memory import Memory, read_part
from services.chassis.log import get_logger

log = get_logger(__name__)

# SMPP 3.4 5.1.3 and 5.3.2; the library's stubs leave its own names out.
_THROTTLED, _INVALID_NUMBER = 0x58, 0x0B
_TAG_MESSAGE_ID, _TAG_REFERENCE, _TAG_STATE = 0x001E, 0x0204, 0x0427
_REGISTERED = 0x01
_RECEIPT = 0x04
_DELIVERED = 2
_PATIENCE_S = 1.0


@dataclass
class Knobs:
    """How the centre misbehaves, for tests: counts are used up, delays stay."""

    throttle: int = 0  # next n submissions: ESME_RTHROTTLED
    refuse: int = 0  # next n submissions: ESME_RINVDSTADR
    drop_answers: int = 0  # next n submissions: taken, never answered
    receipt_delay_s: float = 0.0
    duplicate_receipts: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """A receipt to send: for which message, to whom it goes back."""

    message_id: str
    phone: str
    sender: str
    reference: int | None


class Centre:
    """One listening SMS centre."""

    def __init__(self, bind: tuple[str, int], memory: Memory, knobs: Knobs) -> None:
        self._server = smpp34.Server(host=bind[0], port=bind[1], system_id="FARSIGHT")
        self._memory, self._knobs = memory, knobs
        self._sessions: dict[str, Any] = {}
        self._receipts: deque[Due] = deque()
        self._unanswered: list[Any] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen and work until the event loop ends."""
        await self._server.start()
        for work in (self._listen(), self._send_receipts()):
            self._spawn(work)

    async def stop(self) -> None:
        """Close the listener and every session."""
        for task in self._tasks:
            task.cancel()
        await self._server.stop()

    @property
    def bound(self) -> int:
        """How many sessions are bound."""
        return len(self._sessions)

    async def _listen(self) -> None:
        while True:
            event = await self._server.next()
            if isinstance(event, smpp34.Esme):
                self._sessions[event.session_id] = event
                log.info("bound", system_id=event.system_id)
            elif isinstance(event, smpp34.Unbound):
                self._sessions.pop(event.session_id, None)
                log.info("unbound", session_id=event.session_id)
            else:
                self._take(event)

    def _take(self, event: Any) -> None:
        knobs = self._knobs
        if knobs.throttle > 0:
            knobs.throttle -= 1
            event.reject(_THROTTLED)
            return
        if knobs.refuse > 0:
            knobs.refuse -= 1
            event.reject(_INVALID_NUMBER)
            return
        message_id = uuid.uuid4().hex[:16]
        self._memory.keep(
            read_part(
                message_id=message_id,
                phone=event.destination_addr,
                sender=event.source_addr,
                octets=event.short_message,
                esm_class=event.esm_class,
                data_coding=event.data_coding,
            )
        )
        if event.registered_delivery & _REGISTERED:
            self._spawn(self._queue_receipt(event, message_id))
        if knobs.drop_answers > 0:
            knobs.drop_answers -= 1
            self._unanswered.append(event)  # a forgotten event would be answered with an error
            return
        event.accept(message_id)

    async def _queue_receipt(self, event: Any, message_id: str) -> None:
        reference = next(
            (tlv.as_int() for tlv in event.tlvs if tlv.tag == _TAG_REFERENCE),
            None,
        )
        due = Due(message_id, event.destination_addr, event.source_addr, reference)
        await asyncio.sleep(self._knobs.receipt_delay_s)
        self._receipts.extend([due] * (2 if self._knobs.duplicate_receipts else 1))

    async def _send_receipts(self) -> None:
        """Send what is due to any session that listens; without one it waits."""
        while True:
            session = next((s for s in self._sessions.values() if s.can_receive), None)
            if session is None or not self._receipts:
                await asyncio.sleep(0.02)
                continue
            due = self._receipts.popleft()
            if not await self._delivered(session, due):
                self._receipts.append(due)
                await asyncio.sleep(0.2)

    async def _delivered(self, session: Any, due: Due) -> bool:
        stamp = datetime.now(UTC).strftime("%y%m%d%H%M")
        text = (
            f"id:{due.message_id} sub:001 dlvrd:001 submit date:{stamp} done date:{stamp}"
            " stat:DELIVRD err:000 text:"
        )
        tlvs = [
            smpp34.Tlv(_TAG_MESSAGE_ID, due.message_id.encode() + b"\0"),
            smpp34.Tlv(_TAG_STATE, bytes([_DELIVERED])),
        ]
        if due.reference is not None:
            reference = due.reference.to_bytes(2, "big")
            tlvs.append(smpp34.Tlv(_TAG_REFERENCE, reference))
        try:
            answer = await asyncio.wait_for(
                session.deliver_sm(
                    due.sender,
                    text.encode(),
                    source_addr=due.phone,
                    esm_class=_RECEIPT,
                    tlvs=tlvs,
                ),
                _PATIENCE_S,
            )
        except (smpp34.SmppError, OSError, TimeoutError, RuntimeError) as error:
            log.info("receipt_later", message_id=due.message_id, error=str(error))
            return False
        return bool(answer.is_success)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("task_failed", exc_info=task.exception())

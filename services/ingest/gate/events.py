"""Events of the gate on their way to the bus: in order, confirmed, sent again until they are.

The gate has no outbox table; what waits here is lost with the process. That is allowed: sessions
and routes are seen again from the next frame, and who ordered a command sees its gate go.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Awaitable, Callable

from google.protobuf.message import Message

from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.ingest.gate import metrics

log = get_logger(__name__)

PublishEvent = Callable[[Message, str], Awaitable[None]]  # event and message id, or Unavailable
AT_ONCE = 64  # events on the wire together; a storm of sessions must not wait confirm by confirm
RETRY_S = 0.2
LIMIT = 50_000  # events that wait; a broker away for long must not fill the memory


class EventSender:
    """Takes events without waiting and publishes them in the order in which they came."""

    def __init__(self, publish: PublishEvent, limit: int = LIMIT) -> None:
        self._publish = publish
        self._limit = limit
        self._waiting: deque[tuple[str, Message]] = deque()
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def put(self, event: Message) -> None:
        """Take an event; beyond the limit it is counted and dropped."""
        if len(self._waiting) >= self._limit:
            metrics.EVENTS_DROPPED.inc()
            return
        self._waiting.append((str(uuid.uuid4()), event))
        self._empty.clear()
        self._wake.set()

    async def run(self) -> None:
        """Publish; ends only by being cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await self._send_some()
            self._empty.set()

    async def drain(self, patience_s: float) -> int:
        """Wait until everything is confirmed; gives how many events stayed behind."""
        try:
            await asyncio.wait_for(self._empty.wait(), patience_s)
        except TimeoutError:
            log.warning("events_not_confirmed", waiting=len(self._waiting))
        return len(self._waiting)

    async def _send_some(self) -> None:
        """The oldest events together; those behind an unconfirmed one are sent again with it."""
        some = [self._waiting[place] for place in range(min(AT_ONCE, len(self._waiting)))]
        results = await asyncio.gather(
            *(self._publish(event, message_id) for message_id, event in some),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                if not isinstance(result, Unavailable):
                    raise result
                await asyncio.sleep(RETRY_S)
                return
            self._waiting.popleft()

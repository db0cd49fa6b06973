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
from services.chassis.pb.ingest.v1 import logger_pb2
from services.ingest.gate import metrics

log = get_logger(__name__)

PublishEvent = Callable[[Message, str], Awaitable[None]]  # event and message id, or Unavailable
AT_ONCE = 64  # events on the wire together; a storm of sessions must not wait confirm by confirm
SESSIONS_TOGETHER = 500  # in one event: after an outage 60,000 loggers come within a minute
LINGER_S = 0.05  # for company
RETRY_S = 0.2
LIMIT = 50_000  # events that wait; a broker away for long must not fill the memory


class EventSender:
    """Takes events without waiting and publishes them in the order in which they came."""

    def __init__(self, publish: PublishEvent, limit: int = LIMIT) -> None:
        self._publish = publish
        self._limit = limit
        self._waiting: deque[tuple[str, Message]] = deque()
        self._on_wire = 0
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

    def put_session(self, session: logger_pb2.LoggerSession) -> None:
        """Take what is said of a logger's connection; it travels with others that wait."""
        last = self._waiting[-1][1] if len(self._waiting) > self._on_wire else None
        if isinstance(last, logger_pb2.LoggerSessions) and len(last.sessions) < SESSIONS_TOGETHER:
            last.sessions.append(session)
        else:
            self.put(logger_pb2.LoggerSessions(sessions=[session]))

    async def run(self) -> None:
        """Publish; ends only by being cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                await asyncio.sleep(LINGER_S)
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
        self._on_wire = min(AT_ONCE, len(self._waiting))
        some = [self._waiting[place] for place in range(self._on_wire)]
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
            self._on_wire -= 1

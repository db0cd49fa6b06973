"""回执: one receipt a request, in order, once it is safe; few requests are under way at once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from services.chassis.errors import InputRejected
from services.chassis.identity import Actor
from services.ingest.gate.resume import ResumeHints, checked_stream

#: Requests of one stream that may wait for their receipts: enough that the linger of a batch does
#: not bind a stream to one request at a time, and few enough to bound the memory.
WINDOW = 8


class Request(Protocol):
    """What all requests share."""

    sequence: int
    stream_id: str
    dry_run: bool


class Response(Protocol):
    """What all receipts share."""

    sequence: int
    window: int
    resume_after: int


Asked = TypeVar("Asked", bound=Request)
Receipt = TypeVar("Receipt", bound=Response)
#: Takes a request from a peer at once; what it gives back waits until everything is safe.
Take = Callable[[Asked, str], Coroutine[Any, Any, Receipt]]


class PushStream:
    """One call: who sends, what the stream is called, and how far it came."""

    def __init__(self, actor: Actor, hints: ResumeHints) -> None:
        self._actor = actor
        self._hints = hints
        self._stream_id = ""
        self._last = 0
        self._begun = False

    @property
    def peer(self) -> str:
        """What frames carry as their peer; the part after the last colon names the stream."""
        return f"grpc:{self._actor.user_id}:{self._stream_id or '0'}"

    async def begin(self, request: Request) -> int:
        """Look at a request; of the first one gives where to resume.

        Raises InputRejected when a named stream's sequence does not grow: a hint would then tell
        what is safe wrongly.
        """
        resume = 0
        if not self._begun:
            self._begun = True
            # A dry run makes nothing safe, so it has no name to remember.
            self._stream_id = "" if request.dry_run else checked_stream(request.stream_id)
            if self._stream_id:
                resume = await self._hints.last(self._actor.user_id, self._stream_id)
        if self._stream_id and request.sequence:
            if request.sequence <= self._last:
                raise InputRejected(
                    f"sequence: {request.sequence} after {self._last}", field="sequence"
                )
            self._last = request.sequence
        return resume

    def safe(self, sequence: int) -> None:
        """Everything up to this request is safe."""
        if self._stream_id and sequence:
            self._hints.note(self._actor.user_id, self._stream_id, sequence)


class Countdown:
    """Waits until each of `count` things was told to be safe."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._done = asyncio.Event()
        if not count:
            self._done.set()

    def one(self) -> None:
        """One more is safe."""
        self._left -= 1
        if self._left == 0:
            self._done.set()

    async def wait(self) -> None:
        """Wait for the last one."""
        await self._done.wait()


async def receipts(
    requests: AsyncIterator[Asked],
    take: Take[Asked, Receipt],
    stream: PushStream,
    may_read: asyncio.Event,
) -> AsyncGenerator[Receipt, None]:
    """Answer each request once it is safe, in the order in which they came.

    Nothing is read while `WINDOW` requests wait or `may_read` is not set: HTTP/2 holds the sender.
    Raises what `take` raises, after the receipts of the requests before.
    """
    slots = asyncio.Semaphore(WINDOW)
    waiting: asyncio.Queue[tuple[asyncio.Task[Receipt], int] | None] = asyncio.Queue()

    async def read() -> None:
        async for request in requests:
            await may_read.wait()
            await slots.acquire()
            resume = await stream.begin(request)
            task = asyncio.ensure_future(take(request, stream.peer))
            waiting.put_nowait((task, resume))

    reader = asyncio.create_task(read())
    reader.add_done_callback(lambda _: waiting.put_nowait(None))
    try:
        while (under_way := await waiting.get()) is not None:
            task, resume = under_way
            receipt = await task
            receipt.window, receipt.resume_after = WINDOW, resume
            stream.safe(receipt.sequence)
            slots.release()
            yield receipt
        await reader  # what broke the reading breaks the call
    finally:
        reader.cancel()

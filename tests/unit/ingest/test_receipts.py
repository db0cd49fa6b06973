"""Receipts of a pushed stream: in order, after safety, few at once; hints that tell no more."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.chassis.errors import InputRejected
from services.chassis.identity import Actor, Role
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.gate.receipts import WINDOW, PushStream, receipts
from services.ingest.gate.resume import ResumeHints

ACTOR = Actor("p", Role.PLATFORM, division="130000")


class Gate:
    """Takes requests; each becomes safe when told."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.safe: dict[int, asyncio.Event] = {}

    def take(self, request: Any, peer: str) -> Any:
        """Note the request and wait."""
        assert peer == "grpc:p:s"
        self.taken.append(request.sequence)
        safe = self.safe.setdefault(request.sequence, asyncio.Event())

        async def answer() -> pb.PushReadingsResponse:
            await safe.wait()
            return pb.PushReadingsResponse(sequence=request.sequence)

        return answer()


async def numbered(*sequences: int) -> AsyncIterator[pb.PushReadingsRequest]:
    """Requests of one named stream."""
    for sequence in sequences:
        yield pb.PushReadingsRequest(sequence=sequence, stream_id="s")


class Noted(ResumeHints):
    """Hints in memory."""

    def __init__(self, last: int = 0) -> None:
        super().__init__(None)
        self.noted: list[int] = []
        self._last = last

    async def last(self, user_id: str, stream_id: str) -> int:
        """What an earlier connection left."""
        assert (user_id, stream_id) == ("p", "s")
        return self._last

    def note(self, user_id: str, stream_id: str, sequence: int) -> None:
        """Remember the order of notes."""
        assert (user_id, stream_id) == ("p", "s")
        self.noted.append(sequence)


def opened() -> asyncio.Event:
    """A gate that may read."""
    event = asyncio.Event()
    event.set()
    return event


async def soon() -> None:
    """Let every task that can go on do so."""
    for _ in range(50):
        await asyncio.sleep(0)


def test_no_more_than_the_window_is_read_before_a_receipt() -> None:
    """The ninth request waits outside; a receipt lets exactly one more in."""

    async def check() -> None:
        gate, hints = Gate(), Noted(last=7)
        stream = receipts(numbered(*range(1, 20)), gate.take, PushStream(ACTOR, hints), opened())
        first = asyncio.ensure_future(anext(stream))
        await soon()
        assert gate.taken == list(range(1, WINDOW + 1))
        gate.safe[2].set()
        await soon()
        assert not first.done()  # order: the second waits for the first
        assert hints.noted == []
        gate.safe[1].set()
        receipt = await first
        assert (receipt.sequence, receipt.window, receipt.resume_after) == (1, WINDOW, 7)
        second = await anext(stream)
        assert (second.sequence, second.resume_after) == (2, 0)
        assert hints.noted == [1, 2]
        await soon()
        assert gate.taken == list(range(1, WINDOW + 3))
        await stream.aclose()

    asyncio.run(check())


def test_nothing_is_read_while_the_gate_may_not() -> None:
    """A bus that is away holds the sender; nothing is taken that could be lost."""

    async def check() -> None:
        gate, may_read = Gate(), asyncio.Event()
        stream = receipts(numbered(1), gate.take, PushStream(ACTOR, Noted()), may_read)
        first = asyncio.ensure_future(anext(stream))
        await soon()
        assert gate.taken == []
        may_read.set()
        await soon()
        gate.safe[1].set()
        assert (await first).sequence == 1

    asyncio.run(check())


def test_a_sequence_that_does_not_grow_ends_the_stream_after_its_receipts() -> None:
    """What came before is answered; then the sender is told."""

    async def check() -> None:
        gate = Gate()
        gate.safe[1] = asyncio.Event()
        gate.safe[1].set()
        stream = receipts(numbered(1, 1), gate.take, PushStream(ACTOR, Noted()), opened())
        assert (await anext(stream)).sequence == 1
        with pytest.raises(InputRejected):
            await anext(stream)

    asyncio.run(check())

"""推送客户端: one named stream of numbered parts, pushed until every part has its receipt.

What the platform knows to be safe is skipped, a connection that breaks is made again, and parts
without a receipt are sent again: the platform knows repeated things by their natural key.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import grpc

from services.chassis import grpc_host
from services.chassis.errors import Unavailable

Part = TypeVar("Part")

#: From a sequence on (exclusive) gives (sequence, part), growing.
PartsAfter = Callable[[int], Iterable[tuple[int, Part]]]
Call = Callable[[Iterator[Any]], Any]

PATIENCE_S = 120.0
RETRY_S = 0.5


class PushStream(Generic[Part]):
    """Pushes; `call` opens the bidirectional stream, `request` makes one request of a part."""

    def __init__(
        self,
        call: Call,
        request: Callable[[int, Part | None, str], Any],
        stream_id: str,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._call = call
        self._request = request
        self._stream_id = stream_id
        self._patience_s = patience_s
        self.safe = 0  # last sequence with a receipt, or known to be safe from before
        self.resumed_after = 0  # what the platform knew when the stream was opened first
        self.connections = 0

    def push(self, parts_after: PartsAfter[Part], on_receipt: Callable[[Any], None]) -> None:
        """Push all parts; `on_receipt` gets each receipt once, in order.

        Raises Unavailable when nothing became safe for `patience_s`, and the platform's own errors.
        """
        moved, before = time.monotonic(), self.safe
        while True:
            try:
                self._one_connection(parts_after, on_receipt)
            except Unavailable:
                if self.safe > before:
                    moved, before = time.monotonic(), self.safe
                if time.monotonic() - moved > self._patience_s:
                    raise
                time.sleep(RETRY_S)
            else:
                return

    def _one_connection(
        self, parts_after: PartsAfter[Part], on_receipt: Callable[[Any], None]
    ) -> None:
        opened = _Opened()
        call = self._call(self._requests(opened, parts_after))
        first = True
        try:
            for receipt in call:
                if first:
                    first = False
                    self._opened(receipt.resume_after)
                    opened.begin(receipt.window)
                    continue
                opened.answered()
                self.safe = max(self.safe, receipt.sequence)
                on_receipt(receipt)
        except grpc.RpcError as error:
            raise grpc_host.error_from(error) from error
        finally:
            opened.end()
            call.cancel()

    def _opened(self, resume_after: int) -> None:
        self.connections += 1
        if self.connections == 1:
            self.resumed_after = resume_after
        self.safe = max(self.safe, resume_after)

    def _requests(self, opened: "_Opened", parts_after: PartsAfter[Part]) -> Iterator[Any]:
        yield self._request(0, None, self._stream_id)
        if not opened.wait():
            return
        for sequence, part in parts_after(self.safe):
            if not opened.may_send():
                return
            yield self._request(sequence, part, self._stream_id)


class _Opened:
    """What the thread that sends and the one that reads tell each other."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._ended = False
        self._slots = threading.Semaphore(0)

    def begin(self, window: int) -> None:
        """The first receipt tells how many requests may wait for theirs."""
        self._slots.release(max(1, window))
        self._begun.set()

    def answered(self) -> None:
        """One receipt more, one request more."""
        self._slots.release()

    def end(self) -> None:
        """The call is over; a sender that waits goes home."""
        self._ended = True
        self._begun.set()
        self._slots.release()

    def wait(self) -> bool:
        """Wait for the first receipt; False when the call ended before."""
        self._begun.wait()
        return not self._ended

    def may_send(self) -> bool:
        """Wait for room in the window; False when the call has ended."""
        self._slots.acquire()
        return not self._ended

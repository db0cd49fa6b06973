"""Frames to batches, batches to the bus, and the answer only after the confirm.

One task a partition publishes one batch at a time: a batch that has to be sent again keeps its id
and its place before the next, so the first-received value of a key stays the first.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.gate import metrics
from services.ingest.gate.columns import BatchBuilder, OnSafe
from services.ingest.hj212.messages import FactorValues

log = get_logger(__name__)

Publish = Callable[[pb.ReadingBatch], Awaitable[None]]  # returns after the confirm, or Unavailable
RETRY_S = 0.2


class Gatherer:
    """Collects frames by partition and publishes them in order."""

    def __init__(
        self,
        publish: Publish,
        *,
        partitions: int,
        gate_id: str,
        linger_s: float,
        batch_frames: int,
        pending_frames: int,
    ) -> None:
        self._publish = publish
        self._gate_id = gate_id
        self._linger_s = linger_s
        self._batch_frames = batch_frames
        self._high = pending_frames
        self._builders: list[deque[BatchBuilder]] = [deque() for _ in range(partitions)]
        self._wake = [asyncio.Event() for _ in range(partitions)]
        self._full = [asyncio.Event() for _ in range(partitions)]
        self._tasks: list[asyncio.Task[None]] = []
        self._draining = False
        self.pending = 0
        self.on_pressure: Callable[[], None] = lambda: None  # called when `full` may have changed

    @property
    def full(self) -> bool:
        """Whether so many frames wait that reading must stop."""
        return self.pending >= self._high

    @property
    def has_room(self) -> bool:
        """Whether reading may go on: at half of the limit, so that it does not flutter."""
        return self.pending * 2 <= self._high

    def start(self) -> None:
        """Start one task a partition."""
        self._tasks = [
            asyncio.create_task(self._run(number), name=f"partition-{number}")
            for number in range(len(self._builders))
        ]

    def add(
        self,
        partition: int,
        frame: pb.Frame,
        values: Sequence[FactorValues] = (),
        on_safe: OnSafe | None = None,
    ) -> None:
        """Take a frame; `on_safe` is called after the bus confirmed the batch that holds it."""
        builders = self._builders[partition]
        if not builders or len(builders[-1]) >= self._batch_frames:
            builders.append(BatchBuilder(partition, self._gate_id))
        builders[-1].add(frame, values, on_safe)
        self.pending += 1
        self._wake[partition].set()
        if len(builders) > 1 or len(builders[0]) >= self._batch_frames:
            self._full[partition].set()
        if self.pending == self._high:
            self.on_pressure()

    async def drain(self, patience_s: float) -> int:
        """Publish what waits without lingering, then end; gives how many frames stayed behind."""
        self._draining = True
        for event in (*self._wake, *self._full):
            event.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return self.pending

    async def _run(self, partition: int) -> None:
        builders = self._builders[partition]
        while builders or not self._draining:
            if not builders:
                self._wake[partition].clear()
                await self._wake[partition].wait()
                continue
            await self._linger(partition)
            builder = builders.popleft()
            self._full[partition].clear()
            await self._publish_until_safe(builder.seal())
            self._settled(builder)

    async def _linger(self, partition: int) -> None:
        """Wait for company: until the batch is full, or its time is over."""
        builders = self._builders[partition]
        if self._draining or len(builders) > 1 or len(builders[0]) >= self._batch_frames:
            return
        try:
            await asyncio.wait_for(self._full[partition].wait(), self._linger_s)
        except TimeoutError:
            return

    async def _publish_until_safe(self, batch: pb.ReadingBatch) -> None:
        while True:
            start = time.perf_counter()
            try:
                await self._publish(batch)
            except Unavailable as error:
                # Not confirmed is not lost: it may be stored already, and the same id finds out.
                metrics.RETRIES.inc()
                log.warning("batch_not_confirmed", batch_id=batch.batch_id, error=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                metrics.CONFIRM_SECONDS.observe(time.perf_counter() - start)
                metrics.BATCHES.inc()
                return

    def _settled(self, builder: BatchBuilder) -> None:
        self.pending -= len(builder)
        metrics.PENDING.set(self.pending)
        for on_safe in builder.on_safe:
            on_safe()
        self.on_pressure()

"""One logger's TCP connection to the gate: a bounded window of frames waiting for their 9014.

A frame leaves the window when the gate acknowledges it. A lost connection is dialled again with a
growing pause and everything unacknowledged is sent again: the gate knows a duplicate. A frame that
stays unanswered while later ones are answered was refused (HJ 212 sends no refusal); it is sent
three times (ReCount) and then counted and dropped, as a logger does. With a `Device` behind it, the
line also carries out what the centre asks, one request after the other.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from farsight.lab.device import Act, Device, HangUp, Say, Series, Wait
from farsight.lab.frames import Frame

_HEAD = 6  # "##" and four digits of length
_AFTER = 6  # CRC and CR LF
_QN = b"QN="
_TRIES = 3  # HJ 212-2017: ReCount


@dataclass
class Tally:
    """What all uplinks of a run did, for progress and the exit code."""

    sent: int = 0
    acknowledged: int = 0
    resent: int = 0
    unanswered: int = 0
    asked: int = 0  # frames said in answer to requests
    connects: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    connected: asyncio.Event = field(default_factory=asyncio.Event)

    def figures(self) -> dict[str, object]:
        """Return the counts by name."""
        return {name: value for name, value in vars(self).items() if name != "connected"}

    def fault(self, reason: str) -> None:
        """Count a connection fault by its reason."""
        self.faults[reason] = self.faults.get(reason, 0) + 1


class _Replies(asyncio.Protocol):
    """Cuts what the gate says by its length; hands over the QN of a 9014, and every other frame."""

    def __init__(
        self,
        on_reply: Callable[[str], None],
        on_other: Callable[[bytes], None],
        closed: asyncio.Event,
    ) -> None:
        self._buffer = bytearray()
        self._on_reply = on_reply
        self._on_other = on_other
        self._closed = closed

    def data_received(self, data: bytes) -> None:
        """Take bytes of the gate."""
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= _HEAD + _AFTER:
            size = _HEAD + int(buffer[at + 2 : at + _HEAD]) + _AFTER
            if len(buffer) - at < size:
                break
            begin = buffer.find(_QN, at + _HEAD, at + size)
            if begin >= 0 and buffer.find(b"CN=9014", at + _HEAD, at + size) >= 0:
                self._on_reply(buffer[begin + 3 : begin + 20].decode("ascii"))
            else:
                self._on_other(bytes(buffer[at : at + size]))
            at += size
        del buffer[:at]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's interface
        """Wake the dialler."""
        self._closed.set()


@dataclass
class _Waiting:
    data: bytes
    tries: int
    since: float


class Uplink:
    """数采仪上行链路: dials, sends inside a window, and sends again what was not acknowledged."""

    def __init__(
        self,
        address: tuple[str, int],
        tally: Tally,
        *,
        window: int = 64,
        patience_s: float = 20.0,
        device: Device | None = None,
    ) -> None:
        self._address = address
        self._device = device
        self._acts: asyncio.Queue[Act] = asyncio.Queue()
        self._tally = tally
        self._window = window
        self._patience_s = patience_s
        self._waiting: dict[str, _Waiting] = {}
        self._changed = asyncio.Event()
        self._transport: asyncio.WriteTransport | None = None
        self._last_reply = time.monotonic()
        self._dialler = asyncio.create_task(self._keep_connected())
        self._worker = asyncio.create_task(self._perform())

    async def send(self, frames: Sequence[Frame]) -> None:
        """Send the frames in order; return when the last one is inside the window."""
        at = 0
        while at < len(frames):
            while (room := self._window - len(self._waiting)) <= 0:
                self._changed.clear()
                await self._changed.wait()
            part = frames[at : at + room]
            now = time.monotonic()
            for frame in part:
                self._waiting[frame.qn] = _Waiting(frame.data, 1, now)
            self._write(b"".join(frame.data for frame in part))
            self._tally.sent += len(part)
            at += len(part)

    async def drain(self) -> None:
        """Wait until every frame is acknowledged or given up."""
        while self._waiting:
            self._changed.clear()
            await self._changed.wait()

    async def close(self) -> None:
        """End the connection; what was not acknowledged is forgotten."""
        for task in (self._dialler, self._worker):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._transport:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        # While the line is down the frames wait in the window and go out with the next dial.
        if self._transport and data:
            self._transport.write(data)

    def _acknowledged(self, qn: str) -> None:
        self._last_reply = time.monotonic()
        if self._waiting.pop(qn, None):
            self._tally.acknowledged += 1
            self._changed.set()

    def _asked(self, data: bytes) -> None:
        """A frame that is no 9014: a notice's 9013, a new key, or a request to the device."""
        begin = data.find(_QN)
        self._acknowledged(data[begin + 3 : begin + 20].decode("ascii", "replace"))
        if self._device is None:
            return
        for act in self._device.hear(data, datetime.now(UTC)):
            self._tally.asked += isinstance(act, Say)
            self._acts.put_nowait(act)

    async def _perform(self) -> None:
        """What the device does about requests, in order, beside what it sends by itself."""
        while True:
            match await self._acts.get():
                case Say(data):
                    self._write(data)
                case Series(frames, pause_s):
                    for frame in frames:
                        await asyncio.sleep(pause_s)
                        await self.send([frame])
                        await self._settled(frame.qn)
                case Wait(seconds):
                    await asyncio.sleep(seconds)
                case HangUp() if self._transport:
                    self._transport.close()

    async def _settled(self, qn: str) -> None:
        """Wait until a frame is acknowledged or given up."""
        while qn in self._waiting:
            self._changed.clear()
            await self._changed.wait()

    async def _keep_connected(self) -> None:
        pause = 0.2
        while True:
            closed = asyncio.Event()
            try:
                transport, _ = await asyncio.get_running_loop().create_connection(
                    lambda closed=closed: _Replies(  # type: ignore[misc]
                        self._acknowledged, self._asked, closed
                    ),
                    *self._address,
                )
            except OSError as error:
                self._tally.fault(error.strerror or type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10.0)
                continue
            pause = 0.2
            self._transport = transport
            self._tally.connects += 1
            self._tally.connected.set()
            self._send_waiting_again(0.0)
            await self._watch(closed)
            self._transport = None
            transport.close()
            await asyncio.sleep(pause)

    async def _watch(self, closed: asyncio.Event) -> None:
        """Stay until the line closes or goes dead; send overdue frames again meanwhile."""
        self._last_reply = time.monotonic()
        while not closed.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(closed.wait(), self._patience_s / 4)
            now = time.monotonic()
            overdue = any(now - w.since > self._patience_s for w in self._waiting.values())
            if not overdue:
                continue
            if now - self._last_reply > self._patience_s:
                self._tally.fault("no reply")
                return  # nothing comes back at all: dial again and lose nothing
            self._send_waiting_again(self._patience_s)

    def _send_waiting_again(self, older_s: float) -> None:
        now = time.monotonic()
        for qn, waiting in list(self._waiting.items()):
            if now - waiting.since < older_s:
                continue
            if older_s and waiting.tries >= _TRIES:
                del self._waiting[qn]
                self._tally.unanswered += 1
                self._changed.set()
                continue
            waiting.tries += bool(older_s)
            waiting.since = now
            self._tally.resent += bool(older_s)
            self._write(waiting.data)

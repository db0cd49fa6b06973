"""`python -m tests.bench.generator`: many loggers on many connections, in one process of its own.

It prints a line of JSON a second (what was sent and acknowledged, and how long acknowledgements
took) and one at the end. A frame counts as acknowledged when its 9014 came; a lost connection is
dialled again and what was not acknowledged is sent again, as loggers do.
"""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np
import uvloop

from services.chassis.clock import BEIJING
from tests.bench.fleet import Member, Speech, member

_HEAD, _AFTER = 6, 6
TICK_S = 0.02
SESSIONS_A_HOST = 1500  # the gate allows 2,000 connections of one address
DRAIN_S = 180.0
AGAIN_S = 60.0  # a frame without an answer for so long is sent again


class Line(asyncio.Protocol):
    """One connection; it may carry several loggers, as a park's forwarding station does."""

    def __init__(self, load: "Load", number: int) -> None:
        self.load = load
        self.number = number
        self.waiting: dict[bytes, tuple[float, bytes]] = {}
        self.backlog: Iterator[tuple[bytes, bytes]] = iter(())
        self.window = 0
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    async def dial(self) -> None:
        """Connect from one of the loopback's addresses, again and again until it works."""
        loop = asyncio.get_running_loop()
        source = f"127.{self.load.net}.0.{1 + self.number // SESSIONS_A_HOST}"
        while not self.load.over:
            with suppress(OSError):
                await loop.create_connection(
                    lambda: self, *self.load.address, local_addr=(source, 0)
                )
                return
            await asyncio.sleep(0.5)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._buffer.clear()
        self.load.connects += 1
        self.load.resent += len(self.waiting)
        for _, data in self.waiting.values():
            self._transport.write(data)
        self.fill()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        if not self.load.over:
            self.load.later(self.dial())

    def send(self, qn: bytes, data: bytes) -> None:
        self.waiting[qn] = (time.monotonic(), data)
        self.load.sent += 1
        if self._transport is not None:
            self._transport.write(data)

    def fill(self) -> None:
        """Send of the back-log what the window allows."""
        while self._transport is not None and len(self.waiting) < self.window:
            following = next(self.backlog, None)
            if following is None:
                if not self.waiting:
                    self.window = 0
                    self.load.drained()
                return
            self.send(*following)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at, now = 0, time.monotonic()
        while len(buffer) - at >= _HEAD + _AFTER:
            size = _HEAD + int(buffer[at + 2 : at + _HEAD]) + _AFTER
            if len(buffer) - at < size:
                break
            begin = buffer.find(b"QN=", at, at + size)
            if begin >= 0 and buffer.find(b"CN=9014", at, at + size) >= 0:
                found = self.waiting.pop(bytes(buffer[begin + 3 : begin + 20]), None)
                if found is not None:
                    self.load.answered(now - found[0])
            at += size
        del buffer[:at]
        if self.window:
            self.fill()

    def send_again(self, now: float) -> None:
        for qn, (first, data) in list(self.waiting.items()):
            if self._transport is not None and now - first > AGAIN_S:
                self.load.resent += 1
                self.waiting[qn] = (now, data)
                self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Load:
    """All lines of a run and their counts."""

    def __init__(self, address: tuple[str, int], net: int) -> None:
        self.address = address
        self.net = net
        self.lines: list[Line] = []
        self.sent = self.acknowledged = self.resent = self.connects = 0
        self.asked_to_end = asyncio.Event()  # SIGTERM: send nothing new, wait for what was sent
        self.over = False
        self.recent: list[float] = []
        self.all: list[float] = []
        self.undrained = 0
        self.all_drained = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def answered(self, seconds: float) -> None:
        self.acknowledged += 1
        self.recent.append(seconds)

    def drained(self) -> None:
        """Count a session that has nothing left to send."""
        self.undrained -= 1
        if not self.undrained:
            self.all_drained.set()

    def report(self) -> None:
        recent, self.recent = self.recent, []
        self.all += recent
        self.tell(recent, final=False)

    def tell(self, seconds: list[float], *, final: bool) -> None:
        p50, p99 = np.percentile(seconds, (50, 99)).round(4) if seconds else (0, 0)
        line = {
            "final": final, "at": time.time(), "sent": self.sent, "undrained": self.undrained,
            "acknowledged": self.acknowledged, "resent": self.resent, "connects": self.connects,
            "p50_s": float(p50), "p99_s": float(p99), "max_s": round(max(seconds, default=0), 3),
        }  # fmt: skip
        print(json.dumps(line), flush=True)


def stamp(moment: datetime) -> bytes:
    return moment.astimezone(BEIJING).strftime("%Y%m%d%H%M%S").encode()


async def steady(load: Load, members: list[Member], rate: float, seconds: float) -> None:
    """Each logger in its turn, evenly: frames a second over all of them."""
    speeches = [Speech(one) for one in members]
    lines = load.lines
    began = time.monotonic()
    done = 0
    while (elapsed := time.monotonic() - began) < seconds and not load.asked_to_end.is_set():
        now = datetime.now(UTC)
        data_time = stamp(now)
        due = int(elapsed * rate)
        for turn in range(done, due):
            place = turn % len(members)
            # Milliseconds carry the place, so that a connection never repeats a number.
            qn = data_time + b"%03d" % (turn // len(lines) % 1000)
            lines[place % len(lines)].send(qn, speeches[place].realtime(qn, data_time))
        done = due
        await asyncio.sleep(TICK_S)


def hour_behind(one: Member, end: datetime) -> Iterator[tuple[bytes, bytes]]:
    """What a logger kept during an hour without a line: 120 + 6 + 1 frames, newest first."""
    speech = Speech(one)
    filled = bool(one.number % 2)  # half of them are loggers of 2025, which mark it with RF=1
    for back in range(1, 121):
        at = stamp(end - timedelta(seconds=30 * back))
        qn = at + b"000"
        yield qn, speech.realtime(qn, at, filled=filled)
    hour = end.replace(minute=0, second=0, microsecond=0)
    for back in range(1, 7):
        at = stamp(hour - timedelta(minutes=10 * back))
        qn = at + b"001"
        yield qn, speech.period(b"2051", qn, at, filled=filled)
    at = stamp(hour - timedelta(hours=1))
    yield at + b"002", speech.period(b"2061", at + b"002", at, filled=filled)


async def storm(load: Load, members: list[Member], window: int) -> None:
    """All come back within two seconds and send what they kept."""
    end = datetime.now(UTC)
    load.undrained = len(members)
    for line, one in zip(load.lines, members, strict=True):
        line.backlog, line.window = hour_behind(one, end), window
    pause = 2.0 / len(load.lines)
    for number, line in enumerate(load.lines):
        load.later(line.dial())
        if number % 50 == 0:
            await asyncio.sleep(50 * pause)
    await load.all_drained.wait()


async def run(args: argparse.Namespace) -> int:
    host, _, port = args.address.rpartition(":")
    load = Load((host, int(port)), args.net)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, load.asked_to_end.set)
    members = [member(args.first + n) for n in range(args.loggers)]
    load.lines = [Line(load, n) for n in range(args.connections or len(members))]
    work = storm(load, members, args.window) if args.storm else None
    if work is None:
        await asyncio.gather(*(line.dial() for line in load.lines))
        work = steady(load, members, args.rate, args.seconds)
    task = asyncio.ensure_future(work)
    ended: float | None = None
    while ended is None or time.monotonic() < ended + DRAIN_S:
        await asyncio.sleep(1)
        load.report()
        now = time.monotonic()
        for line in load.lines:
            line.send_again(now)
        if task.done() and ended is None:
            task.result()
            ended = now
        if ended is not None and load.acknowledged >= load.sent:
            break
    load.over = True
    for line in load.lines:
        line.close()
    await asyncio.sleep(0.2)
    load.tell(load.all, final=True)
    return 0 if load.acknowledged == load.sent else 1


def main() -> int:
    """Read the arguments and load the gate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True, help="host:port of the gate's HJ 212 door")
    parser.add_argument("--loggers", type=int, default=60_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first logger")
    parser.add_argument("--connections", type=int, default=0, help="0 = one a logger")
    parser.add_argument("--rate", type=float, default=2000, help="frames a second over all")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--storm", action="store_true", help="reconnect with an hour of back-fill")
    parser.add_argument("--window", type=int, default=4, help="unanswered frames in a storm")
    parser.add_argument("--net", type=int, default=0, help="source addresses 127.NET.0.x")
    return uvloop.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())

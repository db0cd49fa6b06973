"""实时上传: 2011, 2051, 2061 and 2031 at their times, on a clock that may run faster than life.

The clock never passes the present: with a speed-up the run starts in the past, catches up, and goes
on in real time, because a gate refuses frames from the future.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from farsight.lab.frames import (
    FURNACE_STEP_S,
    Frame,
    day_frame,
    furnace_frame,
    has_furnace,
    hour_frames,
    minute_frame,
    realtime_frame,
)
from farsight.lab.model.cheats import silent
from farsight.lab.model.outlet import HourBlock
from farsight.lab.province import DemoLogger
from farsight.lab.state import RunState

if TYPE_CHECKING:  # a device reports by `frames_at`, an uplink has a device
    from farsight.lab.device import Device
    from farsight.lab.uplink import Uplink

_BEIJING_MIDNIGHT_UTC_HOUR = 16


@dataclass(frozen=True)
class SimulatedClock:
    """仿真时钟: starts at `origin`, runs `speed` times as fast as life, stops at the present."""

    origin: datetime
    speed: float
    started: float

    def now(self) -> datetime:
        """Return the simulated moment."""
        ahead = timedelta(seconds=(time.monotonic() - self.started) * self.speed)
        return min(self.origin + ahead, datetime.now(UTC))

    def wait_s(self, moment: datetime) -> float:
        """Return how many real seconds remain until a simulated moment."""
        left = (moment - self.now()).total_seconds()
        lag = (datetime.now(UTC) - self.now()).total_seconds()
        return left / self.speed if lag > left else left


class HourCache:
    """Single hours of the model: every half minute of an hour asks for the same one."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[int, HourBlock]] = {}

    def block(self, logger: DemoLogger, hour: int) -> HourBlock:
        """Return one hour of a logger, computed once while it is among the last two."""
        own = self._kept.setdefault(logger.mn, {})
        if hour not in own:
            for old in [kept for kept in own if kept < hour - 1]:
                del own[old]
            own[hour] = logger.model.block(hour, 1)
        return own[hour]


def frames_at(logger: DemoLogger, moment: datetime, blocks: HourCache) -> Iterator[Frame]:
    """Yield what the logger reports at a moment: a sample, and each period that ends now."""
    at = int(moment.timestamp())
    if at % logger.realtime_s == 0 and not _is_silent(logger, at // 3600):
        yield realtime_frame(logger, blocks.block(logger, at // 3600), moment)
    ended = (at - 1) // 3600
    if _is_silent(logger, ended):
        return
    if at % (60 * logger.minute_min) == 0:
        start = moment - timedelta(minutes=logger.minute_min)
        yield minute_frame(logger, blocks.block(logger, ended), start)
    if at % FURNACE_STEP_S == 0 and has_furnace(logger):
        start = moment - timedelta(seconds=FURNACE_STEP_S)
        yield furnace_frame(logger, blocks.block(logger, ended), start)
    if at % 3600 == 0:
        yield from hour_frames(logger, blocks.block(logger, ended))
        if moment.hour == _BEIJING_MIDNIGHT_UTC_HOUR:
            yield day_frame(logger, logger.model.block(ended - 23, 24))


def _is_silent(logger: DemoLogger, hour: int) -> bool:
    return bool(silent(logger.model.cheats, np.array([hour], dtype=np.int64))[0])


async def send_live(
    devices: Sequence["Device"],
    uplinks: Mapping[str, "Uplink"],
    state: RunState,
    *,
    clock: SimulatedClock,
    end: datetime | None,
    save: Callable[[], None],
) -> None:
    """Send live frames from the clock's origin until `end` (None: for ever).

    Loggers of one interval report in the same second, as real ones with a set clock do; an interval
    that was set by a command counts from the next moment on. While the gate is away the windows
    fill and the run waits; afterwards every missed moment is sent.
    """
    at = _next_beat(devices, int(clock.now().timestamp()))
    blocks = HourCache()
    await _fill_in(devices, uplinks, blocks)
    while end is None or at < end.timestamp():
        moment = datetime.fromtimestamp(at, UTC)
        if (wait := clock.wait_s(moment)) > 0:
            await asyncio.sleep(wait)
        ended = (at - 1) // 3600
        for device in devices:
            await uplinks[device.speech.mn].send(list(device.report(moment, blocks)))
            if at % 3600 == 0:
                state.sent_until[device.speech.mn] = ended
        if at % 3600 == 0:
            save()
        at = _next_beat(devices, at)
    await asyncio.gather(*(uplink.drain() for uplink in uplinks.values()))


def _next_beat(devices: Sequence["Device"], after: int) -> int:
    """The first moment after `after` (unix seconds) at which any of them may report."""
    step = int(np.gcd.reduce([device.beat_s for device in devices]))
    return after // step * step + step


async def _fill_in(
    devices: Sequence["Device"], uplinks: Mapping[str, "Uplink"], blocks: HourCache
) -> None:
    """What an outage kept back and the logger sends by itself (2025)."""
    for device in devices:
        await uplinks[device.speech.mn].send(list(device.filled_in(blocks)))


async def send_at_rate(
    devices: Sequence["Device"],
    uplinks: Mapping[str, "Uplink"],
    rate: float,
    seconds: float,
    first: datetime,
) -> None:
    """Send 2011 frames at `rate` a second over all loggers (load mode for benches).

    Sample times advance by each logger's interval from `first`, so every frame is a new
    reading however fast they go out.
    """
    began, sent = time.monotonic(), 0
    blocks = HourCache()
    while sent < int(rate * seconds):
        due = min(int((time.monotonic() - began) * rate) + 1, int(rate * seconds))
        for number in range(sent, due):
            device = devices[number % len(devices)]
            logger = device.logger
            moment = first + timedelta(seconds=number // len(devices) * logger.realtime_s)
            block = blocks.block(logger, int(moment.timestamp()) // 3600)
            frame = device.speech.dressed(realtime_frame(logger, block, moment))
            await uplinks[logger.mn].send([frame])
        sent = due
        await asyncio.sleep(max(0.0, began + sent / rate - time.monotonic()))
    await asyncio.gather(*(uplink.drain() for uplink in uplinks.values()))

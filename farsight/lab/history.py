"""补传历史: the hour frames of all loggers up to now, through the gate, as fast as it answers."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from farsight.lab.device import PRESENT, Device
from farsight.lab.frames import MEANS_AN_HOUR, Frame, furnace_frames, has_furnace, hour_frames
from farsight.lab.model.cheats import Mask, silent
from farsight.lab.model.noise import Hours
from farsight.lab.model.outlet import HourBlock
from farsight.lab.province import DemoLogger
from farsight.lab.state import RunState
from farsight.lab.uplink import Uplink

_PACE = 24
"""Frames made and sent at a time: small enough that all loggers advance together."""
FURNACE_HOURS = 10 * 24
"""Newest hours of which furnaces send their five-minute means too: 288 frames a day and furnace."""


def hours_due(logger: DemoLogger, state: RunState, first: int, end: int) -> range:
    """Return the hours [first, end) that this logger has not reported yet."""
    return range(max(first, state.sent_until.get(logger.mn, first - 1) + 1), end)


def frames_due(devices: Sequence[Device], state: RunState, first: int, end: int) -> int:
    """Return how many hour frames a history run will send; silent hours have none."""
    total = 0
    for device in devices:
        due = hours_due(device.logger, state, first, end)
        if due:
            hours = device.logger.model.block(due.start, len(due)).hours
            sent = ~_unsent(device, hours)
            total += int(sent.sum())
            if has_furnace(device.logger):
                total += MEANS_AN_HOUR * int(sent[-FURNACE_HOURS:].sum())
    return total


def _unsent(device: Device, hours: Hours) -> Mask:
    """Hours without a frame: the story has the logger silent, or it keeps them until asked."""
    quiet = silent(device.logger.model.cheats, hours)
    if device.absence == PRESENT:
        return quiet
    kept = np.array([not device.sends_hour(hour) for hour in hours.tolist()], dtype=np.bool_)
    return quiet | kept


async def send_history(
    devices: Sequence[Device],
    uplinks: Mapping[str, Uplink],
    state: RunState,
    first: int,
    end: int,
) -> None:
    """Send every due hour frame of every logger and wait for the acknowledgements.

    Each logger has its own line and window; `state` moves on only over acknowledged hours.
    """
    await asyncio.gather(
        *(_one_logger(device, uplinks[device.speech.mn], state, first, end) for device in devices)
    )


async def _one_logger(
    device: Device, uplink: Uplink, state: RunState, first: int, end: int
) -> None:
    logger = device.logger
    due = hours_due(logger, state, first, end)
    if not due:
        return
    block = logger.model.block(due.start, len(due))
    quiet = _unsent(device, block.hours)
    # Lazy: a frame is encoded when its logger's window has room, not all of them at once.
    frames = _frames(logger, block, quiet)
    while part := list(islice(frames, _PACE)):
        await uplink.send([device.speech.dressed(frame) for frame in part])
    await uplink.drain()
    state.sent_until[logger.mn] = due.stop - 1


def _frames(logger: DemoLogger, block: HourBlock, quiet: Mask) -> Iterator[Frame]:
    """Hour frames, then, of the newest hours, the five-minute means of a furnace."""
    yield from (f for f, q in zip(hour_frames(logger, block), quiet, strict=True) if not q)
    for hour, is_quiet in zip(block.hours[-FURNACE_HOURS:], quiet[-FURNACE_HOURS:], strict=True):
        if not is_quiet:
            yield from furnace_frames(logger, block.since(int(hour)))

"""时间网格: which slot of an even grid a moment belongs to."""

from dataclasses import dataclass

import numpy as np

from services.detect.kernels.series import Ints


@dataclass(frozen=True)
class Grid:
    """An even grid of event time and how many of its slots a ring keeps."""

    name: str
    step_s: int
    slots: int
    offset_s: int = 0  # added before dividing: a Beijing day starts at 16:00 UTC
    durable: bool = True  # kept in a file

    def slot_of(self, time_s: Ints) -> Ints:
        """Absolute slots of unix seconds."""
        return np.floor_divide(time_s + self.offset_s, self.step_s)

    def time_of(self, slot: int) -> int:
        """Unix seconds at which a slot starts."""
        return slot * self.step_s - self.offset_s


BEIJING_S = 8 * 3600

#: 128 days: four judged weeks, 90 days of reference before them, and room.
HOUR = Grid("hour", 3600, 128 * 24)
DAY = Grid("day", 86_400, 512, BEIJING_S)
MINUTE = Grid("minute", 600, 2 * 144)
REALTIME = Grid("realtime", 30, 240, durable=False)

#: Hours from the epoch to a Beijing midnight, modulo a day: 16:00 UTC.
DAY_START_HOUR = 16


def day_start(hour_slot: int) -> int:
    """First hour slot of the Beijing day (自然日) that an hour slot lies in."""
    return hour_slot - (hour_slot - DAY_START_HOUR) % 24


def week_start(hour_slot: int) -> int:
    """First hour slot of the Beijing week, Monday 00:00."""
    # 1970-01-01 was a Thursday, so the Monday 1970-01-05 started at 1970-01-04T16:00Z = hour 88.
    return hour_slot - (hour_slot - 88) % 168

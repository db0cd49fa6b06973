"""电表日数据: one meter's readings of one Beijing day on a grid of minutes. Pure.

A minute keeps one reading. Which one does not depend on the order or number of arrivals: the
earliest of the minute; of two that claim the same second the one received first, as everywhere.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import inf, isnan, nan
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.detect.kernels.series import Bools, Floats, Ints

MINUTES = 1440
BEIJING_S = 8 * 3600
_CELL = np.dtype([("second", "u1"), ("received", "<u4"), ("power", "<f4"), ("kwh", "<f8")])
Cells = NDArray[np.void]


class Reading(NamedTuple):
    """用电数据 as received: unix seconds, kW of all phases, register in kWh; NaN = not sent."""

    time_s: int
    received_s: int
    power_kw: float
    kwh: float


@dataclass(frozen=True, eq=False)
class MeterDay:
    """电表日数据: 1,440 minutes; `received` 0 = no reading in the minute."""

    cells: Cells

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MeterDay) and self.packed == other.packed

    def __hash__(self) -> int:
        return hash(self.packed)

    @classmethod
    def empty(cls) -> "MeterDay":
        """A day without readings."""
        cells = np.zeros(MINUTES, dtype=_CELL)
        cells["power"] = cells["kwh"] = np.nan
        return cls(cells)

    @classmethod
    def of(cls, readings: Iterable[Reading]) -> "MeterDay":
        """The readings of one Beijing day, in any order, any number of times."""
        best: dict[int, tuple[float, ...]] = {}
        for one in readings:
            within = (one.time_s + BEIJING_S) % 86_400
            power, kwh = float(np.float32(one.power_kw)), one.kwh
            # A value that was not sent stands behind one that was.
            rank = (
                within % 60, max(one.received_s, 1),
                inf if isnan(power) else power, inf if isnan(kwh) else kwh,
            )  # fmt: skip
            minute = within // 60
            best[minute] = min(best.get(minute, rank), rank)
        made = cls.empty()
        for minute, (second, received, power, kwh) in best.items():
            sent = power if power < inf else nan, kwh if kwh < inf else nan
            made.cells[minute] = (second, received, *sent)
        return made

    @classmethod
    def unpacked(cls, packed: bytes) -> "MeterDay":
        """A day as it was packed."""
        raw = zlib.decompress(packed)
        cells, at = np.zeros(MINUTES, dtype=_CELL), 0
        for name in _CELL.names or ():
            size = _CELL[name].itemsize * MINUTES
            cells[name] = np.frombuffer(raw, dtype=_CELL[name], count=MINUTES, offset=at)
            at += size
        return cls(cells)

    @cached_property
    def packed(self) -> bytes:
        """Columns, deflated: 6 kB a meter and day at one minute, 10 kB with the register."""
        return zlib.compress(b"".join(self.cells[name].tobytes() for name in _CELL.names or ()), 6)

    def merged(self, other: "MeterDay") -> "MeterDay":
        """Both days' readings: in every order and repetition of merging the same."""
        mine, theirs = self.cells, other.cells
        better, undecided = np.zeros(MINUTES, dtype=bool), theirs["received"] > 0
        undecided &= mine["received"] > 0
        for name in ("second", "received", "power", "kwh"):
            # A value that was not sent stands behind one that was.
            a, b = (np.nan_to_num(cells[name], nan=np.inf) for cells in (mine, theirs))
            better |= undecided & (b < a)
            undecided &= a == b
        better |= (mine["received"] == 0) & (theirs["received"] > 0)
        return MeterDay(np.where(better, theirs, mine))

    @property
    def power(self) -> Floats:
        """(1440,): kW as sent, NaN = none."""
        return self.cells["power"].astype(np.float64)

    @property
    def kwh(self) -> Floats:
        """(1440,): register as sent, NaN = none."""
        return self.cells["kwh"].astype(np.float64)

    @property
    def newest(self) -> int:
        """Minute of the last reading, -1 = none."""
        found = np.flatnonzero(self.cells["received"])
        return int(found[-1]) if found.size else -1


def day_of(time_s: int) -> int:
    """Beijing day of a moment (unix seconds), counted from 1970-01-01."""
    return (time_s + BEIJING_S) // 86_400


def day_start_s(day: int) -> int:
    """Unix seconds of a Beijing day's midnight."""
    return day * 86_400 - BEIJING_S


def held(days: list[MeterDay], *, most_minutes: int, most_cadences: int) -> Floats:
    """用电功率: kW minute by minute over consecutive days; NaN = not known.

    A power holds until the meter's next one, at most `most_cadences` of its own intervals of that
    day (1 to `most_minutes`). Where no power was sent the register's growth between two readings
    stands for it, if they lie as near; one that falls or leaps was replaced and says nothing.
    """
    shape = most_minutes, most_cadences
    power = _hold(np.concatenate([day.power for day in days]), *shape)
    register = _growth(np.concatenate([day.kwh for day in days]), *shape)
    return np.where(np.isfinite(power), power, register)


def cadence(sent: Bools, most_minutes: int) -> int:
    """Usual minutes between two readings of a day: the median, 1 to `most_minutes`; 0 = unknown.

    >>> cadence(np.arange(1440) % 5 == 0, 15)
    5
    """
    at = np.flatnonzero(sent)
    if at.size < 2:
        return 0
    gaps = np.sort(np.diff(at))
    return int(min(gaps[(gaps.size - 1) // 2], most_minutes))


def _reach(sent: Bools, most_minutes: int, most_cadences: int) -> Ints:
    """Minutes that a reading in each minute may hold."""
    days = sent.reshape(-1, MINUTES)
    own = [max(1, cadence(day, most_minutes)) * most_cadences for day in days]
    return np.repeat(np.array(own, dtype=np.int64), MINUTES)


def _last(sent: Bools) -> Ints:
    """Place of the newest reading up to each minute, -1 = none."""
    return np.maximum.accumulate(np.where(sent, np.arange(sent.size), -1))


def _hold(power: Floats, most_minutes: int, most_cadences: int) -> Floats:
    sent = np.isfinite(power)
    last = _last(sent)
    age = np.arange(sent.size) - last
    known = (last >= 0) & (age < _reach(sent, most_minutes, most_cadences)[last])
    return np.where(known, power[last], np.nan)


#: A register that grows this many times faster than usual is another meter's.
_LEAP = 20.0
_LEAP_NEEDS = 10


def _growth(kwh: Floats, most_minutes: int, most_cadences: int) -> Floats:
    """kW between registers at most a reach apart, NaN elsewhere."""
    sent = np.isfinite(kwh)
    at = np.flatnonzero(sent)
    made = np.full(kwh.size, np.nan)
    if at.size < 2:
        return made
    gap = np.diff(at)
    kw = np.diff(kwh[at]) * 60.0 / gap
    usual = np.sort(kw[kw > 0])
    good = (gap <= _reach(sent, most_minutes, most_cadences)[at[:-1]]) & (kw >= 0)
    if usual.size >= _LEAP_NEEDS:
        good &= kw <= _LEAP * usual[usual.size // 2]
    last = _last(sent)
    number = np.cumsum(sent) - 1  # which reading each minute follows
    inside = (last >= 0) & (number < gap.size)
    which = np.where(inside, number, 0)
    return np.where(inside & good[which], kw[which], np.nan)

"""有效率和传输有效率: shares of hours, in both versions of domain.md B.6."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.judgement.model import Codes, HourState, Note
from services.detect.kernels.series import Bools, Floats, Ints

#: HJ 75-2017: a quarter with less valid capture is not valid.
CAPTURE_NEEDED = 0.75


@dataclass(frozen=True)
class HourCounts:
    """小时计数 by row and day; all (S, D)."""

    hours: Ints
    """Of the calendar: 24."""
    stopped: Ints
    """停运: leave the denominator."""
    excused: Ints
    """Missing or invalid for a reason that is not the plant's: leave the denominator."""
    received: Ints
    """Something came, of hours neither stopped nor excused."""
    valid: Ints
    """Judged as valid, exempted ones included."""
    free: Ints
    """Received, not valid, but free: the day's standard check."""
    marked: Ints
    """Taken out by device marks."""
    exempt: Ints
    """Taken out by working conditions inside their caps."""


def count_hours(state: Codes, notes: Codes, present: Bools, allowed: Ints) -> HourCounts:
    """小时计数 of (S, T) states and notes. Hours are free on a day that lost no more than those.

    `present` says whether anything was received, `allowed` (S,) how many hours a day are free. Lost
    is what was due and is not valid, missing or not; of a lost hour that was missing, the
    transmission rate takes account. Source: domain.md B.6 (23/24 = 95.83 % counts as 100 %; 22/24
    stays 91.67 %).
    """
    state = state.reshape(len(state), -1, 24)

    def days(cells: Bools) -> Ints:
        return np.asarray(cells.reshape(state.shape).sum(axis=2, dtype=np.int64))

    stopped = state == HourState.STOPPED
    excused = ((notes & np.uint8(Note.EXCUSED)) != 0).reshape(state.shape) & ~stopped
    exempt = state == HourState.EXEMPT
    valid = (state == HourState.VALID) | exempt
    received = present.reshape(state.shape) & ~stopped & ~excused
    due, came, good = 24 - days(stopped | excused), days(received), days(valid)
    free = np.where(due - good <= allowed[:, None], came - good, 0)
    return HourCounts(
        hours=np.full(due.shape, 24, dtype=np.int64),
        stopped=days(stopped),
        excused=days(excused),
        received=came,
        valid=good,
        free=free,
        marked=days(state == HourState.MARKED),
        exempt=days(exempt),
    )


def validity(received: ArrayLike, valid: ArrayLike, free: ArrayLike) -> Floats:
    """有效率: (valid + free) / received; NaN where nothing was received.

    >>> validity([24, 24, 0], [23, 22, 0], [1, 0, 0]).round(4).tolist()
    [1.0, 0.9167, nan]
    """
    return _share(np.asarray(valid) + np.asarray(free), np.asarray(received))


def capture_rate(hours: ArrayLike, invalid: ArrayLike, stopped: ArrayLike) -> Floats:
    """有效数据捕集率: (hours - invalid - stopped) / (hours - stopped); NaN: all stopped.

    Source: HJ 75-2017. A quarter below `CAPTURE_NEEDED` is not valid.

    >>> float(capture_rate(2208, 300, 400).round(4))
    0.8341
    """
    running = np.asarray(hours) - np.asarray(stopped)
    return _share(running - np.asarray(invalid), running)


class QcCheck(NamedTuple):
    """质控核查 of one series: a standard check, zero or span check."""

    row: int
    at_s: int
    """Unix seconds UTC at which it ended."""
    passed: bool


def qc_failed(checks: Sequence[QcCheck], start: Ints, hours: int, unknown_hours: int = 24) -> Bools:
    """质控失效: (S, T) hours from the last passed check to a failed one, both hours included.

    Where no passed check is known, it reaches back `unknown_hours` (a check is due each 24 h,
    HJ 355-2019). The order of checks does not matter, nor does repetition; of a check told both
    ways in one second the failure counts. Source: HJ 356-2019, HJ 75-2017.
    """
    edges = np.zeros((len(start), hours + 1), dtype=np.int64)
    if not checks:
        return edges[:, :hours] > 0
    row, at, passed = np.array(sorted(set(checks)), dtype=np.int64).T
    slot = at // 3600 - start[row]
    place = np.arange(len(row))
    good = np.maximum.accumulate(np.where(passed, place, -1))
    known = (good >= 0) & (row[good] == row)
    since = np.where(known, slot[good], slot - unknown_hours)
    bad = passed == 0
    begin, end = np.clip(since[bad], 0, hours), np.clip(slot[bad] + 1, 0, hours)
    np.add.at(edges, (row[bad], begin), 1)
    np.add.at(edges, (row[bad], end), -1)
    return np.asarray(np.cumsum(edges, axis=1)[:, :hours] > 0)


def _share(part: ArrayLike, whole: ArrayLike) -> Floats:
    """part / whole; NaN where there is nothing to share."""
    base = np.asarray(whole, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(base > 0, np.asarray(part) / base, np.nan)

"""Reads the rectangle of values that the judges need from a partition's rings."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from services.detect.app.directory import Directory
from services.detect.domain.block import COLUMNS, MINUTE_HOURS, WEEK, Block, Limit, judged_from
from services.detect.domain.grid import HOUR, MINUTE, week_start
from services.detect.domain.series_key import PRESENCE, SeriesKey
from services.detect.kernels.series import Ints
from services.detect.windows.partition_windows import PartitionWindows
from services.detect.windows.ring import Window

_PER_HOUR = 3600 // MINUTE.step_s
#: Limits of a series as they judge it (`Directory.limits`).
Limits = Callable[[SeriesKey], tuple[Limit, ...]]


def build_block(
    windows: PartitionWindows, directory: Directory, since: Mapping[str, int]
) -> Block | None:
    """The block of the outlets in `since`, each judged from its hour on; None without any data."""
    hour = windows.rings[HOUR]
    rows: list[int] = []
    until: list[int] = []
    for outlet_id in since:
        mine = windows.index.rows_of(outlet_id)
        values = [r for r in mine if windows.index.key(r).factor != PRESENCE]
        newest = max((int(hour.newest[r]) for r in values), default=0)
        if newest:
            rows += values
            until += [newest + 1] * len(values)
        if (presence := windows.watermark(outlet_id)) > 0:
            rows.append(next(r for r in mine if windows.index.key(r).factor == PRESENCE))
            until.append(presence + 1)
    if not rows:
        return None
    ends = np.array(until, dtype=np.int64)
    start = np.array([week_start(end - 1) + WEEK - COLUMNS for end in until], dtype=np.int64)
    at = np.array(rows, dtype=np.int64)
    keys = [windows.index.key(r) for r in rows]
    read = hour.read(at, start, COLUMNS)
    minutes = _minutes(windows, at, ends)
    return Block(
        keys=keys,
        start=start,
        value=read.value,
        converted=read.converted,
        flag=read.flag,
        present=read.present,
        until=ends,
        since=np.array(
            [judged_from(since[k.outlet_id], end) for k, end in zip(keys, until, strict=True)],
            dtype=np.int64,
        ),
        minutes=minutes.value,
        limits={key: limits for key in keys if (limits := directory.limits(key))},
        minute_flag=minutes.flag,
        touched=np.array([since[key.outlet_id] for key in keys], dtype=np.int64),
    )


def _minutes(windows: PartitionWindows, rows: Ints, until: Ints) -> Window:
    """Ten-minute values of the 48 hours before `until`, NaN where none came."""
    start = (until - MINUTE_HOURS) * _PER_HOUR
    return windows.rings[MINUTE].read(rows, start, MINUTE_HOURS * _PER_HOUR)


def day_block(
    windows: PartitionWindows, limits: Limits, outlets: Iterable[str], first: int, days: int
) -> Block | None:
    """The block of one Beijing day, which begins at hour slot `first`, with `days` before it.

    Nothing after the day is in it: so a day is judged the same whenever it is judged. None where
    none of the outlets ever sent a value.
    """
    rows = [
        row
        for outlet_id in outlets
        for row in windows.index.rows_of(outlet_id)
        if windows.index.key(row).factor != PRESENCE
    ]
    if not rows:
        return None
    at = np.array(rows, dtype=np.int64)
    keys = [windows.index.key(row) for row in rows]
    start = np.full(len(rows), first - days * 24, dtype=np.int64)
    read = windows.rings[HOUR].read(at, start, (days + 1) * 24)
    until = np.full(len(rows), first + 24, dtype=np.int64)
    minutes = _minutes(windows, at, until)
    return Block(
        keys=keys,
        start=start,
        value=read.value,
        converted=read.converted,
        flag=read.flag,
        present=read.present,
        until=until,
        since=start,
        minutes=minutes.value,
        limits={key: found for key in keys if (found := limits(key))},
        minute_flag=minutes.flag,
    )

"""Reads the rectangle of values that the judges need from a partition's rings."""

import math
from collections.abc import Mapping

import numpy as np

from services.detect.app.directory import Directory
from services.detect.domain.block import COLUMNS, MINUTE_HOURS, WEEK, Block, judged_from
from services.detect.domain.grid import HOUR, MINUTE, week_start
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import PRESENCE
from services.detect.kernels.series import Floats, Ints
from services.detect.windows.partition_windows import PartitionWindows

_PER_HOUR = 3600 // MINUTE.step_s


def build_block(
    windows: PartitionWindows, directory: Directory, since: Mapping[str, int], rule: Rule
) -> Block | None:
    """The block of the outlets in `since`, each judged from its hour on; None where none has data.

    `rule` tells which flags a ten-minute value must have to count.
    """
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
        minutes=_minutes(windows, at, ends, str(rule.parameters["judged_flags"])),
        limits={key: limits for key in keys if (limits := directory.limits(key))},
    )


def _minutes(windows: PartitionWindows, rows: Ints, until: Ints, letters: str) -> Floats:
    """Ten-minute values of the 48 hours before `until`, NaN where the flag takes them out."""
    start = (until - MINUTE_HOURS) * _PER_HOUR
    read = windows.rings[MINUTE].read(rows, start, MINUTE_HOURS * _PER_HOUR)
    codes = [0 if letter == "-" else ord(letter) for letter in letters]
    return np.where(read.present & np.isin(read.flag, codes), read.value, math.nan)

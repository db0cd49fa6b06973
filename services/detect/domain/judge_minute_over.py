"""分钟值超过限值: ten-minute values above the hourly limit, which are no exceedance."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from services.detect.domain.block import MINUTE_HOURS
from services.detect.domain.block_hours import ten_minutes
from services.detect.domain.hits import Hits, hits_of
from services.detect.domain.judged import Judged
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.domain.spans import cells
from services.detect.judgement.model import HourState
from services.detect.kernels.o2_conversion import o2_conversion
from services.detect.kernels.series import Floats, Ints

_EACH = 6
#: An hour in one of these states says nothing about the plant: no warning either.
_SILENT = (
    HourState.FLAGGED, HourState.MARKED, HourState.QC_FAILED, HourState.EXEMPT,
    HourState.STOPPED, HourState.GUARDED,
)  # fmt: skip


class _Runs(NamedTuple):
    """By row and hour of the two days: longest run that reaches the hour, highest value of it."""

    column: Ints
    length: Ints
    highest: Floats


def judge_minute_over(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """分钟值超过限值: hours with so many ten-minute values in a row above the hourly limit.

    A warning only: a minute above the limit is never an exceedance (domain.md B.7). Only the last
    two days are looked at, as ten-minute values are kept no longer; what was seen stays. `check` is
    the number of values in a row.
    """
    if not len(judged.rows) or not np.isfinite(judged.block.minutes[judged.rows]).any():
        return
    runs = _runs(judged)
    shape = judged.result.state.shape
    length, highest = np.zeros(shape, dtype=np.int64), np.full(shape, np.nan)
    inside = (runs.column >= 0) & (runs.column < shape[1]) & (runs.length > 0)
    row, hour = np.nonzero(inside)
    length[row, runs.column[row, hour]] = runs.length[row, hour]
    highest[row, runs.column[row, hour]] = runs.highest[row, hour]
    silent = np.isin(judged.result.state, _SILENT)
    for at, column in cells(judged, rule, (length >= rule.hours("in_a_row")) & ~silent):
        slot = judged.slot[at, column]
        yield (
            judged.block.keys[judged.rows[at]],
            hits_of(
                slot=slot,
                begin=slot,
                end=slot + 1,
                statistic=highest[at, column],
                threshold=judged.limits.hourly_upper[at, column // 24],
                value=highest[at, column],
                check=length[at, column].astype(np.float64),
            ),
        )


def _runs(judged: Judged) -> _Runs:
    """Runs of ten-minute values above the limit of their hour."""
    values = _values(judged)
    offset = judged.block.until[judged.rows] - MINUTE_HOURS - judged.hours.start
    column = offset[:, None] + np.arange(MINUTE_HOURS)
    days = judged.limits.hourly_upper.shape[1]
    day = np.clip(column // 24, 0, days - 1)
    upper = np.take_along_axis(judged.limits.hourly_upper, day, axis=1).repeat(_EACH, axis=1)
    with np.errstate(invalid="ignore"):
        over = values > upper
    place = np.arange(values.shape[1])
    broken = np.maximum.accumulate(np.where(over, -1, place), axis=1)
    each = (len(values), MINUTE_HOURS, _EACH)
    length = np.where(over, place - broken, 0).reshape(each).max(axis=2)
    highest = np.where(over, values, -np.inf).reshape(each).max(axis=2)
    return _Runs(column, length, highest)


def _values(judged: Judged) -> Floats:
    """(S, 288) ten-minute values as the limit compares them, NaN where they do not count."""
    rules = judged.parts[-1].rules
    values = ten_minutes(judged.block, judged.rows, rules)
    rows = np.flatnonzero(judged.limits.ref_o2 > 0)
    sister = judged.hours.oxygen[rows]
    oxygen = np.where((sister >= 0)[:, None], values[sister], np.nan)
    converted = o2_conversion(
        values[rows],
        oxygen,
        judged.limits.ref_o2[rows, None],
        initial_o2=rules.numbers("o2_initial_percent")[rows, None],
        guard=rules.numbers("o2_guard_percent")[rows, None],
    )
    values = values.copy()
    values[rows] = converted.values
    return values

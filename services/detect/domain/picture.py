"""图形数据: what the picture of a finding shows, from the very values that were judged."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.detect.domain.block import REFERENCE, Block, Limit
from services.detect.domain.grid import week_start
from services.detect.domain.hits import Hits
from services.detect.domain.judged import Judged
from services.detect.judgement.mark_kinds import kind_of
from services.detect.kernels.series import Floats, Ints

_BEFORE_H = 96
_AFTER_H = 24
_MOST_H = 21 * 24
_LOW, _HIGH = 0.05, 0.95
_MIN_DAYS = 30


class Marked(NamedTuple):
    """标记时段 in a picture: unix seconds and what the mark says."""

    start_s: int
    end_s: int
    text: str


@dataclass(frozen=True)
class Picture:
    """Hours of one series around a finding; band arrays are empty where history is short."""

    slot: Ints
    value: Floats
    flags: str
    band_low: Floats
    band_high: Floats
    limit: float
    unit: str
    tested_begin: int
    tested_end: int
    marked: tuple[Marked, ...] = ()
    """Counting marks of the series that reach into the picture, by start."""


@dataclass(frozen=True)
class Shows:
    """Which values a picture shows."""

    unit: str
    converted: bool


def picture_of(judged: Judged, row: int, hits: Hits, limit: Limit | None, shows: Shows) -> Picture:
    """图形数据: the series from four days before the finding to one day after, 21 days at most.

    The value is the one that was judged: for an exceedance the converted one where the limit has a
    reference oxygen, for anything else the measured one. The band holds the 5 % and 95 % points of
    the same hour of the day in the 90 days before the week in which the finding began.
    """
    block = judged.block
    begin, end = int(hits["begin"].min()), int(hits["end"].max())
    last = min(int(block.until[row]), end + _AFTER_H)
    first = max(begin - _BEFORE_H, last - _MOST_H, int(block.start[row]))
    slot = np.arange(first, max(first, last), dtype=np.int64)
    column = slot - block.start[row]
    shown = _shown(block, row, limit) if shows.converted else block.value[row]
    low, high = _band(shown, int(block.start[row]), week_start(max(begin, int(block.start[row]))))
    hour = slot % 24
    return Picture(
        slot=slot,
        value=shown[column],
        flags="".join(_letter(f) for f in block.flag[row, column]),
        band_low=low[hour] if low.size else low,
        band_high=high[hour] if high.size else high,
        limit=limit.upper if limit else math.nan,
        unit=shows.unit,
        tested_begin=begin,
        tested_end=end,
        marked=_marked(judged, row, first, last),
    )


def values_at(block: Block, row: int, slot: Ints) -> Floats:
    """Hour values of a row of the block at any slots; NaN where the block has none."""
    column = slot - block.start[row]
    inside = (column >= 0) & (column < block.value.shape[1])
    return np.where(inside, block.value[row, np.where(inside, column, 0)], np.nan)


def _marked(judged: Judged, row: int, first: int, end: int) -> tuple[Marked, ...]:
    """Marks that mean the series, by the name that the pack of their day gives them."""
    key = judged.block.keys[row]
    facts = judged.facts(key.outlet_id)
    found = []
    for mark in judged.marks.get(key.outlet_id, ()):
        means = not key.factor or not mark.factors or key.factor in mark.factors
        if means and mark.start_s < end * 3600 and first * 3600 < mark.end_s:
            pack = judged.known.timeline.at(mark.start_s // 3600)
            kind = kind_of(mark, pack.marks, facts)
            text = kind.name_zh if kind and kind.name_zh else mark.condition
            found.append(Marked(mark.start_s, mark.end_s, text))
    return tuple(sorted(found))


def _shown(block: Block, row: int, limit: Limit | None) -> Floats:
    """The values that are judged under the limit."""
    sent: Floats = block.converted[row]
    mean: Floats = block.value[row]
    judged_converted = limit is not None and limit.ref_o2 > 0 and np.isfinite(sent).any()
    return sent if judged_converted else mean


def _band(values: Floats, start: int, week: int) -> tuple[Floats, Floats]:
    """Low and high point of each hour of the day (by slot modulo 24), or nothing."""
    stop = week - start
    if stop < REFERENCE:
        return np.empty(0), np.empty(0)
    days = np.sort(values[stop - REFERENCE : stop].reshape(-1, 24), axis=0)
    count = np.isfinite(days).sum(axis=0)
    if count.min() < _MIN_DAYS:
        return np.empty(0), np.empty(0)
    points = [
        np.take_along_axis(days, np.round((count - 1) * share).astype(np.int64)[None, :], axis=0)[0]
        for share in (_LOW, _HIGH)
    ]
    turn = (start + stop - REFERENCE) % 24
    return np.roll(points[0], turn), np.roll(points[1], turn)


def _letter(flag: NDArray[np.uint8]) -> str:
    return chr(int(flag)) if flag else "-"

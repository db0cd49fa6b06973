"""焚烧炉 in a replay: days judged from five-minute means, as the judged days of detect are."""

import datetime as dt

import numpy as np

from services.detect.domain.grid import MINUTE
from services.detect.domain.judged import Judged
from services.detect.judgement.furnace import (
    FurnaceDay,
    FurnaceMeans,
    furnace_excuses,
    judge_furnace,
)
from services.detect.judgement.periods import day_of, first_hour
from services.detect.packs.select import find
from services.detect.windows.partition_windows import Columns

_DAY = dt.timedelta(days=1)


def furnace_days(
    judged: Judged, outlet_id: str, readings: Columns, since: int, end: int
) -> dict[dt.date, FurnaceDay]:
    """炉温日结果 of an outlet from the day of hour `since` on, before hour `end`.

    Empty for an outlet that is no furnace, or of which no five-minute mean came.
    """
    found = {}
    facts, day = judged.facts(outlet_id), day_of(since)
    while first_hour(day) < end:
        part = judged.part_at(first_hour(day))
        rule = find(part.pack.furnaces, facts, "", day)
        if rule is not None:
            means = _means(readings, rule.factor, first_hour(day) * 3600)
            if len(means.start_s):
                uses = part.effects.uses.get(outlet_id, ())
                marks = judged.marks.get(outlet_id, ())
                excuses = furnace_excuses(marks, facts, part.pack, uses, rule.factor)
                found[day] = judge_furnace(means, day, excuses, rule)
        day += _DAY
    return found


def _means(readings: Columns, factor: str, begin_s: int) -> FurnaceMeans:
    """Five-minute means of a day: what came as 分钟数据 of the furnace's factor."""
    wanted = [
        number
        for number, (grid, key) in enumerate(readings.series)
        if grid is MINUTE and key.factor == factor
    ]
    first, end = np.searchsorted(readings.time_s, [begin_s, begin_s + 86_400])
    mine = np.flatnonzero(np.isin(readings.series_index[first:end], wanted)) + first
    return FurnaceMeans(readings.time_s[mine], readings.value[mine], readings.flag[mine])

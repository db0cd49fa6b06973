"""数据中断: hours in which an outlet sent nothing at all."""

from collections.abc import Iterator, Mapping

import numpy as np

from services.detect.domain.block import Block
from services.detect.domain.hits import Hits, hits_of
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import PRESENCE, SeriesKey
from services.detect.kernels.silence import silence


def judge_silence(
    block: Block, rule: Rule, looked_at: Mapping[str, int]
) -> Iterator[tuple[SeriesKey, Hits]]:
    """数据中断: one hit a gap, from the hour after the last data to the hour data came back.

    `looked_at` gives the present hour of outlets whose silence somebody looks at now; without it a
    gap that has not ended is not seen. Its length is then given by the level it has passed (2 h,
    12 h, whole days) and not by the moment of looking, so two looks say the same.
    """
    for row, key in enumerate(block.keys):
        if key.factor == PRESENCE:
            now = looked_at.get(key.outlet_id, 0)
            hits = _gaps(block, row, now, rule)
            in_force = (hits["slot"] >= rule.first_hour) & (hits["slot"] < rule.end_hour)
            yield key, hits[in_force & (hits["end"] > block.since[row])]


def level_passed(waiting: int, rule: Rule) -> int:
    """Silent hours that are reported after `waiting` hours: 0, 2, 12, then whole days."""
    levels = (rule.hours("dispatch_h"), rule.hours("warning_h"))
    days = waiting - waiting % rule.hours("report_every_h")
    return max(days, next((level for level in levels if waiting >= level), 0))


def _gaps(block: Block, row: int, now: int, rule: Rule) -> Hits:
    """All gaps of one outlet in the block, the one that lasts until `now` last."""
    levels = np.array([rule.number("warning_h"), rule.number("dispatch_h")])
    present = block.present[row]
    first = int(block.start[row])
    length = silence(present[None, :])[0]
    before = np.concatenate([[0], length[:-1]])
    back = np.flatnonzero(present & (before >= levels[0]))
    begin, end = first + back - before[back], first + back
    hours = (end - begin).astype(float)
    last = np.flatnonzero(present)
    passed = level_passed(now - int(first + last[-1] + 1), rule) if last.size else 0
    if passed:
        begin = np.append(begin, first + last[-1] + 1)
        end = np.append(end, begin[-1] + passed)
        hours = np.append(hours, float(passed))
    level = levels[np.searchsorted(levels, hours, side="right") - 1]
    return hits_of(slot=begin, begin=begin, end=end, statistic=hours, threshold=level)

"""方差异常偏低: quiet parts of the day against the outlet's own history."""

from collections.abc import Iterable, Iterator

import numpy as np

from services.detect.domain.block import Block
from services.detect.domain.hits import Hits, hits_of
from services.detect.domain.reference_weeks import Week
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.kernels.low_variance import low_variance
from services.detect.kernels.segment_scatter import segment_scatter


def judge_low_variance(
    block: Block, rule: Rule, weeks: Iterable[Week]
) -> Iterator[tuple[SeriesKey, Hits]]:
    """方差异常偏低 (挂瓶): hits are closed parts of the day with z below the rule's.

    `value` is the part's scatter, `check` the scatter from which it would not be quiet; a level at
    the detection limit is not evaluated.
    """
    hours = rule.hours("part_h")
    for week in weeks:
        now = segment_scatter(week.series(0), week.profile.grid, hours)
        history = segment_scatter(week.reference, week.profile.grid, hours)
        found = low_variance(
            now, history, parts=24 // hours, min_history=rule.hours("min_history_days")
        )
        begin = week.start[:, None] + np.arange(now.level.shape[1]) * hours
        closed = begin + hours <= block.until[week.rows][:, None]
        in_force = (begin >= rule.first_hour) & (begin < rule.end_hour)
        with np.errstate(invalid="ignore"):
            above = now.level > week.profile.floor[:, None]
            quiet = closed & in_force & above & (found.z <= rule.number("z"))
        needed = np.exp(np.log(found.expected) + rule.number("z") * found.mad)
        for at, row in enumerate(week.rows):
            part = np.flatnonzero(quiet[at])
            yield (
                block.keys[row],
                hits_of(
                    slot=begin[at, part],
                    begin=begin[at, part],
                    end=begin[at, part] + hours,
                    statistic=found.z[at, part],
                    threshold=np.full(len(part), rule.number("z")),
                    value=now.scatter[at, part],
                    check=needed[at, part],
                ),
            )

"""恒值: runs of equal values beyond the outlet's own habit."""

from collections.abc import Iterable, Iterator

import numpy as np

from services.detect.domain.block import WEEK, Block
from services.detect.domain.hits import Hits, hits_of
from services.detect.domain.reference_weeks import Week
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.kernels.constant_run import Runs, constant_run

#: Hours before the week in which a run that reaches into it is followed back.
_BEFORE = 14 * 24


def judge_constant(
    block: Block, rule: Rule, weeks: Iterable[Week]
) -> Iterator[tuple[SeriesKey, Hits]]:
    """恒值: hits are the hours in which a run has become too long; each names where it began."""
    for week in weeks:
        series = week.series(_BEFORE)
        runs = constant_run(
            series,
            hold=week.profile.hold[:, None],
            repeat_share=week.profile.repeat_share_of(series.values),
            lookback=week.profile.known[:, None],
            alpha=rule.number("alpha"),
            tail_factor=rule.number("tail_factor"),
            min_slots=rule.hours("min_hours"),
            min_cycles=rule.hours("min_cycles"),
            max_gap=rule.hours("max_gap_h"),
            max_repeat_share=rule.number("max_repeat_share"),
        )
        for at, row in enumerate(week.rows):
            hits = _hits(week, runs, series.values[at], at)
            hits = hits[(hits["slot"] >= rule.first_hour) & (hits["slot"] < rule.end_hour)]
            yield block.keys[row], hits


def _hits(week: Week, runs: Runs, values: np.ndarray, at: int) -> Hits:
    """Constant hours of one row inside the week."""
    column = np.flatnonzero(runs.constant[at, _BEFORE : _BEFORE + WEEK]) + _BEFORE
    first = week.start[at] - _BEFORE
    return hits_of(
        slot=first + column,
        begin=first + runs.start[at, column],
        end=first + column + 1,
        statistic=runs.cycles[at, column],
        threshold=runs.needed[at, column],
        value=values[column],
        check=np.full(len(column), float(week.profile.hold[at])),
    )

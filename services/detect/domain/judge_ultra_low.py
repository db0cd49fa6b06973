"""超低排放小时达标率: months with too few hours within the policy value."""

import datetime as dt
from collections.abc import Iterator

import numpy as np

from services.detect.domain.block import WEEK
from services.detect.domain.hits import Hits, hits_of
from services.detect.domain.judged import Judged, judge_block
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.domain.spans import touches_frozen
from services.detect.judgement.periods import day_of, first_hour
from services.detect.judgement.warnings import ultra_low_share

#: Hours that hold every month of which a day lies in the four judged weeks.
_BACK = 10 * WEEK
_MONTHS_A_YEAR, _EPOCH_YEAR = 12, 1970


def judge_ultra_low(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """超低排放小时达标率: one hit a whole frozen month below the share (start value: 95 %).

    Policy, never a penalty limit (domain.md B.7, C). `value` is valid hours, `check` those within.
    """
    outlets = _with_policy(judged)
    frozen = judged.known.frozen_hour
    if not outlets or not _month_ends(judged, frozen):
        return
    long = judge_block(judged.block.of_outlets(outlets), judged.known, _BACK)
    for part in long.parts:
        for at, row in enumerate(long.rows.tolist()):
            if not np.isfinite(long.limits.warn_upper[at]).any():
                continue
            warning = part.warnings[at]
            month = ultra_low_share(long.hours, long.result, long.limits, warning)
            for number in np.flatnonzero(month.low[at]).tolist():
                first, end = _month(int(month.months[number]))
                known = int(long.hours.start[at]) <= first and end <= frozen
                mine = part.first < end <= part.end and rule.first_hour < end <= rule.end_hour
                if known and mine and end > int(long.block.since[row]):
                    yield (
                        long.block.keys[row],
                        hits_of(
                            slot=[first],
                            begin=[first],
                            end=[end],
                            statistic=[month.share[at, number]],
                            threshold=[warning.ultra_low_share],
                            value=[float(month.valid_hours[at, number])],
                            check=[float(month.within_hours[at, number])],
                        ),
                    )


def _with_policy(judged: Judged) -> set[str]:
    """Outlets with a policy value, of which a frozen day changed."""
    touched = touches_frozen(judged)[judged.rows]
    warned = np.isfinite(judged.limits.warn_upper).any(axis=1)
    rows = judged.rows[touched & warned].tolist()
    return {judged.block.keys[row].outlet_id for row in rows}


def _month_ends(judged: Judged, frozen: int) -> bool:
    """Whether a month ended in the frozen part of the judged weeks."""
    since = int(judged.block.since.min())
    return first_hour(day_of(frozen).replace(day=1)) > since


def _month(number: int) -> tuple[int, int]:
    """First hour slot and end of a natural month, counted since January 1970."""

    def first(months: int) -> int:
        year, month = divmod(months, _MONTHS_A_YEAR)
        return first_hour(dt.date(_EPOCH_YEAR + year, month + 1, 1))

    return first(number), first(number + 1)

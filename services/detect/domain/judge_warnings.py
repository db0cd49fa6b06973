"""预警: near the limit, and a daily mean on its way beyond it.

A warning is never an exceedance (domain.md D.2); each wording says so.
"""

from collections.abc import Iterator

import numpy as np

from services.detect.domain.hits import Hits, hits_of
from services.detect.domain.judged import Judged, Part
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.domain.spans import cells
from services.detect.judgement.parameters import WarningRule
from services.detect.judgement.warnings import Projection, near_limit, projected_mean
from services.detect.kernels.series import Bools, Ints

_LAST_HOUR = 23


def judge_near_limit(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """临近超标: hours that end a run above the near share (start value: 3 h above 90 %).

    Hours beyond the limit are left to `hourly_exceedance`.
    """
    limits, result = judged.limits, judged.result
    near: Bools = judged.by_part(lambda part: _near(judged, part))
    for at, column in cells(judged, rule, near & ~result.over):
        slot, value = judged.slot[at, column], result.judged[at, column]
        upper = limits.hourly_upper[at, column // 24]
        asked = [judged.part_at(hour).warnings[at] for hour in slot.tolist()]
        yield (
            judged.block.keys[judged.rows[at]],
            hits_of(
                slot=slot,
                begin=slot + 1 - np.array([one.near_hours for one in asked], dtype=np.int64),
                end=slot + 1,
                statistic=value,
                threshold=np.array([one.near_share for one in asked]) * upper,
                value=value,
                check=upper,
            ),
        )


def judge_projected(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """预计日均值超标: the first hour of a day at whose end the projected mean is beyond the limit.

    What a later hour of the day says does not take it back: the warning was right to be given.
    """
    upper = judged.limits.daily_upper
    if np.isnan(upper).all():
        return
    mean = judged.by_part(lambda part: _projected(judged, part))
    with np.errstate(invalid="ignore"):
        over = mean > np.repeat(upper, 24, axis=1)
    over[:, _LAST_HOUR::24] = False  # the last hour of a day projects nothing
    # Only the first of a day counts, before the span is cut: the span is cut at midnights.
    for at, columns in cells(judged, rule, over):
        _, first = np.unique(columns // 24, return_index=True)
        column = columns[first]
        slot = judged.slot[at, column]
        yield (
            judged.block.keys[judged.rows[at]],
            hits_of(
                slot=slot,
                begin=slot,
                end=slot + 1,
                statistic=mean[at, column],
                threshold=upper[at, column // 24],
                value=judged.result.judged[at, column],
            ),
        )


def _near(judged: Judged, part: Part) -> Bools:
    near = np.zeros(part.result.judged.shape, dtype=np.bool_)
    for warning, rows in _by_rule(part):
        near[rows] = near_limit(part.result, judged.limits, warning)[rows]
    return near


def _projected(judged: Judged, part: Part) -> np.ndarray:
    mean = np.full(part.result.judged.shape, np.nan)
    for warning, rows in _by_rule(part):
        seen: Projection = projected_mean(
            judged.hours, part.result, part.rules, judged.limits, warning
        )
        mean[rows] = seen.mean[rows]
    return mean


def _by_rule(part: Part) -> Iterator[tuple[WarningRule, Ints]]:
    """The different warning rows of a part and the judged rows that follow each."""
    rows: dict[str, list[int]] = {}
    for at, one in enumerate(part.warnings):
        rows.setdefault(one.key, []).append(at)
    for mine in rows.values():
        yield part.warnings[mine[0]], np.array(mine, dtype=np.int64)

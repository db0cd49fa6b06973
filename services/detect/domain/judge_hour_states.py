"""小时状态: hours that differ from their minutes, or have to be checked before they are judged."""

from collections.abc import Iterator

import numpy as np

from services.detect.domain.hits import BASIS_MINUTES, Hits, hits_of
from services.detect.domain.judged import Judged
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.domain.spans import cells
from services.detect.judgement.model import HourState, Note

_PERCENT = 100.0


def judge_hour_mismatch(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """小时值与分钟值不符 (D29): the reported hour differs from the mean of its valid minutes.

    The statistic is the difference in percent of the reported value. Of frozen days, as far as the
    ten-minute values of the last two days go; what was seen stays.
    """
    differs = (judged.result.notes & Note.DIFFERS) > 0
    share = judged.parts[-1].rules.numbers("differs_share")
    for at, column in cells(judged, rule, differs):
        value = judged.hours.value[at, column]
        recomputed = judged.hours.recomputed[at, column]
        slot = judged.slot[at, column]
        size = np.maximum(np.abs(value), np.abs(recomputed))
        yield (
            judged.block.keys[judged.rows[at]],
            hits_of(
                slot=slot,
                begin=slot,
                end=slot + 1,
                statistic=np.abs(value - recomputed) / size * _PERCENT,
                threshold=np.full(column.size, share[at] * _PERCENT),
                value=value,
                check=recomputed,
                basis=BASIS_MINUTES,
            ),
        )


def judge_suspect(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """可疑数据: hours to be checked before they are judged (HJ 356-2019).

    Zero, negative, below detection, or not to be converted for want of oxygen.
    """
    suspect = judged.result.state == HourState.SUSPECT
    for at, column in cells(judged, rule, suspect):
        slot = judged.slot[at, column]
        yield (
            judged.block.keys[judged.rows[at]],
            hits_of(
                slot=slot,
                begin=slot,
                end=slot + 1,
                statistic=np.ones(column.size),
                threshold=np.zeros(column.size),
                value=judged.hours.value[at, column],
            ),
        )

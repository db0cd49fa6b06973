"""小时均值超标: hours whose judged value is beyond the limit of their day."""

from collections.abc import Iterator

import numpy as np

from services.detect.domain.hits import BASIS_HOUR, BASIS_MINUTES, BASIS_NONE, Hits, hits_of
from services.detect.domain.judged import Judged
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.domain.spans import cells


def judge_exceedance(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """小时均值超标: one hit an hour; raised at once, before the freeze.

    Judged is what was reported: the converted mean where the limit has a reference oxygen (ours
    where the logger sent none, so that leaving it out hides nothing), else the mean. The mean of
    the ten-minute values checks it where they are still there, else our own conversion.
    """
    result, (lower, upper) = judged.result, judged.hourly
    for at, column in cells(judged, rule, result.over):
        value, check = result.judged[at, column], result.check[at, column]
        low, high = lower[at, column // 24], upper[at, column // 24]
        from_minutes = np.isfinite(judged.hours.recomputed[at, column])
        basis = np.where(from_minutes, BASIS_MINUTES, BASIS_HOUR)
        slot = judged.slot[at, column]
        with np.errstate(invalid="ignore"):
            threshold = np.where(value < low, low, high)
        yield (
            judged.block.keys[judged.rows[at]],
            hits_of(
                slot=slot,
                begin=slot,
                end=slot + 1,
                statistic=value,
                threshold=threshold,
                value=value,
                check=check,
                basis=np.where(np.isfinite(check), basis, BASIS_NONE),
            ),
        )

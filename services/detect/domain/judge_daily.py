"""日均值超标: frozen days whose mean is beyond the daily limit."""

from collections.abc import Iterator

import numpy as np

from services.detect.domain.hits import Hits, hits_of
from services.detect.domain.judged import Judged, Part
from services.detect.domain.rule import Rule
from services.detect.domain.rule_ids import MSWI_DAILY
from services.detect.domain.series_key import SeriesKey
from services.detect.domain.spans import day_cells
from services.detect.judgement.periods import day_of
from services.detect.kernels.series import Bools
from services.detect.packs.select import find

#: Keys of furnace rows under MEE order 10.
_MSWI = "mswi"


def judge_daily(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """日均值超标: one hit a day, of 24 hours.

    The five pollutants of an incinerator's furnace (MEE order 10) are `mswi_daily_exceedance`,
    everything else is `daily_exceedance`: their consequences differ.
    """
    if not _any_frozen(judged):
        return
    days, limits = judged.days, judged.limits
    of_furnace: Bools = judged.by_part(lambda part: _of_furnaces(judged, part))[:, ::24]
    mine = of_furnace if rule.id == MSWI_DAILY else ~of_furnace
    for at, day in day_cells(judged, rule, days.over & mine):
        mean = days.mean[at, day]
        low, high = limits.daily_lower[at, day], limits.daily_upper[at, day]
        with np.errstate(invalid="ignore"):
            threshold = np.where(mean < low, low, high)
        slot = judged.hours.start[at] + 24 * day
        yield (
            judged.block.keys[judged.rows[at]],
            hits_of(
                slot=slot,
                begin=slot,
                end=slot + 24,
                statistic=mean,
                threshold=threshold,
                value=mean,
                check=days.valid_hours[at, day].astype(np.float64),
            ),
        )


def _any_frozen(judged: Judged) -> bool:
    """Whether the judged columns hold a frozen day at all."""
    start = judged.hours.start
    return bool(start.size) and int(start.min()) < judged.known.frozen_hour


def _of_furnaces(judged: Judged, part: Part) -> Bools:
    """(S, T): rows of the pollutants that MEE order 10 judges by furnace and day, in each hour."""
    found = np.zeros(part.result.state.shape, dtype=np.bool_)
    for at, row in enumerate(judged.rows.tolist()):
        key = judged.block.keys[row]
        rule = find(part.pack.furnaces, judged.facts(key.outlet_id), "", day_of(part.first))
        # A hazardous-waste furnace has bounds of its own, but no order that makes its day evidence.
        if rule is not None and rule.key.startswith(_MSWI):
            found[at] = key.factor in rule.factors
    return found

"""焚烧炉: days of too low a temperature, and months with too many days of exceedance."""

from collections.abc import Iterable, Iterator

import numpy as np

from services.detect.domain.hits import NO_HITS, Hits, hits_of
from services.detect.domain.judged import Judged
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import PRESENCE, SeriesKey
from services.detect.judgement.periods import day_of, first_hour
from services.detect.packs.select import find


def judge_low_temperature(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """炉温不达标: one hit a frozen day with more than five low five-minute means (MEE order 10).

    `app` gives the days (`Known.furnaces`), judged by `judge_furnace`; `value` is the lowest mean.
    """
    known = judged.known
    outlets = {key.outlet_id for key in judged.block.keys} & set(known.furnaces)
    for outlet_id in sorted(outlets):
        found = [
            (first_hour(day), one)
            for day, one in known.furnaces[outlet_id].items()
            if one.violation and rule.first_hour <= first_hour(day) < rule.end_hour
            and first_hour(day) < known.frozen_hour
        ]  # fmt: skip
        if not found:
            continue
        slot = np.array([hour for hour, _ in found], dtype=np.int64)
        allowed = [_allowed(judged, outlet_id, hour) for hour, _ in found]
        yield (
            SeriesKey(outlet_id, PRESENCE),
            hits_of(
                slot=slot,
                begin=slot,
                end=slot + 24,
                statistic=[float(one.low) for _, one in found],
                threshold=allowed,
                value=[one.lowest_degc for _, one in found],
                check=[float(one.excused) for _, one in found],
            ),
        )


def month_of_furnace(days: Iterable[int], rule: Rule) -> Hits:
    """焚烧炉月: one hit an exceedance day, counted within its natural month (Beijing).

    `days` are first hours of days with a standing exceedance of any of the five pollutants, each
    once or more. A hit begins with the first such day of its month, so a month is one finding; its
    statistic is the days of the month.
    """
    slots = sorted({day for day in days if rule.first_hour <= day < rule.end_hour})
    if not slots:
        return NO_HITS
    at = np.array(slots, dtype=np.int64)
    months = [day_of(slot).toordinal() - day_of(slot).day for slot in slots]
    _, first, place, days_of_month = np.unique(
        months, return_index=True, return_inverse=True, return_counts=True
    )
    return hits_of(
        slot=at,
        begin=at[first][place],
        end=at + 24,
        statistic=days_of_month[place].astype(np.float64),
        threshold=np.full(len(slots), rule.number("hits")),
    )


def _allowed(judged: Judged, outlet_id: str, hour: int) -> float:
    """Low means that a day may have."""
    pack = judged.known.timeline.at(hour)
    rule = find(pack.furnaces, judged.facts(outlet_id), "", day_of(hour))
    return float(rule.more_than) if rule else np.nan

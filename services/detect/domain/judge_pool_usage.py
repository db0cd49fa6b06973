"""豁免时段用量: marked hours that use up a pool of the natural year or quarter."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from services.detect.domain.hits import Hits, hits_of
from services.detect.domain.judged import Judged
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import PRESENCE, SeriesKey
from services.detect.domain.spans import span_of
from services.detect.judgement.parameters import PoolRule
from services.detect.judgement.pools import PoolCharge

_FAR = 2**40


class Use(NamedTuple):
    """A marked hour at which the use of a pool stands at or above its warning share."""

    hour: int
    pool: PoolRule
    facility: str
    period: str
    used: float
    """Hours charged so far, this one included."""


def judge_pool_usage(judged: Judged, rule: Rule) -> Iterator[tuple[SeriesKey, Hits]]:
    """豁免时段用量: one hit a marked hour at or above the warning share (start value: 80 %).

    The statistic is used hours through the cap's, `value` used hours, `check` the cap. Hours that
    were refused because the pool is empty are hits too. A single event's cap is no pool to watch.
    """
    for outlet_id, uses in uses_of(judged).items():
        key = SeriesKey(outlet_id, PRESENCE)
        row = judged.block.row_of.get(key)
        span = None if row is None else span_of(judged, rule.id, row)
        since = max(span[0] if span else 0, rule.first_hour)
        mine = [one for one in uses if since <= one.hour < rule.end_hour]
        if mine:
            yield (
                key,
                hits_of(
                    slot=[one.hour for one in mine],
                    begin=[one.hour for one in mine],
                    end=[one.hour + 1 for one in mine],
                    statistic=[one.used / one.pool.cap_hours for one in mine],
                    threshold=[one.pool.warn_share for one in mine],
                    value=[one.used for one in mine],
                    check=[one.pool.cap_hours for one in mine],
                ),
            )


def uses_of(judged: Judged) -> Mapping[str, list[Use]]:
    """Marked hours at or above the warning share, by outlet in time order."""
    found: dict[str, list[Use]] = {}
    # Charges of the year reach beyond the judged hours: the nearest part's pack counts them.
    cuts = [-_FAR, *(part.first for part in judged.parts[1:]), _FAR]
    for part, (first, end) in zip(judged.parts, itertools.pairwise(cuts), strict=True):
        rules = {one.key: one for one in part.pack.pools}
        for outlet_id, charges in part.effects.uses.items():
            mine = [one for one in _standing(charges, rules) if first <= one.hour < end]
            found.setdefault(outlet_id, []).extend(mine)
    return found


def _standing(charges: Sequence[PoolCharge], rules: Mapping[str, PoolRule]) -> list[Use]:
    """Uses at or above the warning share, in time order."""

    def whose(one: PoolCharge) -> tuple[str, str, str]:
        return one.pool, one.facility, one.period

    found = []
    for (pool, facility, period), group in groupby(sorted(charges, key=whose), key=whose):
        rule = rules.get(pool)
        if rule is None or rule.cap_hours <= 0 or rule.period == "event":
            continue
        used = 0.0
        for one in sorted(group, key=lambda charge: charge.hour):
            used += one.charged
            if used >= rule.warn_share * rule.cap_hours:
                found.append(Use(one.hour, rule, facility, period, used))
    return sorted(found, key=lambda one: (one.hour, -one.used / one.pool.cap_hours))

"""研判: all rules over one judged block."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from services.detect.domain import rule_ids as ids
from services.detect.domain.hits import Hits
from services.detect.domain.judge_constant import judge_constant
from services.detect.domain.judge_daily import judge_daily
from services.detect.domain.judge_exceedance import judge_exceedance
from services.detect.domain.judge_furnace_days import judge_low_temperature
from services.detect.domain.judge_hour_states import judge_hour_mismatch, judge_suspect
from services.detect.domain.judge_low_variance import judge_low_variance
from services.detect.domain.judge_marks import judge_mark_abuse, judge_mark_conflict
from services.detect.domain.judge_minute_over import judge_minute_over
from services.detect.domain.judge_pool_usage import judge_pool_usage
from services.detect.domain.judge_silence import judge_silence
from services.detect.domain.judge_ultra_low import judge_ultra_low
from services.detect.domain.judge_warnings import judge_near_limit, judge_projected
from services.detect.domain.judged import Judged
from services.detect.domain.reference_weeks import WeekCache
from services.detect.domain.rule import Rule
from services.detect.domain.rule_ids import CONSTANT, EXCEEDANCE, LOW_VARIANCE, SILENCE, Reach
from services.detect.domain.series_key import SeriesKey
from services.detect.domain.spans import touches_frozen

__all__ = ["CONSTANT", "EXCEEDANCE", "LOW_VARIANCE", "SILENCE", "FindingKey", "judge"]

Found = Iterator[tuple[SeriesKey, Hits]]


class FindingKey(NamedTuple):
    """Whose finding it is: one open finding each."""

    outlet_id: str
    rule_id: str
    factor: str


#: What each rule that reads judged hours and days looks for; `mswi_month` counts findings.
LOOKS: Mapping[str, Callable[[Judged, Rule], Found]] = {
    ids.EXCEEDANCE: judge_exceedance,
    ids.NEAR_LIMIT: judge_near_limit,
    ids.PROJECTED: judge_projected,
    ids.MINUTE_OVER: judge_minute_over,
    ids.POOL_USAGE: judge_pool_usage,
    ids.SUSPECT: judge_suspect,
    ids.DAILY: judge_daily,
    ids.MSWI_DAILY: judge_daily,
    ids.MSWI_COLD: judge_low_temperature,
    ids.ULTRA_LOW: judge_ultra_low,
    ids.HOUR_MISMATCH: judge_hour_mismatch,
    ids.MARK_CONFLICT: judge_mark_conflict,
    ids.MARK_ABUSE: judge_mark_abuse,
}


def judge(judged: Judged, looked_at: Mapping[str, int]) -> dict[FindingKey, Hits]:
    """研判: hits of every rule and series, from each row's `since` on.

    A pure function of values, limits, marks, freezes and packs: any order and repetition in which
    they came gives the same. `looked_at` is for silence only (see `judge_silence`).
    """
    parts: dict[FindingKey, list[Hits]] = {}
    for rule, found in _looks(judged, looked_at):
        for key, hits in found:
            if len(hits):
                parts.setdefault(FindingKey(key.outlet_id, rule.id, key.factor), []).append(hits)
    return {key: _one_a_slot(np.concatenate(found)) for key, found in parts.items()}


def _looks(judged: Judged, looked_at: Mapping[str, int]) -> Iterator[tuple[Rule, Found]]:
    """Every version of every rule with what it finds."""
    block, book = judged.block, judged.known.book
    frozen = bool(touches_frozen(judged).any())
    if len(judged.rows):
        for rule_id, look in LOOKS.items():
            if frozen or ids.REACH[rule_id] is not Reach.DAYS:
                yield from ((rule, look(judged, rule)) for rule in book.versions(rule_id))
    weeks = WeekCache(block)
    for rule in book.versions(CONSTANT):
        yield rule, judge_constant(block, rule, weeks.of(rule))
    for rule in book.versions(LOW_VARIANCE):
        yield rule, judge_low_variance(block, rule, weeks.of(rule))
    for rule in book.versions(SILENCE):
        yield rule, judge_silence(block, rule, looked_at)


def _one_a_slot(hits: Hits) -> Hits:
    """One hit a slot: where several thresholds are passed, the one that is passed most."""
    order = np.lexsort((-np.abs(hits["statistic"] - hits["threshold"]), hits["slot"]))
    ordered = hits[order]
    first = np.concatenate([[True], np.diff(ordered["slot"]) > 0])
    kept: Hits = ordered[first]
    return kept

"""研判: all rules over one block."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from services.detect.domain.block import Block
from services.detect.domain.hits import Hits
from services.detect.domain.judge_constant import judge_constant
from services.detect.domain.judge_exceedance import judge_exceedance
from services.detect.domain.judge_low_variance import judge_low_variance
from services.detect.domain.judge_silence import judge_silence
from services.detect.domain.reference_weeks import WeekCache
from services.detect.domain.rule import Rule, RuleBook
from services.detect.domain.series_key import SeriesKey

EXCEEDANCE = "hourly_exceedance"
CONSTANT = "constant_value"
LOW_VARIANCE = "low_variance_part_of_day"
SILENCE = "silence"


class FindingKey(NamedTuple):
    """Whose finding it is: one open finding each."""

    outlet_id: str
    rule_id: str
    factor: str


def judge(block: Block, book: RuleBook, looked_at: Mapping[str, int]) -> dict[FindingKey, Hits]:
    """研判: hits of every rule and series, from each row's `since` to its `until`.

    A pure function of the values, the limits and the rules: any order and repetition in which the
    values came gives the same. `looked_at` is for silence only (see `judge_silence`).
    """
    parts: dict[FindingKey, list[Hits]] = {}

    def add(rule: Rule, key: SeriesKey, hits: Hits) -> None:
        if len(hits):
            parts.setdefault(FindingKey(key.outlet_id, rule.id, key.factor), []).append(hits)

    for rule in book.versions(EXCEEDANCE):
        for key, hits in judge_exceedance(block, rule):
            add(rule, key, hits)
    weeks = WeekCache(block)
    for rule in book.versions(CONSTANT):
        for key, hits in judge_constant(block, rule, weeks.of(rule)):
            add(rule, key, hits)
    for rule in book.versions(LOW_VARIANCE):
        for key, hits in judge_low_variance(block, rule, weeks.of(rule)):
            add(rule, key, hits)
    for rule in book.versions(SILENCE):
        for key, hits in judge_silence(block, rule, looked_at):
            add(rule, key, hits)
    return {key: _one_a_slot(np.concatenate(found)) for key, found in parts.items()}


def _one_a_slot(hits: Hits) -> Hits:
    """One hit a slot: where several limits are exceeded, the one that is exceeded most."""
    order = np.lexsort((-np.abs(hits["statistic"] - hits["threshold"]), hits["slot"]))
    ordered = hits[order]
    first = np.concatenate([[True], np.diff(ordered["slot"]) > 0])
    kept: Hits = ordered[first]
    return kept

"""描述: the words, counts and facts of a finding, from its hits and what they rest on."""

import math
from dataclasses import dataclass

import numpy as np

from services.detect.domain import rule_ids as ids
from services.detect.domain.block import Limit
from services.detect.domain.describe_facts import facts_of, words_of
from services.detect.domain.describe_judged import Case, Facts
from services.detect.domain.finding_limit import limit_of
from services.detect.domain.grid import day_start
from services.detect.domain.hits import worst
from services.detect.domain.judged import Judged
from services.detect.domain.reconcile import Kept
from services.detect.domain.rule import Rule, RuleBook
from services.detect.domain.words import fragment, hour_text, number

__all__ = ["Description", "describe", "hour_text", "withdrawn_text"]

_OF_LIMIT = frozenset({ids.EXCEEDANCE, ids.DAILY, ids.MSWI_DAILY})


@dataclass(frozen=True)
class Description:
    """What a finding says about itself."""

    rule: Rule
    limit: Limit | None
    statistic: float
    threshold: float
    unit: str
    seen: str
    silenced_by: str
    count: int
    count_today: int
    count_7_days: int
    peak_multiple: float
    facts: Facts


def describe(finding: Kept, judged: Judged) -> Description:
    """描述: fill the rule's wording with what was found; times are Beijing hours of the data.

    The finding must have hits.
    """
    hits, book = finding.hits, judged.known.book
    rule = book.at(finding.key.rule_id, int(hits["slot"][-1]))
    top = hits[worst(hits)]
    limit = limit_of(judged, finding)
    unit = limit.unit if limit else book.factor(finding.key.factor).unit
    multiple = _multiple(top, rule)
    case = Case(finding, judged, rule, top, limit, unit, multiple)
    words = words_of(case) | {
        "source": limit.source if limit else "",
        "multiple": fragment(rule, "multiple", number=number(multiple, 3))
        if math.isfinite(multiple)
        else "",
    }
    count, today, week = counts_of(finding)
    return Description(
        rule=rule,
        limit=limit,
        statistic=float(top["statistic"]),
        threshold=float(top["threshold"]),
        unit=unit if rule.statistic_unit is None else rule.statistic_unit,
        seen=rule.wording.seen.format(**words),
        silenced_by=rule.wording.silenced_by.format(**words),
        count=count,
        count_today=today,
        count_7_days=week,
        peak_multiple=multiple,
        facts=facts_of(case),
    )


def _multiple(top: np.void, rule: Rule) -> float:
    """超标倍数 (c - L) / L above an upper limit; NaN for anything else."""
    above = rule.id in _OF_LIMIT and top["statistic"] > top["threshold"] > 0
    return float((top["statistic"] - top["threshold"]) / top["threshold"]) if above else math.nan


def counts_of(finding: Kept) -> tuple[int, int, int]:
    """次数: hits in the span, in the natural day of its end, and in the seven days before its end.

    Silence counts the silent hours: it has one hit, however long.
    """
    starts = finding.hits["slot"]
    if finding.key.rule_id == ids.SILENCE:
        starts = np.arange(finding.begin, finding.end)
    day = day_start(finding.end - 1)
    week = finding.end - 7 * 24
    return len(starts), int((starts >= day).sum()), int((starts >= week).sum())


def withdrawn_text(finding: Kept, book: RuleBook) -> str:
    """What a finding says whose hits fell away, and why they did as far as it is known."""
    rule = book.versions(finding.key.rule_id)[-1]
    if finding.reason:
        return fragment(rule, "withdrawn_why", reason=finding.reason)
    return fragment(rule, "withdrawn")

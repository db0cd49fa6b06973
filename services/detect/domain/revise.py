"""修订: what changes in the findings and clues of some outlets after judging them again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.detect.domain import rule_ids as ids
from services.detect.domain.clue import Clue, changed_clues, clues_of
from services.detect.domain.family_clue import with_families
from services.detect.domain.finding_inputs import inputs_of
from services.detect.domain.hits import NO_HITS, Hits
from services.detect.domain.judge import FindingKey
from services.detect.domain.judge_furnace_days import month_of_furnace
from services.detect.domain.judged import Judged
from services.detect.domain.reconcile import Kept, Look, reconcile
from services.detect.domain.rule import RuleBook
from services.detect.domain.series_key import PRESENCE, SeriesKey
from services.detect.domain.spans import span_of

#: Longest natural month, in hours: a month is counted from its first day.
_MONTH_H = 31 * 24
_WEEK_H = 168


@dataclass(frozen=True)
class Revision:
    """Findings and clues with their next revisions; what is not here stays as it is."""

    findings: list[Kept]
    clues: list[Clue]


def horizon(book: RuleBook, since: int) -> int:
    """First hour whose findings must be known to judge from `since` on.

    A finding may be continued that ended a longest `merge_within_h` earlier, and a month counts
    the days of standing findings.
    """
    merges = [
        rule.hours("merge_within_h")
        for rule_id in book.ids
        for rule in book.versions(rule_id)
        if "merge_within_h" in rule.parameters
    ]
    return since - max(merges, default=0) - _MONTH_H - _WEEK_H


def revise_findings(
    judged: Judged, hits: Mapping[FindingKey, Hits], kept: Iterable[Kept]
) -> list[Kept]:
    """疑似问题修订: the findings of the block's series that changed."""
    by_key: dict[FindingKey, list[Kept]] = {key: [] for key in hits}
    for one in kept:
        by_key.setdefault(one.key, []).append(one)
    changed: list[Kept] = []
    for key in sorted(by_key):
        if key.rule_id != ids.MSWI_MONTH:
            changed += _revised(judged, key, by_key[key], hits.get(key, NO_HITS))
    return changed + _months(judged, by_key, changed)


def _revised(judged: Judged, key: FindingKey, kept: list[Kept], hits: Hits) -> list[Kept]:
    """Findings of one key that change; none where the key is not looked at."""
    book = judged.known.book
    series = SeriesKey(key.outlet_id, key.factor)
    row = judged.block.row_of.get(series)
    if row is None or key.rule_id not in ids.REACH or not book.versions(key.rule_id):
        return []  # not in this block, judged elsewhere, or the rule is gone: leave it as it is
    span = span_of(judged, key.rule_id, row)
    if span is None:
        return []
    since, until = span
    look = Look(
        book.at(key.rule_id, until),
        since,
        until,
        lambda found: inputs_of(judged, series, key.rule_id, found),
    )
    return reconcile(key, kept, hits, look)


def _months(
    judged: Judged, by_key: Mapping[FindingKey, list[Kept]], changed: list[Kept]
) -> list[Kept]:
    """焚烧炉月: judged by the days of the findings that stand now, not by days of the block.

    The judged weeks need not hold the whole month; the findings of its days do.
    """
    days: dict[str, list[Hits]] = {}
    now = {one.finding_id: one for kept in by_key.values() for one in kept}
    now |= {one.finding_id: one for one in changed}
    for one in now.values():
        if one.key.rule_id == ids.MSWI_DAILY and len(one.hits):
            days.setdefault(one.key.outlet_id, []).append(one.hits)
    standing = {key.outlet_id for key in by_key if key.rule_id == ids.MSWI_MONTH}
    found: list[Kept] = []
    for outlet_id in sorted(days.keys() | standing):
        key = FindingKey(outlet_id, ids.MSWI_MONTH, PRESENCE)
        slots = [int(slot) for hits in days.get(outlet_id, ()) for slot in hits["slot"]]
        rules = judged.known.book.versions(ids.MSWI_MONTH)
        hits = np.concatenate([NO_HITS, *(month_of_furnace(slots, rule) for rule in rules)])
        found += _revised(judged, key, by_key.get(key, []), hits)
    return found


def revise_clues(
    book: RuleBook,
    lines: Mapping[str, Sequence[str]],
    standing: Iterable[Clue],
    kept: Iterable[Kept],
    changed: Iterable[Kept],
) -> Revision:
    """线索修订: the clues of outlets that changed, and the findings they make confidential.

    `lines` are the sampling lines of each outlet; `kept` must hold every finding of the standing
    clues. A finding that is part of a clue is confidential from then on: the plant must not learn
    of it before the check.
    """
    current = {one.finding_id: one for one in kept} | {one.finding_id: one for one in changed}
    revised = {one.finding_id: one for one in changed}
    clues: list[Clue] = []
    standing_now = list(standing)
    for outlet_id in sorted(lines):
        mine = [one for one in current.values() if one.key.outlet_id == outlet_id]
        sisters = clues_of(outlet_id, lines[outlet_id], mine, book.clue_rule)
        now = with_families(outlet_id, mine, sisters, book)
        before = [clue for clue in standing_now if clue.outlet_id == outlet_id]
        clues += changed_clues(before, now)
        for finding_id in sorted({f for clue in now for f in clue.finding_ids}):
            one = current[finding_id]
            if not one.confidential:
                step = 0 if finding_id in revised else 1
                revised[finding_id] = replace(one, confidential=True, revision=one.revision + step)
    return Revision(list(revised.values()), clues)

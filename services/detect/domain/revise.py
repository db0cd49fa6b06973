"""修订: what changes in the findings and clues of some outlets after judging them again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.detect.domain.block import Block
from services.detect.domain.clue import Clue, changed_clues, clues_of
from services.detect.domain.hits import NO_HITS, Hits
from services.detect.domain.judge import FindingKey
from services.detect.domain.reconcile import Kept, reconcile
from services.detect.domain.rule import RuleBook
from services.detect.domain.series_key import SeriesKey


@dataclass(frozen=True)
class Revision:
    """Findings and clues with their next revisions; what is not here stays as it is."""

    findings: list[Kept]
    clues: list[Clue]


def revise_findings(
    block: Block, book: RuleBook, hits: Mapping[FindingKey, Hits], kept: Iterable[Kept]
) -> list[Kept]:
    """疑似问题修订: the findings of the block's series that changed."""
    by_key: dict[FindingKey, list[Kept]] = {key: [] for key in hits}
    for one in kept:
        by_key.setdefault(one.key, []).append(one)
    changed: list[Kept] = []
    for key in sorted(by_key):
        row = block.row_of.get(SeriesKey(key.outlet_id, key.factor))
        if row is None or not book.versions(key.rule_id):
            continue  # the series is not in this block, or the rule is gone: leave it as it is
        found = hits.get(key, NO_HITS)
        span = int(block.since[row]), int(block.until[row])
        rule = book.at(key.rule_id, span[1])
        changed += reconcile(key, by_key[key], found, span, rule)
    return changed


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
        now = clues_of(outlet_id, lines[outlet_id], mine, book.clue_rule)
        before = [clue for clue in standing_now if clue.outlet_id == outlet_id]
        clues += changed_clues(before, now)
        for finding_id in sorted({f for clue in now for f in clue.finding_ids}):
            one = current[finding_id]
            if not one.confidential:
                step = 0 if finding_id in revised else 1
                revised[finding_id] = replace(one, confidential=True, revision=one.revision + step)
    return Revision(list(revised.values()), clues)

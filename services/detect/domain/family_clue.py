"""线索: signs of different kinds of information at one outlet, or one that is decisive alone."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.detect.domain.clue import Clue
from services.detect.domain.hits import DECISIVE
from services.detect.domain.reconcile import NAMESPACE, Kept
from services.detect.domain.rule import FamilyClueRule, Rule, RuleBook

#: Line of a clue that is the whole outlet's.
WHOLE = ""


def with_families(
    outlet_id: str, findings: Iterable[Kept], sisters: Sequence[Clue], book: RuleBook
) -> list[Clue]:
    """线索 of an outlet: those of sister factors, and those of several families.

    A finding counts where its rule is confidential, has a falsification pattern and is of a family
    that the clue rule words. Findings no further apart than `within_h` speak of one thing; two
    families, or a hit that is decisive alone, make it a clue. One that shares a finding with a clue
    of sister factors is told there: it is the same visit.
    """
    rule = book.family_clue
    if rule is None:
        return list(sisters)
    counted = [one for one in findings if len(one.hits) and _rule(one, book, rule) is not None]
    found = list(sisters)
    for group in _near(counted, rule.within_h):
        if not _is_clue(group, book):
            continue
        clue = _clue(outlet_id, group, book, rule)
        home = next((at for at, one in enumerate(found) if _share(one, clue)), None)
        if home is None:
            found.append(clue)
        else:
            found[home] = _joined(found[home], clue)
    return found


def _rule(finding: Kept, book: RuleBook, rule: FamilyClueRule) -> Rule | None:
    """The newest version of a finding's rule where it counts."""
    versions = book.versions(finding.key.rule_id)
    if not versions:
        return None
    newest = versions[-1]
    counts = newest.confidential and newest.pattern.startswith("D") and newest.family in rule.words
    return newest if counts else None


def _near(findings: Iterable[Kept], hours: int) -> list[list[Kept]]:
    """Findings in order of time, grouped where each begins near the end of those before."""
    groups: list[list[Kept]] = []
    end = 0
    for one in sorted(findings, key=lambda f: (f.begin, f.finding_id)):
        if groups and one.begin <= end + hours:
            groups[-1].append(one)
        else:
            groups.append([one])
            end = one.end
        end = max(end, one.end)
    return groups


def _is_clue(group: Sequence[Kept], book: RuleBook) -> bool:
    families = {book.versions(one.key.rule_id)[-1].family for one in group}
    return len(families) > 1 or any((one.hits["basis"] == DECISIVE).any() for one in group)


def _clue(outlet_id: str, group: Sequence[Kept], book: RuleBook, rule: FamilyClueRule) -> Clue:
    first = min(group, key=lambda one: (one.begin, one.finding_id))
    return Clue(
        clue_id=str(uuid.uuid5(NAMESPACE, f"{outlet_id}|families|{first.finding_id}")),
        revision=0,
        outlet_id=outlet_id,
        line=WHOLE,
        finding_ids=tuple(sorted(one.finding_id for one in group)),
        factors=tuple(sorted({one.key.factor for one in group})),
        pattern=_pattern(group, book, rule),
        begin=min(one.begin for one in group),
        end=max(one.end for one in group),
        open=any(one.open for one in group),
    )


def _pattern(group: Sequence[Kept], book: RuleBook, rule: FamilyClueRule) -> str:
    """Pattern of the finding that leads: the family that the clue rule words first."""
    order = list(rule.words)
    rules = [book.versions(one.key.rule_id)[-1] for one in group]
    return min(rules, key=lambda one: (order.index(one.family), one.id)).pattern


def _share(one: Clue, other: Clue) -> bool:
    return bool(set(one.finding_ids) & set(other.finding_ids))


def _joined(sister: Clue, other: Clue) -> Clue:
    """A clue of sister factors with the findings of other families."""
    return replace(
        sister,
        finding_ids=tuple(sorted({*sister.finding_ids, *other.finding_ids})),
        factors=tuple(sorted({*sister.factors, *other.factors})),
        begin=min(sister.begin, other.begin),
        end=max(sister.end, other.end),
        open=sister.open or other.open,
    )

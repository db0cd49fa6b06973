"""线索: two sister factors of one sampling line that collapse together."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.detect.domain.reconcile import NAMESPACE, Kept
from services.detect.domain.rule import ClueRule


@dataclass(frozen=True)
class Clue:
    """A clue as it stands; hours are slots, `end` exclusive."""

    clue_id: str
    revision: int
    outlet_id: str
    line: str
    finding_ids: tuple[str, ...]
    factors: tuple[str, ...]
    pattern: str
    begin: int
    end: int
    open: bool


def clues_of(
    outlet_id: str, lines: Sequence[str], findings: Iterable[Kept], rule: ClueRule
) -> list[Clue]:
    """线索: groups of overlapping collapse findings of at least two factors of one line.

    Analysers that hang on one line (COD and NH3-N, SO2 and NOx) lose their scatter together when
    the sample is not the plant's. Two findings of one factor are one sign, not two.
    """
    falling = sorted(
        (f for f in findings if f.key.rule_id in rule.rules and len(f.hits)),
        key=lambda f: (f.begin, f.finding_id),
    )
    found: list[Clue] = []
    for line in lines:
        factors = line.split("+")
        groups = _overlapping([f for f in falling if f.key.factor in factors], rule.min_overlap_h)
        several = [g for g in groups if len({f.key.factor for f in g}) > 1]
        found.extend(_clue(outlet_id, line, group, rule) for group in several)
    return found


def _overlapping(findings: list[Kept], hours: int) -> list[list[Kept]]:
    """Findings in order of time, grouped where each overlaps an earlier one of its group."""
    groups: list[list[Kept]] = []
    for one in findings:
        home = next((g for g in groups if any(_shared(one, other) >= hours for other in g)), None)
        if home is None:
            groups.append([one])
        else:
            home.append(one)
    return groups


def _shared(a: Kept, b: Kept) -> int:
    """Hours that two findings have in common."""
    return min(a.end, b.end) - max(a.begin, b.begin)


def _clue(outlet_id: str, line: str, group: list[Kept], rule: ClueRule) -> Clue:
    begin = min(f.begin for f in group)
    return Clue(
        clue_id=str(uuid.uuid5(NAMESPACE, f"{outlet_id}|clue|{line}|{group[0].finding_id}")),
        revision=0,
        outlet_id=outlet_id,
        line=line,
        finding_ids=tuple(sorted(f.finding_id for f in group)),
        factors=tuple(sorted({f.key.factor for f in group})),
        pattern=rule.pattern[_leading(group, rule)],
        begin=begin,
        end=max(f.end for f in group),
        open=any(f.open for f in group),
    )


def _leading(group: list[Kept], rule: ClueRule) -> str:
    """The first rule, in the clue rule's order, that two factors share; else the first seen.

    A constant value has no scatter either, so it is named before low variance.
    """
    seen = {r: {f.key.factor for f in group if f.key.rule_id == r} for r in rule.rules}
    shared = [r for r in rule.rules if len(seen[r]) > 1]
    return (shared or [r for r in rule.rules if seen[r]])[0]


def changed_clues(standing: Iterable[Clue], now: Iterable[Clue]) -> list[Clue]:
    """Clues that differ from what stands, with their next revision.

    A clue continues the standing one with which it shares a finding; one whose findings are gone
    closes.
    """
    left = list(standing)
    changed = []
    for clue in now:
        shared = [s for s in left if set(s.finding_ids) & set(clue.finding_ids)]
        before = shared[0] if shared else None
        if before is not None:
            left.remove(before)
        next_one = _continued(before, clue)
        if next_one is not None:
            changed.append(next_one)
    changed.extend(_closed(clue) for clue in left if clue.open)
    return changed


def _continued(before: Clue | None, clue: Clue) -> Clue | None:
    """The next revision, None where nothing changed."""
    old_id = before.clue_id if before else clue.clue_id
    revision = before.revision if before else 0
    same = replace(clue, clue_id=old_id, revision=revision)
    if same == before:
        return None
    return replace(same, revision=revision + 1)


def _closed(clue: Clue) -> Clue:
    return replace(clue, open=False, revision=clue.revision + 1)

"""Judges outlets again and saves what changed, with its events."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from services.detect import store
from services.detect.app.build_block import build_block
from services.detect.app.directory import Knowledge
from services.detect.app.save_evaluations import save_evaluations
from services.detect.app.save_revision import save_revision
from services.detect.domain.judge import EXCEEDANCE, SILENCE, judge
from services.detect.domain.reconcile import Kept
from services.detect.domain.revise import revise_clues, revise_findings
from services.detect.windows.partition_windows import PartitionWindows

#: Outlets judged in one go: bounds the memory of a block (3,024 hours of some ten series each).
GROUP = 64
#: Hours before the judged span in which a finding may lie that an episode of it continues: the
#: longest `merge_within_h` of any rule, and a week.
_MARGIN_H = 240


@dataclass(frozen=True)
class Task:
    """Which outlets to judge, from which hour on."""

    since: Mapping[str, int]
    correlation: Mapping[str, str] = field(default_factory=dict)
    looked_at: Mapping[str, int] = field(default_factory=dict)
    """The present hour, for outlets whose silence is looked at."""


def judge_outlets(session: Session, windows: PartitionWindows, known: Knowledge, task: Task) -> int:
    """Judge, reconcile with what stands, save, record the events; gives the number of changes."""
    return sum(_judge_group(session, windows, known, part) for part in _groups(task))


def _groups(task: Task) -> Iterator[Task]:
    outlets = sorted(task.since)
    for first in range(0, len(outlets), GROUP):
        part = outlets[first : first + GROUP]
        yield Task({o: task.since[o] for o in part}, task.correlation, task.looked_at)


def _judge_group(session: Session, windows: PartitionWindows, known: Knowledge, task: Task) -> int:
    directory, book = known.directory, known.book
    flags_rule = book.versions(EXCEEDANCE)[-1]
    block = build_block(windows, directory, task.since, flags_rule)
    if block is None:
        return 0
    save_evaluations(session, block, known)
    horizon = int(block.since.min()) - _MARGIN_H
    kept = store.kept_since(session, task.since, horizon)
    hits = judge(block, book, _looked_at(task, kept))
    changed = revise_findings(block, book, hits, kept)
    standing = store.clues_since(session, task.since, horizon)
    near = {one.finding_id for one in kept}
    older = {f for clue in standing for f in clue.finding_ids} - near
    if older:
        kept += store.kept_by_id(session, older)
    lines = {
        outlet_id: outlet.lines if outlet else ()
        for outlet_id in task.since
        if (outlet := directory.outlet(outlet_id)) or standing
    }
    revision = revise_clues(book, lines, standing, kept, changed)
    return save_revision(session, block, known, revision, task.correlation)


def _looked_at(task: Task, kept: list[Kept]) -> dict[str, int]:
    """Hours to which silence has been seen: now, or as far as an open finding says.

    A back-fill of older hours must not make an open silence disappear.
    """
    seen = {one.key.outlet_id: one.end for one in kept if one.open and one.key.rule_id == SILENCE}
    return seen | dict(task.looked_at)

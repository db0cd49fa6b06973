"""Judges outlets again and saves what changed, with its events."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from services.detect import judgement_store, judgement_wire, store
from services.detect.app.build_block import build_block
from services.detect.app.knowledge import Knowledge, gather
from services.detect.app.save_evaluations import save_evaluations
from services.detect.app.save_revision import Saying, save_revision
from services.detect.app.stored_readings import StoredReadings
from services.detect.domain.judge import SILENCE, judge
from services.detect.domain.judged import Judged, judge_block
from services.detect.domain.known import Known
from services.detect.domain.reconcile import Kept
from services.detect.domain.revise import horizon, revise_clues, revise_findings
from services.detect.judgement.furnace import FurnaceDay
from services.detect.judgement.periods import day_of
from services.detect.packs.select import find
from services.detect.windows.partition_windows import PartitionWindows

#: Outlets judged in one go: bounds the memory of a block (3,024 hours of some ten series each).
GROUP = 64


@dataclass(frozen=True)
class Task:
    """Which outlets to judge, from which hour on."""

    since: Mapping[str, int]
    correlation: Mapping[str, str] = field(default_factory=dict)
    looked_at: Mapping[str, int] = field(default_factory=dict)
    """The present hour, for outlets whose silence is looked at."""
    stored: StoredReadings | None = None
    """Where values older than the rings are asked for; None = they are not needed."""


def judge_outlets(session: Session, windows: PartitionWindows, known: Knowledge, task: Task) -> int:
    """Judge, reconcile with what stands, save, record the events; gives the number of changes."""
    return sum(_judge_group(session, windows, known, part) for part in _groups(task))


def _groups(task: Task) -> Iterator[Task]:
    outlets = sorted(task.since)
    for first in range(0, len(outlets), GROUP):
        part = outlets[first : first + GROUP]
        yield replace(task, since={o: task.since[o] for o in part})


def _judge_group(
    session: Session, windows: PartitionWindows, knowledge: Knowledge, task: Task
) -> int:
    block = build_block(windows, knowledge.directory, task.since)
    if block is None:
        return 0
    since = int(block.since.min())
    known = _known(session, windows, knowledge, task, since)
    save_evaluations(session, block, knowledge)
    first = horizon(knowledge.book, since)
    kept = store.kept_since(session, task.since, first)
    judged = judge_block(block, known)
    hits = judge(judged, _looked_at(task, kept))
    changed = revise_findings(judged, hits, kept)
    return settle(session, judged, knowledge, kept, changed, saying=Saying(task.correlation))


def settle(
    session: Session,
    judged: Judged,
    knowledge: Knowledge,
    kept: list[Kept],
    changed: list[Kept],
    *,
    saying: Saying,
) -> int:
    """Revise the clues of a block's outlets and save all that changed; gives the number of it.

    `kept` are the findings of the outlets that stand near the judged hours.
    """
    outlets = sorted({key.outlet_id for key in judged.block.keys})
    first = horizon(knowledge.book, int(judged.block.since.min()))
    standing = store.clues_since(session, outlets, first)
    near = {one.finding_id for one in kept}
    older = {f for clue in standing for f in clue.finding_ids} - near
    if older:
        kept = [*kept, *store.kept_by_id(session, older)]
    lines = {
        outlet_id: outlet.lines if outlet else ()
        for outlet_id in outlets
        if (outlet := knowledge.directory.outlet(outlet_id)) or standing
    }
    revision = revise_clues(knowledge.book, lines, standing, kept, changed)
    return save_revision(session, judged, knowledge, revision, saying)


def _known(
    session: Session, windows: PartitionWindows, knowledge: Knowledge, task: Task, since: int
) -> Known:
    """研判依据 of the outlets of a task, with the furnace days that were judged."""
    frozen = judgement_store.frozen_until(session)
    hours = dict.fromkeys(task.since, since)
    gathered = gather(session, windows, knowledge, hours, frozen_until=frozen, stored=task.stored)
    if frozen is None:
        return gathered.known
    furnaces = {
        facts.outlet_id: days
        for facts in gathered.known.facts.values()
        if find(knowledge.timeline.newest.furnaces, facts, "", frozen) is not None
        and (days := _furnace_days(session, facts.outlet_id, day_of(since), frozen))
    }
    return replace(gathered.known, furnaces=furnaces)


def _furnace_days(
    session: Session, outlet_id: str, first: dt.date, last: dt.date
) -> dict[dt.date, FurnaceDay]:
    """炉温日结果 as the judged days of a furnace keep them."""
    found = {}
    for row in judgement_store.days_of(session, outlet_id, first, last):
        message = judgement_wire.day_of_row(row)
        if message.HasField("furnace"):
            found[row.day] = judgement_wire.furnace_day(message.furnace)
    return found


def _looked_at(task: Task, kept: list[Kept]) -> dict[str, int]:
    """Hours to which silence has been seen: now, or as far as an open finding says.

    A back-fill of older hours must not make an open silence disappear.
    """
    seen = {one.key.outlet_id: one.end for one in kept if one.open and one.key.rule_id == SILENCE}
    return seen | dict(task.looked_at)

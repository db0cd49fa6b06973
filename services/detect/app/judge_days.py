"""日研判: judges frozen days of outlets and keeps each as a revision where its inputs are new.

A day is judged on a rectangle of its own that ends with it, so that the same values, marks, limits
and pack give the same bytes whenever it is judged: live, after a restart, or again years later.
"""

import dataclasses
import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.chassis.pb.ingest.v1 import mark_pb2
from services.detect import judgement_wire as wire
from services.detect.app.build_block import Limits, day_block
from services.detect.app.day_amounts import Mass, day_amounts
from services.detect.app.knowledge import Gathered, year_start
from services.detect.domain.block import Block
from services.detect.domain.day_inputs import DaySpan, day_inputs, day_marks, furnace_input
from services.detect.domain.digest import inputs_digest
from services.detect.domain.judged import Judged, judge_block
from services.detect.judgement.furnace import FurnaceMeans, furnace_excuses, judge_furnace
from services.detect.judgement.parameters import FurnaceRule
from services.detect.judgement.periods import first_hour
from services.detect.judgement.pools import pool_uses
from services.detect.packs.select import find
from services.detect.windows.partition_windows import PartitionWindows

#: Days before the one in hand: 突变 looks at the last 24 valid hours, checks reach back a day.
LOOK_BACK_DAYS = 7
HOURS = 24
_NO_BYTES = b""


@dataclass(frozen=True)
class DayTask:
    """Which outlets' day to judge, and from what beside the rings."""

    day: dt.date
    outlets: Sequence[str]
    gathered: Gathered
    limits: Limits
    before: Mapping[str, pb.DayJudgement]
    """The newest revision of the day of each outlet that has one."""
    furnace: Callable[[str, str, dt.date], FurnaceMeans]
    """Five-minute means of an outlet, factor and day that `before` does not have."""
    again: frozenset[str] = frozenset()
    """Outlets of which values came after `before`: its five-minute means are not taken over."""


def judge_day(windows: PartitionWindows, task: DayTask) -> list[pb.DayJudgement]:
    """日研判 of the outlets that have a limit and whose inputs differ from `task.before`.

    Messages are whole but for revision, moments and reason.
    """
    first = first_hour(task.day)
    block = day_block(windows, task.limits, task.outlets, first, LOOK_BACK_DAYS)
    if block is None:
        return []
    judged = judge_block(_with_kept_means(block, task), task.gathered.known)
    if not judged.rows.size:
        return []
    span = DaySpan(first, first - int(judged.hours.start[0]), year_start(first))
    rows_of: dict[str, list[int]] = {}
    for at, row in enumerate(judged.rows.tolist()):
        rows_of.setdefault(block.keys[row].outlet_id, []).append(at)
    mass = day_amounts(windows, task, judged, span.column // HOURS)
    judging = _Judging(task, judged, span, mass)
    found = (judging.outlet(outlet_id, rows) for outlet_id, rows in sorted(rows_of.items()))
    return [one for one in found if one is not None]


class _Judging:
    """One day of some outlets, after the engine."""

    def __init__(self, task: DayTask, judged: Judged, span: DaySpan, mass: Mass) -> None:
        self._task = task
        self._judged = judged
        self._span = span
        self._mass = mass
        self._pack = judged.part_at(span.first).pack

    def outlet(self, outlet_id: str, rows: list[int]) -> pb.DayJudgement | None:
        """The day of one outlet; None where its inputs are those of the revision before."""
        judged, span, task = self._judged, self._span, self._task
        inputs = day_inputs(judged, outlet_id, rows, span, self._mass.substituted_kg)
        furnace = self._furnace(outlet_id)
        if furnace is not None:
            inputs.append(furnace_input(furnace[0].factor, furnace[1]))
        before = task.before.get(outlet_id)
        if before is not None and before.inputs_sha256 == inputs_digest(inputs):
            return None
        message = wire.day_message(judged, outlet_id, span, inputs, task.day)
        for at in sorted(rows, key=lambda at: judged.hours.factors[at]):
            factor = wire.factor_message(judged, at, span)
            factor.amount_kg = float(self._mass.kg[at])
            factor.substituted_kg = float(self._mass.substituted_kg[at])
            message.factors.append(factor)
        self._add_marks(message)
        if furnace is not None:
            self._add_furnace(message, *furnace)
        frozen = task.gathered.known.frozen_until
        message.frozen = frozen is not None and task.day <= frozen
        return message

    def _add_marks(self, message: pb.DayJudgement) -> None:
        """Marks that count on the day, the names of all that were known, and the pools."""
        outlet_id, judged = message.outlet_id, self._judged
        bodies = self._task.gathered.bodies.get(outlet_id, {})
        latest = {name[:2]: bodies[name] for name in sorted(bodies)}
        counted = dict.fromkeys(
            (one.mark_id, one.revision) for one in day_marks(judged, outlet_id, self._span)
        )
        for name in counted:
            message.marks.append(mark_pb2.MarkRecord.FromString(latest.get(name, _NO_BYTES)))
        message.known_marks.extend("/".join(map(str, name)) for name in sorted(bodies))
        checks = self._task.gathered.known.checks.get(outlet_id, ())
        message.known_checks.extend(check.name for check in checks)
        uses = judged.part_at(self._span.first).effects.uses.get(outlet_id, ())
        facts = judged.facts(outlet_id)
        found = pool_uses(uses, self._pack.pools, facts, self._task.day)
        message.pools.extend(wire.pool_messages(found))

    def _furnace(self, outlet_id: str) -> tuple[FurnaceRule, FurnaceMeans] | None:
        """Rule and five-minute means of a furnace, None for everything that is none."""
        facts = self._task.gathered.known.facts.get(outlet_id)
        rule = find(self._pack.furnaces, facts, "", self._task.day) if facts else None
        if rule is None:
            return None
        before = self._task.before.get(outlet_id)
        if before is not None and before.furnace.at_s and outlet_id not in self._task.again:
            return rule, wire.furnace_means(before.furnace)
        return rule, in_order(self._task.furnace(outlet_id, rule.factor, self._task.day))

    def _add_furnace(
        self, message: pb.DayJudgement, rule: FurnaceRule, means: FurnaceMeans
    ) -> None:
        facts = self._judged.facts(message.outlet_id)
        effects = self._judged.part_at(self._span.first).effects
        excuses = furnace_excuses(
            self._judged.marks.get(message.outlet_id, ()),
            facts,
            self._pack,
            effects.uses.get(message.outlet_id, ()),
            rule.factor,
        )
        found = judge_furnace(means, self._task.day, excuses, rule)
        message.furnace.CopyFrom(wire.furnace_message(found, means))


def in_order(means: FurnaceMeans) -> FurnaceMeans:
    """Means by time; of several for one moment the first stays first."""
    order = np.argsort(means.start_s, kind="stable")
    return FurnaceMeans(means.start_s[order], means.degc[order], means.flag[order])


def _with_kept_means(block: Block, task: DayTask) -> Block:
    """Means of shorter values that an earlier revision saw: they leave their ring in two days."""
    kept = np.full(block.value.shape, math.nan)
    for row, key in enumerate(block.keys):
        before = task.before.get(key.outlet_id)
        for factor in before.factors if before is not None else ():
            if factor.factor == key.factor and len(factor.recomputed) == HOURS:
                kept[row, -HOURS:] = factor.recomputed
    return dataclasses.replace(block, recomputed=kept) if task.before else block

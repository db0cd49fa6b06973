"""日排放量 of one day: kilograms measured, and substituted where running hours are missing."""

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from services.detect.app.build_block import day_block
from services.detect.domain.judged import Judged, judge_block
from services.detect.judgement.amounts import amounts
from services.detect.judgement.parameters import AmountRule
from services.detect.judgement.periods import first_hour
from services.detect.kernels.series import Floats, Ints
from services.detect.packs.select import find
from services.detect.windows.partition_windows import PartitionWindows

if TYPE_CHECKING:
    from services.detect.app.judge_days import DayTask

#: Days before the one in hand that substitution looks back on: 2160 valid hours are 90 days
#: (HJ 75-2017), and the ring's 128 days leave four weeks in which a day is judged again alike.
AMOUNT_DAYS = 98


class Mass(NamedTuple):
    """日排放量 by row of a `Judged`, (S,); NaN where the factor has no mass or flow."""

    kg: Floats
    substituted_kg: Floats


def day_amounts(windows: PartitionWindows, task: "DayTask", judged: Judged, day: int) -> Mass:
    """日排放量 of day column `day`.

    Only where running hours are missing the months before are read: most outlets miss none.
    """
    mass = _masses(judged, task.day, day)
    missing = judged.days.valid_hours[:, day] < judged.days.running_hours[:, day]
    again = np.isfinite(mass.kg) & (missing | (mass.substituted_kg > 0.0))
    wanted = sorted({
        judged.block.keys[row].outlet_id for row in judged.rows[again].tolist()
    })  # fmt: skip
    if not wanted:
        return mass
    first = first_hour(task.day)
    block = day_block(windows, task.limits, wanted, first, AMOUNT_DAYS)
    if block is None:
        return mass
    long = judge_block(block, task.gathered.known, back=block.value.shape[1])
    found = _masses(long, task.day, long.hours.days - 1)
    for key, at in long.row_of.items():
        here = judged.row_of[key]
        mass.kg[here], mass.substituted_kg[here] = found.kg[at], found.substituted_kg[at]
    return mass


def _masses(judged: Judged, date: dt.date, day: int) -> Mass:
    """Sums of a day, each row by the rule that its outlet and factor follow."""
    kg = np.full(judged.rows.size, np.nan)
    substituted = np.full(judged.rows.size, np.nan)
    for rule, rows in _by_rule(judged, date):
        found = amounts(judged.hours, judged.result, rule, rows)
        kg[rows], substituted[rows] = found.kg[rows, day], found.substituted_kg[rows, day]
    return Mass(kg, substituted)


def _by_rule(judged: Judged, date: dt.date) -> Iterator[tuple[AmountRule, Ints]]:
    """Rows of each rule that is in force on the day."""
    pack = judged.part_at(first_hour(date)).pack
    rows: dict[str, tuple[AmountRule, list[int]]] = {}
    for at, row in enumerate(judged.rows.tolist()):
        key = judged.block.keys[row]
        rule = find(pack.amounts, judged.facts(key.outlet_id), key.factor, date)
        if rule is not None:
            rows.setdefault(rule.key, (rule, []))[1].append(at)
    for rule, mine in rows.values():
        yield rule, np.array(mine, dtype=np.int64)

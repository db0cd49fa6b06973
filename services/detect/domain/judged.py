"""研判数据: a block of received values as the law reads it, for the rules to look at."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from services.detect.domain.block import Block, Limit
from services.detect.domain.block_hours import hours_of, water_temperature, with_companions
from services.detect.domain.known import Known
from services.detect.domain.series_key import PRESENCE, SeriesKey
from services.detect.domain.standard_checks import StandardCheck, causes, lay_checks
from services.detect.judgement.days import judge_days
from services.detect.judgement.hours import judge_hours
from services.detect.judgement.limits import limit_grid
from services.detect.judgement.marks import MarkEffects, MarkRevision, counting, mark_effects
from services.detect.judgement.model import (
    Codes,
    DayResult,
    HourResult,
    Hours,
    LimitGrid,
    MarkEffect,
)
from services.detect.judgement.parameters import OutletFacts, Row, WarningRule
from services.detect.judgement.periods import day_of, first_hour
from services.detect.judgement.row_rules import RowRules, row_rules
from services.detect.kernels.series import Bools, Floats, Ints
from services.detect.packs.select import select

if TYPE_CHECKING:
    from services.detect.packs.pack import Pack

R = TypeVar("R", bound=Row)
J = TypeVar("J", HourResult, DayResult)


@dataclass(frozen=True)
class Part:
    """The hours [first, end) that one pack, with the same rows in force, judges."""

    first: int
    end: int
    pack: "Pack"
    rules: RowRules
    warnings: tuple[WarningRule, ...]
    """(S,): warning row of each series."""
    applied: tuple[tuple[Limit, ...], ...]
    """(S,): limits of each row, each in its own time (`resolve_limits`)."""
    effects: MarkEffects
    result: HourResult


@dataclass(frozen=True)
class Judged:
    """研判数据 of a block: the rows that have a limit, and those they are read with.

    Columns are hours from `hours.start` on, a Beijing midnight before each row's `block.since`.
    """

    block: Block
    known: Known
    rows: Ints
    """(S,): row of the block of each judged row; oxygen, flow and temperature are among them."""
    hours: Hours
    limits: LimitGrid
    marks: Mapping[str, tuple[MarkRevision, ...]]
    """By outlet: what counts of its marks."""
    parts: tuple[Part, ...]
    """In order of time, without gaps."""

    @cached_property
    def row_of(self) -> dict[SeriesKey, int]:
        """Judged row of each series."""
        return {self.block.keys[row]: at for at, row in enumerate(self.rows.tolist())}

    @cached_property
    def slot(self) -> Ints:
        """(S, T): hour slot of each cell."""
        return self.hours.start[:, None] + np.arange(self.hours.value.shape[1], dtype=np.int64)

    @cached_property
    def result(self) -> HourResult:
        """小时研判 of every hour, each by its own pack."""
        return _joined([part.result for part in self.parts], self._masks)

    @cached_property
    def effect(self) -> Codes:
        """(S, T): `MarkEffect` of every hour, each by its own pack."""
        chosen: Codes = _chosen([part.effects.effect for part in self.parts], self._masks)
        return chosen

    @cached_property
    def days(self) -> DayResult:
        """日研判; computed when a rule asks for it: most batches touch no frozen day."""
        days = [judge_days(self.hours, p.result, p.rules, self.limits) for p in self.parts]
        return _joined(days, self._day_masks)

    @cached_property
    def hourly(self) -> tuple[Floats, Floats]:
        """(S, D) lower and upper bound that hours meet: of what is never averaged, the daily."""
        rules, limits = self.parts[-1].rules, self.limits
        none = np.isnan(limits.hourly_upper) & np.isnan(limits.hourly_lower)
        daily = none & ~rules.are("averaged", value=True)[:, None]
        return (
            np.where(daily, limits.daily_lower, limits.hourly_lower),
            np.where(daily, limits.daily_upper, limits.hourly_upper),
        )

    def failed_checks(
        self, at: int, spans: Sequence[tuple[int, int]]
    ) -> list[tuple[StandardCheck, Ints]]:
        """失效原因 of the hour slots [first, end) of a judged row, as `causes` gives them."""
        key = self.block.keys[int(self.rows[at])]
        mine = [one for one in self.known.checks.get(key.outlet_id, ()) if one.factor == key.factor]
        if not mine:
            return []
        failed = self.slot[at][self.effect[at] == MarkEffect.QC_FAILED]
        inside = [failed[(first <= failed) & (failed < end)] for first, end in spans]
        slots = np.unique(np.concatenate(inside))
        found = []
        for part in self.parts:
            own = slots[(part.first <= slots) & (slots < part.end)]
            tolerance = float(part.rules.numbers("qc_tolerance_share")[at])
            found += causes(mine, own, tolerance)
        return found

    def part_at(self, slot: int) -> Part:
        """The part that judges an hour; the nearest one for an hour before or after all."""
        return next((part for part in self.parts if slot < part.end), self.parts[-1])

    def by_part(self, compute: "Callable[[Part], Floats | Bools]") -> Any:
        """(S, T): what is computed for each part, taken from the part of each hour."""
        return _chosen([compute(part) for part in self.parts], self._masks)

    def facts(self, outlet_id: str) -> OutletFacts:
        """What rules ask of an outlet, whatever its factor."""
        return facts_of(self.known, SeriesKey(outlet_id, PRESENCE))

    @cached_property
    def _masks(self) -> list[Bools]:
        return [(self.slot >= part.first) & (self.slot < part.end) for part in self.parts]

    @cached_property
    def _day_masks(self) -> list[Bools]:
        return [mask[:, ::24] for mask in self._masks]


#: Hours judged ahead of `since`, so that a run of hours that reaches into it is seen whole.
LOOK_BACK = 48


def judge_block(block: Block, known: Known, back: int = 0) -> Judged:
    """研判: what each hour of the block counts as, by the pack of that hour.

    Limits are the block's, each in its own time (`resolve_limits`); marks count as frozen
    (`counting`); hours count by the validity rows of the pack (`judge_hours`). A pure function of
    block and known: any order and repetition in which values, marks, limits and freezes came gives
    the same. Judged are the columns from `LOOK_BACK` before the earliest `since`; or the last
    `back` hours, for what needs a longer time.
    """
    first = _first_column(block, back)
    limited = [row for row, key in enumerate(block.keys) if block.limits.get(key)]
    rows = with_companions(block, np.array(limited, dtype=np.int64))
    keys = [block.keys[row] for row in rows.tolist()]
    spans = _spans(block, known, first)
    validity = [row_rules(_rows(pack.validity, known, keys, begin)) for begin, _, pack in spans]
    hours = hours_of(block, rows, first, validity[-1])
    applied = tuple(block.limits.get(key, ()) for key in keys)
    limits = limit_grid(applied, hours.start, hours.days, water_temperature(hours))
    marks = _counting(block, known)
    parts = []
    for (begin, end, pack), rules in zip(spans, validity, strict=True):
        effects = _effects(keys, hours, marks, known, pack)
        laid = lay_checks(keys, hours.start, effects.effect, known.checks, rules)
        effects = dataclasses.replace(effects, effect=laid)
        result = judge_hours(hours, effects.effect, rules, limits)
        warnings = tuple(_rows(pack.warnings, known, keys, begin))
        parts.append(Part(begin, end, pack, rules, warnings, applied, effects, result))
    return Judged(block, known, rows, hours, limits, marks, tuple(parts))


def facts_of(known: Known, key: SeriesKey) -> OutletFacts:
    """What is known of an outlet; where its medium is not, the factor's code tells it.

    So an outlet that the registry has not told yet is judged by the rows for everybody.
    """
    facts = known.facts.get(key.outlet_id)
    if facts is not None and facts.medium:
        return facts
    medium = "water" if key.factor.startswith("w") else "air"
    if facts is not None:
        return dataclasses.replace(facts, medium=medium)
    return OutletFacts(key.outlet_id, "", "", "", medium, "")


def _first_column(block: Block, back: int) -> int:
    """First judged column: a midnight, as rows begin with one."""
    columns = block.value.shape[1]
    needed = columns - back if back else int((block.since - block.start).min()) - LOOK_BACK
    first: int = min(max(needed - needed % 24, 0), columns - 24)
    return first


def _spans(block: Block, known: Known, first: int) -> "list[tuple[int, int, Pack]]":
    """Hours of one pack and of the same validity rows in force."""
    low = int(block.start.min()) + first
    high = int(block.start.max()) + block.value.shape[1]
    found = []
    for begin, end, pack in known.timeline.intervals(low, high):
        days = {day for row in pack.validity for day in (row.since, row.until) if day}
        cuts = sorted({begin, end, *(h for h in map(first_hour, days) if begin < h < end)})
        found += [(a, b, pack) for a, b in itertools.pairwise(cuts)]
    return found


def _rows(rows: Sequence[R], known: Known, keys: Sequence[SeriesKey], hour: int) -> list[R]:
    """The row of a pack that counts for each series from an hour on."""
    day = day_of(hour)
    return [select(rows, facts_of(known, key), key.factor, day) for key in keys]


def _counting(block: Block, known: Known) -> dict[str, tuple[MarkRevision, ...]]:
    """What counts of the marks of the block's outlets."""
    outlets = {key.outlet_id for key in block.keys} & set(known.marks)
    return {name: counting(known.marks[name], known.frozen_until) for name in sorted(outlets)}


def _effects(
    keys: Sequence[SeriesKey],
    hours: Hours,
    marks: Mapping[str, tuple[MarkRevision, ...]],
    known: Known,
    pack: "Pack",
) -> MarkEffects:
    """标记效力; nothing is laid over the hours of outlets without marks."""
    if not any(marks.values()):
        return MarkEffects(np.full(hours.value.shape, MarkEffect.NONE, dtype=np.uint8), {})
    width = hours.value.shape[1]
    return mark_effects(keys, hours.start, width, marks, known.facts, pack, known.particulate)


def _joined(results: Sequence[J], masks: Sequence[Bools]) -> J:
    """A dataclass of arrays, each cell from the part that it lies in."""
    if len(results) == 1:
        return results[0]
    names = [field.name for field in dataclasses.fields(results[0])]
    return type(results[0])(
        **{name: _chosen([getattr(one, name) for one in results], masks) for name in names}
    )


def _chosen(arrays: Iterable[Any], masks: Sequence[Bools]) -> Any:
    """Cells of each array where its mask holds. An array a row is taken from the last part."""
    whole = None
    for array, mask in zip(arrays, masks, strict=True):
        one_a_cell = whole is not None and array.shape == mask.shape
        whole = np.where(mask, array, whole) if one_a_cell else array
    return whole

"""研判数据: a block of received values as the law reads it, for the rules to look at."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from services.detect.domain.block import JUDGED, Block, Limit
from services.detect.domain.block_hours import hours_of, water_temperature, with_companions
from services.detect.domain.known import Known
from services.detect.domain.series_key import PRESENCE, SeriesKey
from services.detect.judgement.days import judge_days
from services.detect.judgement.hours import judge_hours
from services.detect.judgement.limits import limit_grid, resolve_limits
from services.detect.judgement.marks import MarkEffects, MarkRevision, counting, mark_effects
from services.detect.judgement.model import DayResult, HourResult, Hours, LimitGrid, MarkEffect
from services.detect.judgement.parameters import OutletFacts, Row
from services.detect.judgement.periods import day_of, first_hour
from services.detect.judgement.row_rules import RowRules, row_rules
from services.detect.kernels.series import Bools, Floats, Ints
from services.detect.packs.select import select

if TYPE_CHECKING:
    from services.detect.packs.pack import Pack

R = TypeVar("R", bound=Row)
J = TypeVar("J", HourResult, LimitGrid, DayResult)


@dataclass(frozen=True)
class Part:
    """The hours [first, end) that one pack, with the same rows in force, judges."""

    first: int
    end: int
    pack: "Pack"
    rules: RowRules
    applied: tuple[tuple[Limit, ...], ...]
    """(S,): limits of each row, as `resolve_limits` gave them."""
    effects: MarkEffects
    limits: LimitGrid
    result: HourResult


@dataclass(frozen=True)
class Judged:
    """研判数据 of a block: the rows that have a limit, and those they are read with.

    Columns are hours from `hours.start` on, a Beijing midnight: at least from each row's
    `block.since` and at most `JUDGED` of them.
    """

    block: Block
    known: Known
    rows: Ints
    """(S,): row of the block of each judged row; oxygen, flow and temperature are among them."""
    hours: Hours
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
    def limits(self) -> LimitGrid:
        """排放限值 of every day, each by its own pack."""
        return _joined([part.limits for part in self.parts], self._day_masks)

    @cached_property
    def days(self) -> DayResult:
        """日研判; computed when a rule asks for it: most batches touch no frozen day."""
        days = [judge_days(self.hours, p.result, p.rules, p.limits) for p in self.parts]
        return _joined(days, self._day_masks)

    def part_at(self, slot: int) -> Part:
        """The part that judges an hour; the nearest one for an hour before or after all."""
        return next((part for part in self.parts if slot < part.end), self.parts[-1])

    def by_part(self, compute: "Callable[[Part], Floats | Bools]") -> Any:
        """(S, T): what is computed for each part, taken from the part of each hour."""
        return _chosen([compute(part) for part in self.parts], self._masks)

    def facts(self, outlet_id: str) -> OutletFacts:
        """What rules ask of an outlet; an unknown one fits rows that are meant for everybody."""
        return facts_of(self.known, outlet_id)

    @cached_property
    def _masks(self) -> list[Bools]:
        return [(self.slot >= part.first) & (self.slot < part.end) for part in self.parts]

    @cached_property
    def _day_masks(self) -> list[Bools]:
        return [mask[:, ::24] for mask in self._masks]


def judge_block(block: Block, known: Known, back: int = JUDGED) -> Judged:
    """研判: what each hour of the block counts as, by the pack of that hour.

    Marks count as frozen (`counting`), limits by precedence (`resolve_limits`), hours by the
    validity rows of the pack (`judge_hours`). A pure function of block and known: any order and
    repetition in which values, marks, limits and freezes came gives the same. Judged are the
    columns since the earliest `since`, at most `back` hours from the end.
    """
    first = _first_column(block, back)
    spans = _spans(block, known, first)
    applied = [_applied(block, known, pack) for _, _, pack in spans]
    limited = [row for row in range(len(block.keys)) if any(one[row] for one in applied)]
    rows = with_companions(block, np.array(limited, dtype=np.int64))
    keys = [block.keys[row] for row in rows.tolist()]
    validity = [
        row_rules([_rule(pack.validity, known, key, begin) for key in keys])
        for begin, _, pack in spans
    ]
    hours = hours_of(block, rows, first, validity[-1])
    marks = _counting(block, known)
    parts = []
    for (begin, end, pack), rules, limits in zip(spans, validity, applied, strict=True):
        mine = tuple(limits[row] for row in rows.tolist())
        grid = limit_grid(mine, hours.start, hours.days, water_temperature(hours))
        effects = _effects(keys, hours, marks, known, pack)
        result = judge_hours(hours, effects.effect, rules, grid)
        parts.append(Part(begin, end, pack, rules, mine, effects, grid, result))
    return Judged(block, known, rows, hours, marks, tuple(parts))


def facts_of(known: Known, outlet_id: str) -> OutletFacts:
    """What is known of an outlet, or nothing: then only rows for everybody fit."""
    return known.facts.get(outlet_id) or OutletFacts(outlet_id, "", "", "", "", "")


def _first_column(block: Block, back: int) -> int:
    """First judged column: a midnight, as rows begin with one."""
    columns = block.value.shape[1]
    needed = int((block.since - block.start).min())
    first: int = min(max(needed - needed % 24, columns - back, 0), columns - 24)
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


def _applied(block: Block, known: Known, pack: "Pack") -> list[tuple[Limit, ...]]:
    """Limits that judge each row of the block."""
    return [
        ()
        if key.factor == PRESENCE
        else resolve_limits(
            block.limits.get(key, ()), pack, facts_of(known, key.outlet_id), key.factor
        )
        for key in block.keys
    ]


def _rule(rows: Sequence[R], known: Known, key: SeriesKey, hour: int) -> R:
    """The row of a pack that counts for a series from an hour on."""
    return select(rows, facts_of(known, key.outlet_id), key.factor, day_of(hour))


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

"""研判数据: a block of received values as the law reads it, for the rules to look at."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from services.detect.domain.block import Block, Limit
from services.detect.domain.known import Known
from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.marks import MarkEffects
from services.detect.judgement.model import DayResult, HourResult, Hours, LimitGrid
from services.detect.kernels.series import Ints

if TYPE_CHECKING:
    from services.detect.packs.pack import Pack


@dataclass(frozen=True)
class Judged:
    """研判数据 of a block: the rows that have a limit, and those they are read with.

    Columns are hours from `hours.start` on, a Beijing midnight, at least from each row's
    `block.since` (whole weeks) and at most `JUDGED` of them.
    """

    block: Block
    known: Known
    rows: Ints
    """(S,): row of the block of each judged row; oxygen, flow and temperature are among them."""
    hours: Hours
    effects: MarkEffects
    applied: tuple[tuple[Limit, ...], ...]
    """(S,): limits of each row, as `resolve_limits` gave them in each pack's time."""
    limits: LimitGrid
    result: HourResult
    packs: "tuple[tuple[int, int, Pack], ...]"
    """(first hour, end, pack): which pack judged which hours."""

    @cached_property
    def row_of(self) -> dict[SeriesKey, int]:
        """Judged row of each series."""
        return {self.block.keys[row]: at for at, row in enumerate(self.rows.tolist())}

    @cached_property
    def days(self) -> DayResult:
        """日研判, computed when a rule asks for it: most batches touch no frozen day."""
        raise NotImplementedError


def judge_block(block: Block, known: Known) -> Judged:
    """研判: what each hour of the block counts as, by the pack of that hour.

    Marks count as frozen (`counting`), limits by precedence (`resolve_limits`), hours by the
    validity rows of the pack (`judge_hours`). A pure function of block and known: any order and
    repetition in which values, marks, limits and freezes came gives the same.
    """
    raise NotImplementedError

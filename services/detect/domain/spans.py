"""研判区间: the hours of a row that a rule judges again, and the cells of a mask inside them."""

from collections.abc import Iterator

import numpy as np

from services.detect.domain.block import MINUTE_HOURS, Block
from services.detect.domain.judged import Judged
from services.detect.domain.rule import Rule
from services.detect.domain.rule_ids import REACH, Reach
from services.detect.judgement.periods import day_of, first_hour
from services.detect.kernels.series import Bools, Ints

#: D29 is told of frozen days only, but rests on ten-minute values, which are kept two days.
_NEEDS_MINUTES = frozenset({"hour_mismatch", "minute_over_limit"})


def span_of(judged: Judged, rule_id: str, row: int) -> tuple[int, int] | None:
    """研判区间 [since, until) of a rule for a row of the block, None where it is not looked at.

    Frozen days end at the freeze and not at the newest value: so a day rule raises and closes with
    the freeze, also for an outlet that has sent nothing since.
    """
    block = judged.block
    since, until = int(block.since[row]), int(block.until[row])
    reach = REACH[rule_id]
    if rule_id in _NEEDS_MINUTES:
        since = max(since, minutes_since(block, row))
    if reach in {Reach.HOURS, Reach.MINUTES}:
        return since, until
    frozen = judged.known.frozen_hour
    if not touches_frozen(judged)[row]:
        return None
    if reach is Reach.MONTHS:
        since = first_hour(day_of(since).replace(day=1))
    return since, frozen


def touches_frozen(judged: Judged) -> Bools:
    """Rows of the block of which a frozen day changed, or was frozen just now."""
    block = judged.block
    touched = block.since if block.touched is None else block.touched
    changed: Bools = touched < judged.known.frozen_hour
    return changed


def minutes_since(block: Block, row: int) -> int:
    """First hour whose ten-minute values, and those of the hour before, are all in the block."""
    return int(block.until[row]) - MINUTE_HOURS + 1


def since_of(judged: Judged, rule_id: str) -> Ints:
    """(S,): first hour that a rule judges again in each row; beyond all where it does not."""
    spans = [span_of(judged, rule_id, row) for row in judged.rows.tolist()]
    return np.array([span[0] if span else 2**40 for span in spans], dtype=np.int64)


def cells(judged: Judged, rule: Rule, mask: Bools) -> Iterator[tuple[int, Ints]]:
    """Judged row and columns of the (S, T) cells of a mask that a rule looks at, row by row."""
    some = np.flatnonzero(mask.any(axis=1))
    if not some.size:
        return
    since = since_of(judged, rule.id)
    end = rule.end_hour
    if REACH[rule.id] is Reach.DAYS:
        end = min(end, judged.known.frozen_hour)
    for at in some.tolist():
        slot = judged.slot[at]
        column = np.flatnonzero(
            mask[at] & (slot >= max(int(since[at]), rule.first_hour)) & (slot < end)
        )
        if column.size:
            yield at, column


def day_cells(judged: Judged, rule: Rule, mask: Bools) -> Iterator[tuple[int, Ints]]:
    """Judged row and days (columns of 24 hours) of the (S, D) cells of a mask that are frozen."""
    for at, column in cells(judged, rule, np.repeat(mask, 24, axis=1)):
        yield at, np.unique(column // 24)

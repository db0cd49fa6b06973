"""参考期: for each judged week, the series to judge and the 90 days before it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from services.detect.domain.block import COLUMNS, JUDGED_WEEKS, REFERENCE, WEEK, Block
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.kernels.series import Bools, Floats, Ints, Series
from services.detect.kernels.series_profile import Profile, series_profile

#: Hours of a day that must be valid for the day to count as history.
_HOURS_OF_A_DAY = 12


@dataclass(frozen=True)
class Week:
    """One week of the rows that are judged in it, with what is normal for them."""

    rows: Ints
    start: Ints
    """First hour slot of the week, one a row."""
    column: int
    """Its column in the block, the same in all rows."""
    values: Floats
    """Whole rows of the block, NaN where a cell may not be used."""
    reference: Series
    profile: Profile

    def series(self, before: int) -> Series:
        """The week with `before` hours ahead of it."""
        return Series.of(self.values[:, self.column - before : self.column + WEEK])


class WeekCache:
    """Weeks of a block, made once for rules that ask for the same reference."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._made: dict[str, list[Week]] = {}

    def of(self, rule: Rule) -> list[Week]:
        """The judged weeks of a rule."""
        key = repr([rule.parameters[name] for name in _ASKED])
        if key not in self._made:
            self._made[key] = list(reference_weeks(self._block, rule))
        return self._made[key]


#: Parameters that decide what a reference is.
_ASKED = (
    "judged_flags", "not_factors", "o2_guard_percent", "o2_factor", "flow_factors",
    "min_history_days",
)  # fmt: skip


def reference_weeks(block: Block, rule: Rule) -> Iterator[Week]:
    """参考期: judged weeks with their frozen reference, newest first.

    A frozen reference (90 days before the week) and not a growing one: a fraud that lasts would
    enter its own history. Rows with fewer days of history than the rule asks for are left out: not
    evaluated. Flags, standing plants and smooth factors leave the statistics.
    """
    rows = _supervised(block, rule)
    if not rows.size:
        return
    values = _usable(block, rows, rule)
    for back in range(JUDGED_WEEKS):
        column = COLUMNS - (back + 1) * WEEK
        start = block.start[rows] + column
        wanted = (start + WEEK > block.since[rows]) & (start < block.until[rows])
        week = _week(rows[wanted], start[wanted], values[wanted], column, rule)
        if week is not None:
            yield week


def history_days(block: Block, rule: Rule) -> dict[SeriesKey, int]:
    """研判状态: usable days before the present week of each supervised series.

    Counted as `reference_weeks` does: fewer than `min_history_days` means not evaluated.
    """
    rows = _supervised(block, rule)
    if not rows.size:
        return {}
    present = COLUMNS - WEEK
    reference = _usable(block, rows, rule)[:, present - REFERENCE : present]
    days = _known_days(np.isfinite(reference))
    return {block.keys[row]: int(known) for row, known in zip(rows, days, strict=True)}


def _usable(block: Block, rows: Ints, rule: Rule) -> Floats:
    """Values that may be compared: judged flags, and not while the outlet stands still."""
    usable = block.flagged(str(rule.parameters["judged_flags"]))[rows]
    usable &= ~block.standing_still(
        rows,
        str(rule.parameters["o2_factor"]),
        list(rule.parameters["flow_factors"]),
        rule.number("o2_guard_percent"),
    )
    return np.where(usable, block.value[rows], np.nan)


def _known_days(valid: Bools) -> Ints:
    """Days of each row with enough valid hours to count as history."""
    days = valid.reshape(len(valid), REFERENCE // 24, 24).sum(axis=2)
    known: Ints = (days >= _HOURS_OF_A_DAY).sum(axis=1)
    return known


def _week(rows: Ints, start: Ints, values: Floats, column: int, rule: Rule) -> Week | None:
    """One week of the rows whose history is long enough; None where no row's is."""
    reference = Series.of(values[:, column - REFERENCE : column])
    known = _known_days(reference.valid) >= rule.hours("min_history_days")
    if not known.any():
        return None
    kept = Series(reference.values[known], reference.valid[known])
    return Week(rows[known], start[known], column, values[known], kept, series_profile(kept))


def _supervised(block: Block, rule: Rule) -> Ints:
    """Rows of factors that have a limit, without those the rule leaves out."""
    out = set(rule.parameters["not_factors"])
    rows = [
        row for row, key in enumerate(block.keys) if key.factor not in out and block.limits.get(key)
    ]
    return np.array(rows, dtype=np.int64)

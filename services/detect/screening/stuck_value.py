"""恒值: one value for longer than the series ever kept one at that level."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Floats, Ints, Series
from services.detect.kernels.value_runs import ValueRuns, value_runs
from services.detect.screening.history import LEARN_DAYS, instrument, running
from services.detect.screening.jumps import measured_rows
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign

# A day and a half counts in full; what lasts longer is no stranger for it.
_HALF_DAY_H, _MOST_HALF_DAYS = 12.0, 3.0
_WORSE = 1.25
#: Rows worked on at once: their arrays stay in the processor's cache.
_ROWS = 64


class _Runs(NamedTuple):
    """Runs of one row, oldest first."""

    begin: Ints
    end: Ints
    value: Floats
    cycles: Ints


def stuck_value(panel: Panel, rule: Rule) -> list[Sign]:
    """恒值 (D02): analyses in a row that are equal, against the longest such row of the own past.

    The past is that of the same level: a series at its detection limit repeats itself for days and
    nowhere else. Chance alone is a second bound, from the share of repeats at that level.
    """
    rows, known, runs = measured_rows(panel), instrument(panel), running(panel)
    bridge = panel.cells_of(rule.number("bridge_h"), 0)
    signs: list[Sign] = []
    for first in range(0, len(rows), _ROWS):
        some = rows[first : first + _ROWS]
        series = Series(panel.series.values[some], panel.series.valid[some] & runs[some])
        for at, own, k in _candidates(value_runs(series, known.hold[some], bridge), panel, rule):
            row = int(some[at])
            signs += _signs(panel, rule, own, k, (row, float(known.grid[row])))
    return signs


def needs_days(rule: Rule) -> float:
    """Days of own history: as many as tell grid, cycle and habits of a level."""
    return max(LEARN_DAYS, rule.number("min_history_days"))


def _candidates(found: ValueRuns, panel: Panel, rule: Rule) -> Iterator[tuple[int, _Runs, int]]:
    """Runs long enough to be looked at: row, runs of the row, place among them."""
    shortest = panel.cells_of(rule.number("least_h"))
    long = (found.end - found.begin >= shortest) & (found.cycles >= rule.hours("least_cycles"))
    for k in np.flatnonzero(long):
        first = int(np.searchsorted(found.row, found.row[k]))
        last = int(np.searchsorted(found.row, found.row[k], side="right"))
        part = slice(first, last)
        own = _Runs(found.begin[part], found.end[part], found.value[part], found.cycles[part])
        yield int(found.row[k]), own, int(k) - first


def _signs(
    panel: Panel, rule: Rule, own: _Runs, k: int, of: tuple[int, float]
) -> Iterator[Sign]:  # fmt: skip
    """Signs of one run: as soon as it is too long, and again while it goes on."""
    row, grid = of
    begin, length = int(own.begin[k]), int(own.end[k] - own.begin[k])
    if begin - panel.first[row] < rule.number("min_history_days") * panel.per_day:
        return
    expected = _expected(own, k, grid, rule)
    longest_h = expected * length / own.cycles[k] / panel.per_hour
    hours = np.arange(1, length + 1) / panel.per_hour
    cycles = hours * panel.per_hour * own.cycles[k] / length
    score = np.log2(np.maximum(cycles, 1.0) / expected) * np.sqrt(
        np.minimum(hours / _HALF_DAY_H, _MOST_HALF_DAYS)
    )
    if own.value[k] <= own.value[:k].min(initial=np.inf) + grid / 2:
        score *= rule.number("lowest_weight")
    score[hours < rule.number("least_h")] = -np.inf
    since = int(panel.judged_since()[row])
    for cell in _said(score, rule.number("floor")):
        if begin + cell >= since:
            yield Sign(
                row=row, end=begin + cell + 1, begin=begin, test=rule.id,
                score=float(score[cell]), statistic=float(hours[cell]),
                value=float(own.value[k]), expected=longest_h,
                silent_at=max(longest_h * 2 ** rule.number("floor"), rule.number("least_h")),
            )  # fmt: skip


def _said(score: Floats, floor: float) -> list[int]:
    """Cells at which a growing run is said: at the floor, and whenever it is a quarter worse."""
    with np.errstate(invalid="ignore", divide="ignore"):
        level = np.floor(np.log(score / floor) / np.log(_WORSE))
    before = np.maximum.accumulate(np.append(-1.0, np.where(score >= floor, level, -1.0)))[:-1]
    return [int(cell) for cell in np.flatnonzero((score >= floor) & (level > before))]


def _expected(own: _Runs, k: int, grid: float, rule: Rule) -> float:
    """Longest run, in cycles, that the past and chance explain at the level of run k."""
    value, cycles = own.value[:k], own.cycles[:k]
    wide = abs(float(own.value[k])) * rule.number("level_share") + rule.number("level_steps") * grid
    near = np.abs(value - own.value[k]) <= wide
    if cycles[near].sum() < rule.number("least_level_cycles"):
        near = np.ones(k, dtype=bool)
    alike = cycles[near]
    total = float(alike.sum())
    share = float((alike - 1).sum() + 1) / (total + 2)
    chance = np.log(max(total * (1 - share), 1.0)) / -np.log(share)
    record = float(alike.max(initial=1))
    return max(record, float(chance), rule.number("least_cycles") / 2)

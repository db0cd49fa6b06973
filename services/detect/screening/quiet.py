"""异常安静: what `quiet_signal` and `quiet_part_of_day` share: the score of a window.

A bottle on the sampling line 挂瓶 gives one level with the analyser's own noise about it: the
window moves far less than its level lets expect, and what movement is left has no memory. Honest
calm is smooth, so it loses by the second half what it wins by the first.
"""

from typing import NamedTuple

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.own_line import OwnLine, own_line
from services.detect.kernels.series import Bools, Floats, Ints
from services.detect.kernels.window_scatter import WindowScatter
from services.detect.screening.windows import logs

# Variance of rounding alone, in r^2 / 12: a window that moves hardly more is `stuck_value`'s.
_ROUNDING = 1.5
# Share of equal neighbours that a bottle shows on an analyser too coarse for its noise; a series at
# its detection limit shows more.
_EQUAL = 0.45
# A link of so many deviates says all that a link can: what is beyond is the shape of the tail.
_MOST_LINK = 4.0


class Quiet(NamedTuple):
    """安静程度 of each window, (rows x windows); NaN = not evaluated."""

    score: Floats
    level: Floats
    scatter: Floats
    line: OwnLine
    """Of log scatter against log level."""


class Past(NamedTuple):
    """How windows lie to each other."""

    apart: int
    """Windows from a window back to the last one of its history."""
    overlap: float
    """Windows within one window's span."""
    cells: int
    """Of a window."""


def quiet(seen: WindowScatter, grid: Floats, hold: Ints, past: Past, rule: Rule) -> Quiet:
    """Score: deviates below the own scatter line, plus those by which memory is gone.

    `grid` and `hold` (cells of one analysis) are (rows,). Taken off is what memory the window still
    shows beyond the chance of white noise, for a bottle has none, and equal neighbours beyond what
    a coarse grid makes of a bottle.
    """
    analyses = past.cells / hold
    scatter, step = logs(seen.scatter), logs(seen.step)
    level = logs(np.maximum(np.abs(seen.level), np.maximum(grid, 1e-9)[:, None]))
    line = line_of(scatter, level, past, rule)
    link = line_of(step - scatter, -scatter, past, rule)
    rounding = grid[:, None] ** 2 / 12
    memory = 1 - (seen.step**2 - rounding) / np.maximum(seen.scatter**2 - rounding, 1e-12)
    chance = 1.5 / np.sqrt(np.maximum(analyses, 1.0))[:, None]
    score = (
        -line.z
        + rule.number("link_weight") * np.clip(link.z, 0.0, _MOST_LINK)
        - rule.number("memory_weight") * np.clip(memory - chance, 0.0, 1.0)
        - rule.number("equal_weight") * np.clip(seen.equal - _EQUAL - chance, 0.0, 1.0)
    )
    enough = (analyses >= rule.number("least_analyses")) & (
        past.cells >= rule.number("least_cells")
    )
    told = enough[:, None] & (seen.step**2 > _ROUNDING * rounding)
    return Quiet(np.where(told, score, np.nan), seen.level, seen.scatter, line)


def line_of(y: Floats, x: Floats, past: Past, rule: Rule) -> OwnLine:
    """自身历史线 of a statistic, as the rule says."""
    return own_line(
        y, x, apart=past.apart, overlap=past.overlap,
        least=rule.number("least_windows"), floor=rule.number("least_spread"),
    )  # fmt: skip


def silent_at(line: OwnLine, at: tuple[int, int], short: float) -> float:
    """Scatter at which the score would have been `short` less, all else being equal."""
    z = min(float(line.z[at]) + short, 0.0)
    freedom = float(line.freedom[at])
    t = -np.sqrt(freedom * np.expm1(z * z / freedom))
    return float(np.exp(line.expected[at] + float(line.spread[at]) * t))


def judged(end: Ints, since: Ints, last: Ints) -> Bools:
    """(rows x windows): windows that end with data to judge."""
    inside: Bools = (end[None, :] > since[:, None]) & (end[None, :] <= last[:, None])
    return inside

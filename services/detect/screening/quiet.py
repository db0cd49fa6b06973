"""异常安静: what the screens of scatter share: pieces of rows, and the score of a window.

A bottle on the sampling line 挂瓶 gives one level with the analyser's own noise about it: the
window moves far less than its level lets expect, and what movement is left has no memory. Honest
calm is smooth, so it loses by the second half what it wins by the first.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.block_moments import Moments, block_moments
from services.detect.kernels.own_line import OwnLine, own_line
from services.detect.kernels.series import Bools, Floats, Ints, Series
from services.detect.kernels.window_scatter import WindowScatter
from services.detect.screening.history import Instrument, instrument, running
from services.detect.screening.jumps import measured_rows
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign
from services.detect.screening.windows import logs

#: Rows worked on at once: their arrays stay in the processor's cache.
_ROWS = 64
# Variance of rounding alone, in r^2 / 12: a window that moves hardly more is `stuck_value`'s.
_ROUNDING = 1.5
# Share of equal neighbours that a bottle shows on an analyser too coarse for its noise; a series at
# its detection limit shows more.
_EQUAL = 0.45
# A link of so many deviates says all that a link can: what is beyond is the shape of the tail.
_MOST_LINK = 4.0


class Piece(NamedTuple):
    """Rows of one analyser cycle, summed over blocks, and what is known of their instruments."""

    rows: Ints
    moments: Moments
    block: int
    """Cells of a block."""
    hold: int
    """Cells of one analysis."""
    grid: Floats
    since: Ints
    last: Ints
    flow: Bools
    """(rows,): a flow, which pumps and valves hold at one value and no bottle can."""

    @property
    def blocks(self) -> int:
        """Whole blocks of the panel."""
        return int(self.moments.sums.shape[2]) - 1


class Past(NamedTuple):
    """How windows lie to each other."""

    apart: int
    """Windows from a window back to the last one of its history."""
    overlap: float
    """Windows within one window's span."""
    cells: int
    """Of a window."""
    first: int
    """First window to judge."""


class Quiet(NamedTuple):
    """安静程度 of each window, (rows x windows); NaN = not evaluated."""

    score: Floats
    scatter: Floats
    line: OwnLine
    """Of log scatter against log level."""


def pieces(panel: Panel, block: int) -> Iterator[Piece]:
    """Rows that an analyser measures, some of one cycle at a time; standstill takes no part."""
    rows, known, runs = measured_rows(panel), instrument(panel), running(panel)
    for hold in np.unique(known.hold[rows]):
        alike = rows[known.hold[rows] == hold]
        for at in range(0, len(alike), _ROWS):
            yield _piece(panel, alike[at : at + _ROWS], (known, runs), block)


def _piece(panel: Panel, some: Ints, of: tuple[Instrument, Bools], block: int) -> Piece:
    known, runs = of
    series = Series(panel.series.values[some], panel.series.valid[some] & runs[some])
    hold = int(known.hold[some[0]])
    flow = np.array([panel.roles[row] is Role.FLOW for row in some])
    return Piece(
        some, block_moments(series, hold, block), block, hold, known.grid[some],
        panel.judged_since()[some], panel.end[some], flow,
    )  # fmt: skip


def enough(piece: Piece, cells: int, rule: Rule) -> bool:
    """Whether a window of so many cells holds analyses and cells enough."""
    analyses = cells / piece.hold
    return analyses >= rule.number("least_analyses") and cells >= rule.number("least_cells")


def quiet(seen: WindowScatter, piece: Piece, grid: Floats, past: Past, rule: Rule) -> Quiet:
    """Score: deviates below the own scatter line, plus those by which memory is gone.

    `grid` is that of the rows of `seen`. Taken off is what memory the window still shows beyond the
    chance of white noise, for a bottle has none, and equal neighbours beyond what a coarse grid
    makes of a bottle.
    """
    scatter, step = logs(seen.scatter), logs(seen.step)
    level = logs(np.maximum(np.abs(seen.level), np.maximum(grid, 1e-9)[:, None]))
    line = line_of(scatter, level, past, rule)
    link = line_of(step - scatter, -scatter, past, rule)
    rounding = grid[:, None] ** 2 / 12
    memory = 1 - (seen.step**2 - rounding) / np.maximum(seen.scatter**2 - rounding, 1e-12)
    analyses = past.cells / piece.hold
    chance = 1.5 / np.sqrt(analyses)
    score = (
        -line.z
        - rule.number("few_weight") / past.cells
        + rule.number("link_weight") * np.clip(link.z, 0.0, _MOST_LINK)
        - rule.number("memory_weight") * np.clip(memory - chance, 0.0, 1.0)
        - rule.number("lively_weight") * _lively(seen, grid, rule.number("analyser_noise"))
        - rule.number("equal_weight") * np.clip(seen.equal - _EQUAL - chance, 0.0, 1.0)
    )
    with np.errstate(invalid="ignore"):
        moves = seen.step**2 > _ROUNDING * rounding
    return Quiet(np.where(moves, score, np.nan), seen.scatter, line)


def _lively(seen: WindowScatter, grid: Floats, noise: float) -> Floats:
    """By how much, in logs, a window moves more than a generous analyser does on one sample."""
    most = noise * np.abs(seen.level) + grid[:, None]
    return np.maximum(logs(seen.scatter) - logs(most), 0.0)


def line_of(y: Floats, x: Floats, past: Past, rule: Rule) -> OwnLine:
    """自身历史线 of a statistic, as the rule says."""
    return own_line(
        y, x, apart=past.apart, overlap=past.overlap, first=past.first,
        least=rule.number("least_windows"), floor=rule.number("least_spread"),
    )  # fmt: skip


def less_for_flows(score: Floats, flow: Bools, rule: Rule) -> Floats:
    """The score, lower for a flow."""
    weight = np.where(flow, rule.number("flow_weight"), 1.0)
    return score * weight[:, None]


def quiet_sign(
    rule: Rule, row: int, window: tuple[int, int], found: Quiet, at: tuple[int, int]
) -> Sign:  # fmt: skip
    """The sign of one window, with the scatter that would have silenced it."""
    score = float(found.score[at])
    return Sign(
        row=row, end=window[1], begin=window[0], test=rule.id, score=score, statistic=score,
        value=float(found.scatter[at]), expected=float(np.exp(found.line.expected[at])),
        silent_at=_silent_at(found.line, at, score - rule.number("floor")),
    )  # fmt: skip


def _silent_at(line: OwnLine, at: tuple[int, int], short: float) -> float:
    """Scatter at which the score would have been `short` less, all else being equal."""
    z = min(float(line.z[at]) + short, 0.0)
    freedom = float(line.freedom[at])
    t = -np.sqrt(freedom * np.expm1(z * z / freedom))
    return float(np.exp(line.expected[at] + float(line.spread[at]) * t))


def judged(end: Ints, since: Ints, last: Ints) -> Bools:
    """(rows x windows): windows that end with data to judge."""
    inside: Bools = (end > since[:, None]) & (end <= last[:, None])
    return inside

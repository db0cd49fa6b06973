"""数值修约异常: values that suddenly all lie on a coarser grid than the instrument's own."""

from typing import NamedTuple

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.coarse_grid import CoarseGrid, coarse_grid
from services.detect.kernels.series import Floats, Ints, Series
from services.detect.screening.history import LEARN_DAYS, instrument
from services.detect.screening.jumps import measured_rows
from services.detect.screening.panel import Panel
from services.detect.screening.quiet import judged
from services.detect.screening.sign import Sign
from services.detect.screening.windows import worst

_ROWS = 256
_OVERLAP = 8
#: Hours of the windows; parameters of the rule.
_LENGTHS = ("window_1_h", "window_2_h")


class Tested(NamedTuple):
    """Rows that were tested, and the length of their windows."""

    rows: Ints
    grid: Floats
    cells: int


def rounded_values(panel: Panel, rule: Rule) -> list[Sign]:
    """数值修约异常 (D17): fresh values on a multiple of the own grid, beyond their usual share."""
    rows, grid = measured_rows(panel), instrument(panel).grid
    signs = []
    for at in range(0, len(rows), _ROWS):
        some = rows[at : at + _ROWS]
        series = Series(panel.series.values[some], panel.series.valid[some])
        for name in _LENGTHS:
            cells = panel.cells_of(rule.number(name), _OVERLAP)
            window = cells, cells // _OVERLAP
            guard = round(rule.number("guard_days") * panel.per_day)
            found = coarse_grid(series, grid[some], window, guard,
                                least=rule.hours("least_fresh"))  # fmt: skip
            signs += _signs(panel, rule, found, Tested(some, grid[some], cells))
    return signs


def needs_days(rule: Rule) -> float:
    """Days of own history: what tells the grid, and the guard."""
    return LEARN_DAYS + rule.number("guard_days")


def _signs(panel: Panel, rule: Rule, found: CoarseGrid, of: Tested) -> list[Sign]:
    inside = judged(found.end, panel.judged_since()[of.rows], panel.end[of.rows])
    score = np.where(inside, found.bits, np.nan)
    again = max(1, panel.per_day * _OVERLAP // of.cells)
    return [
        Sign(
            row=int(of.rows[at]), end=int(found.end[k]), begin=int(found.end[k]) - of.cells,
            test=rule.id, score=float(score[at, k]), statistic=float(score[at, k]),
            value=float(found.multiple[at, k] * of.grid[at]), expected=float(of.grid[at]),
            silent_at=float(rule.number("floor")),
        )
        for at, k in worst(score, rule.number("floor"), again)
    ]  # fmt: skip

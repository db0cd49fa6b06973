"""数值修约异常: values that suddenly all lie on a coarser grid than the instrument's own."""

from typing import NamedTuple

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.coarse_step import BESIDE, CoarseStep, coarse_step
from services.detect.kernels.series import Floats, Ints, Series
from services.detect.screening.history import LEARN_DAYS, instrument
from services.detect.screening.jumps import measured_rows
from services.detect.screening.panel import Panel
from services.detect.screening.quiet import judged
from services.detect.screening.sign import Sign
from services.detect.screening.windows import worst

_ROWS = 128
_OVERLAP = 4
#: Hours of the windows; parameters of the rule.
_LENGTHS = ("window_1_h", "window_2_h")


class _Piece(NamedTuple):
    """Rows that are tested together."""

    rows: Ints
    series: Series
    grid: Floats


def rounded_values(panel: Panel, rule: Rule) -> list[Sign]:
    """数值修约异常 (D17): moves that are multiples of one coarse step, which they never were.

    The step is read from the window itself: after a change of unit no decimal step can be presumed.
    """
    rows, grid = measured_rows(panel), instrument(panel).grid
    signs = []
    for at in range(0, len(rows), _ROWS):
        some = rows[at : at + _ROWS]
        series = Series(panel.series.values[some], panel.series.valid[some])
        for name in _LENGTHS:
            cells = panel.cells_of(rule.number(name), _OVERLAP)
            signs += _of_length(panel, rule, _Piece(some, series, grid[some]), cells)
    return signs


def needs_days(rule: Rule) -> float:
    """Days of own history: what tells the grid, and the guard."""
    return LEARN_DAYS + rule.number("guard_days")


def _of_length(panel: Panel, rule: Rule, piece: _Piece, cells: int) -> list[Sign]:
    """Signs of the windows of one length."""
    every = cells // _OVERLAP
    since = panel.judged_since()[piece.rows]
    found = coarse_step(piece.series, piece.grid, cells, every, since=int(since.min()))
    guard = round(rule.number("guard_days") * panel.per_day)
    inside = judged(found.end[None, :], since, panel.end[piece.rows])
    bits, usual = _bits(piece, np.where(inside, found.share, np.nan), found, rule, cells + guard)
    return [
        Sign(
            row=int(piece.rows[at]), end=int(found.end[k]), begin=int(found.end[k]) - cells,
            test=rule.id, score=float(bits[at, k]), statistic=float(bits[at, k]),
            value=float(found.step[at, k]), expected=float(piece.grid[at]),
            silent_at=max(float(np.ceil(rule.number("floor") / -np.log2(usual[at, k]))),
                          rule.number("least_moves")),
        )
        for at, k in worst(bits, rule.number("floor"), max(1, panel.per_day // every))
    ]  # fmt: skip


def _bits(
    piece: _Piece, share: Floats, found: CoarseStep, rule: Rule, back: int
) -> tuple[Floats, Floats]:
    """Information in the moves of each window, and the usual share of such moves."""
    bits, usual = (np.full(share.shape, np.nan) for _ in range(2))
    with np.errstate(invalid="ignore"):
        coarse = found.step >= rule.number("least_ratio") * piece.grid[:, None]
        odd = coarse & (share >= rule.number("share")) & (found.moves >= rule.number("least_moves"))
    for at, k in np.argwhere(odd):
        before = slice(0, max(int(found.end[k]) - back, 0))
        past = piece.series.values[at, before][piece.series.valid[at, before]]
        moves = np.abs(np.diff(past))
        moves = moves[moves > piece.grid[at] / 2]
        if len(moves) >= rule.number("least_past"):
            step = found.step[at, k]
            apart = np.abs(moves - np.round(moves / step) * step)
            on = float((apart <= BESIDE * piece.grid[at]).sum())
            usual[at, k] = (on + 1) / (len(moves) + 2)
            bits[at, k] = -np.log2(usual[at, k]) * found.moves[at, k]
    return bits, usual

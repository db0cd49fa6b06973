"""全天异常安静: whole windows of a day to some days that move far less than the series ever did."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Ints
from services.detect.kernels.window_scatter import WindowScatter, window_scatter
from services.detect.screening.history import LEARN_DAYS
from services.detect.screening.panel import Panel
from services.detect.screening.quiet import (
    Past,
    Piece,
    enough,
    judged,
    less_for_flows,
    pieces,
    quiet,
    quiet_sign,
)
from services.detect.screening.sign import Sign
from services.detect.screening.windows import worst

#: Hours of the windows; parameters of the rule.
LENGTHS = ("window_1_h", "window_2_h", "window_3_h", "window_4_h")
#: Windows within a window's length.
_OVERLAP = 8


def quiet_signal(panel: Panel, rule: Rule) -> list[Sign]:
    """全天异常安静 (D01): scatter far below the own level line, and what moves has no memory.

    Windows of several lengths (longer ones for series of few values a day), each against all
    earlier windows of its own length. Cells in which the plant stands still take no part.
    """
    signs = []
    for piece in pieces(panel, panel.cells_of(1)):
        for name in LENGTHS:
            signs += _of_length(panel, piece, rule.number(name), rule)
    return signs


def needs_days(rule: Rule) -> float:
    """Days of own history: some independent windows of the shortest length, and their guard."""
    windows = rule.number("least_windows") + rule.number("guard_windows")
    return max(LEARN_DAYS, windows * rule.number(LENGTHS[0]) / 24)


def windows_of(
    panel: Panel, piece: Piece, hours: float, rule: Rule
) -> tuple[WindowScatter, Ints, Past] | None:
    """Scatter of the windows of one length, where they end, and their past; None = too short."""
    size = panel.cells_of(hours * _stretch(panel, rule)) // piece.block
    cells, every = size * piece.block, max(1, size // _OVERLAP)
    end = np.arange(-(-size // every) * every, piece.blocks + 1, every, dtype=np.int64)
    if not enough(piece, cells, rule) or not len(end):
        return None
    sums = piece.moments.of(end - size, end, piece.hold // piece.block)
    seen = window_scatter(sums, piece.grid, cells, cells - piece.hold)
    overlap = size / every
    apart = round(rule.number("guard_windows") * overlap)
    first = int(np.searchsorted(end * piece.block, piece.since.min(), side="right"))
    return seen, end * piece.block, Past(apart, overlap, cells, min(first, len(end)))


def _stretch(panel: Panel, rule: Rule) -> float:
    """How much longer windows are where an interval of hours or a day leaves them too few cells."""
    least_h = rule.number("least_cells") / panel.per_hour
    return max(1.0, least_h / rule.number("window_2_h"))


def _of_length(panel: Panel, piece: Piece, hours: float, rule: Rule) -> list[Sign]:
    """Signs of the windows of one length."""
    windows = windows_of(panel, piece, hours, rule)
    if windows is None:
        return []
    seen, end, past = windows
    found = quiet(seen, piece, piece.grid, past, rule)
    found = found._replace(score=less_for_flows(found.score, piece.flow, rule))
    score = np.where(judged(end[None, :], piece.since, piece.last), found.score, np.nan)
    return [
        quiet_sign(rule, int(piece.rows[at]), (int(end[k]) - past.cells, int(end[k])), found,
                   (at, k))
        for at, k in worst(score, rule.number("floor"), round(24 / hours * past.overlap) or 1)
    ]  # fmt: skip

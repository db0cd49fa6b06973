"""全天异常安静: whole windows of a day to some days that move far less than the series ever did."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Bools, Ints, Series
from services.detect.kernels.window_scatter import window_scatter
from services.detect.screening.history import LEARN_DAYS, Instrument, instrument, running
from services.detect.screening.jumps import measured_rows
from services.detect.screening.panel import Panel
from services.detect.screening.quiet import Past, Quiet, judged, quiet, silent_at
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign
from services.detect.screening.windows import worst

#: Hours of the windows; parameters of the rule.
LENGTHS = ("window_1_h", "window_2_h", "window_3_h", "window_4_h")
#: Windows within a window's length.
_OVERLAP = 8
#: Rows worked on at once: their arrays stay in the processor's cache.
_ROWS = 128


class Piece(NamedTuple):
    """Rows of one analyser cycle, and what is known of their instruments."""

    rows: Ints
    series: Series
    known: Instrument
    since: Ints
    last: Ints
    flow: Bools
    """(rows,): a flow, which pumps and valves hold at one value and no bottle can."""


def quiet_signal(panel: Panel, rule: Rule) -> list[Sign]:
    """全天异常安静 (D01): scatter far below the own level line, and what moves has no memory.

    Windows of several lengths, each against all earlier windows of its own length. Cells in which
    the plant stands still take no part.
    """
    signs = []
    for piece in pieces(panel):
        for name in LENGTHS:
            signs += _of_length(panel, piece, panel.cells_of(rule.number(name), 4), rule)
    return signs


def needs_days(rule: Rule) -> float:
    """Days of own history: some independent windows of the shortest length, and their guard."""
    windows = rule.number("least_windows") + rule.number("guard_windows")
    return max(LEARN_DAYS, windows * rule.number(LENGTHS[0]) / 24)


def pieces(panel: Panel) -> Iterator[Piece]:
    """Rows that an analyser measures, some of one cycle at a time."""
    rows, known, runs = measured_rows(panel), instrument(panel), running(panel)
    for hold in np.unique(known.hold[rows]):
        alike = rows[known.hold[rows] == hold]
        for at in range(0, len(alike), _ROWS):
            yield _piece(panel, alike[at : at + _ROWS], known, runs)


def _piece(panel: Panel, some: Ints, known: Instrument, runs: Bools) -> Piece:
    series = Series(panel.series.values[some], panel.series.valid[some] & runs[some])
    own = Instrument(known.grid[some], known.hold[some])
    flow = np.array([panel.roles[row] is Role.FLOW for row in some])
    return Piece(some, series, own, panel.judged_since()[some], panel.end[some], flow)


def _of_length(panel: Panel, piece: Piece, cells: int, rule: Rule) -> list[Sign]:
    """Signs of the windows of one length."""
    hold, every = int(piece.known.hold[0]), max(1, cells // _OVERLAP)
    seen = window_scatter(piece.series, piece.known.grid, hold, cells, every)
    past = Past(round(rule.number("guard_windows") * cells / every), cells / every, cells)
    found = weighed(quiet(seen, piece.known.grid, piece.known.hold, past, rule), piece, rule)
    score = np.where(judged(seen.end, piece.since, piece.last), found.score, np.nan)
    again = max(1, panel.per_day // every)
    return [
        sign_of(rule, int(piece.rows[at]), (int(seen.end[k]) - cells, int(seen.end[k])), found,
                (at, k))
        for at, k in worst(score, rule.number("floor"), again)
    ]  # fmt: skip


def weighed(found: Quiet, piece: Piece, rule: Rule) -> Quiet:
    """Less of a score for a flow."""
    weight = np.where(piece.flow, rule.number("flow_weight"), 1.0)
    return found._replace(score=found.score * weight[:, None])


def sign_of(
    rule: Rule, row: int, window: tuple[int, int], found: Quiet, at: tuple[int, int]
) -> Sign:  # fmt: skip
    """The sign of one window, with the scatter that would have silenced it."""
    score = float(found.score[at])
    return Sign(
        row=row, end=window[1], begin=window[0], test=rule.id, score=score, statistic=score,
        value=float(found.scatter[at]), expected=float(np.exp(found.line.expected[at])),
        silent_at=silent_at(found.line, at, score - rule.number("floor")),
    )  # fmt: skip

"""陡增: a level that rises within an hour or two and stays for hours."""

from typing import NamedTuple

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Floats
from services.detect.kernels.sharp_edge import sharp_edge
from services.detect.kernels.sliding_extreme import sliding_extreme
from services.detect.kernels.tail_score import Tail
from services.detect.screening.jumps import (
    Piece,
    excess,
    history_needed,
    measured_rows,
    own_tail,
    pieces,
    pulse,
)
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign
from services.detect.screening.windows import worst

needs_days = history_needed


def steep_rise(panel: Panel, rule: Rule) -> list[Sign]:
    """陡增: an edge between two plateaus of hours, against the own tail; again when it falls back.

    Scores are -log10 of a tail chance. A rise is said when its plateau has lasted; the end of a
    block (rise, plateau, fall) is rarer than its rise, and adds a share of the rise's own score.
    """
    signs = []
    for piece in pieces(panel, measured_rows(panel)):
        rise, block = _heights(panel, piece, rule)
        first, whole = own_tail(panel, rule, rise), own_tail(panel, rule, block)
        score = _joined(first.score, whole.score, panel, rule)
        since = panel.judged_since()[piece.rows]
        for at, cell in worst(score, rule.number("floor"), panel.per_day):
            if cell >= since[at]:
                ended_now = not first.score[at, cell] >= score[at, cell]
                begin = _begin(panel, rule, first.score[at], cell) if ended_now else cell
                signs.append(
                    _sign(panel, rule, piece, first, Found(at, begin, cell, score[at, cell]))
                )
    return signs


class Found(NamedTuple):
    """A rise as it was scored."""

    at: int
    rise: int
    """Cell at which the rise's plateau had lasted."""
    cell: int
    """Cell that told it: the same, or the fall at the end of the block."""
    score: float


def _begin(panel: Panel, rule: Rule, scores: Floats, cell: int) -> int:
    """Cell of the best scored rise before the fall."""
    first = max(0, cell - panel.cells_of(rule.number("longest_h") + rule.number("plateau_h")))
    return first + int(np.argmax(np.nan_to_num(scores[first : cell + 1])))


def _heights(panel: Panel, piece: Piece, rule: Rule) -> tuple[Floats, Floats]:
    """Height of rises within an hour that lasted, and lower edge of blocks that ended.

    A block goes up within two hours and falls within one cell.
    """
    hour, plateau = panel.cells_of(1), panel.cells_of(rule.number("plateau_h"))
    rise = sharp_edge(piece.series, piece.usual, plateau=plateau, up={1, hour}).up
    ends = sharp_edge(
        piece.series, piece.usual, plateau=hour, up={hour, panel.cells_of(2)}, down={1}
    )
    longest = max(plateau, panel.cells_of(rule.number("longest_h")))
    return excess(rise), pulse(ends.up, ends.down, plateau, longest)


def _joined(rise: Floats, block: Floats, panel: Panel, rule: Rule) -> Floats:
    """Score of each cell: of the rise, or of the block with a share of its rise."""
    window = panel.cells_of(rule.number("longest_h") + rule.number("plateau_h"))
    recent = sliding_extreme(np.nan_to_num(rise, nan=0.0), window)
    found: Floats = np.fmax(rise, block + rule.number("joined_share") * recent)
    return found


def _sign(panel: Panel, rule: Rule, piece: Piece, first: Tail, found: Found) -> Sign:
    plateau = panel.cells_of(rule.number("plateau_h"))
    x = piece.series.masked[found.at]
    begin = max(1, found.rise + 1 - plateau)
    before, inside = x[max(0, begin - 2 * plateau) : begin - 1], x[begin : found.cell + 1]
    base = float(np.nanmax(before)) if np.isfinite(before).any() else np.nan
    value = float(np.nanmedian(inside)) if np.isfinite(inside).any() else np.nan
    allowed = first.value_at(found.at, found.rise, rule.number("floor"))
    usual = float(piece.usual[found.at, found.cell])
    return Sign(
        row=int(piece.rows[found.at]), end=found.cell + 1, begin=begin, test=rule.id,
        score=float(found.score), statistic=float(found.score), value=value,
        expected=base, silent_at=base + allowed * float(np.sqrt(max(base, usual / 5))),
        variant="rise" if found.rise == found.cell else "block",
    )  # fmt: skip

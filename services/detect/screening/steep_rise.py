"""陡增: a level that rises within an hour or two and stays for hours."""

from typing import NamedTuple

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Floats
from services.detect.kernels.sharp_edge import Edges, sharp_edge
from services.detect.kernels.sliding_extreme import sliding_extreme
from services.detect.kernels.tail_score import Tail
from services.detect.screening.jumps import Piece, measured_rows, own_tail, pieces, pulse
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign
from services.detect.screening.windows import worst


def needs_days(rule: Rule) -> float:
    """Days of own history that the tail is learnt from."""
    return rule.number("min_history_days")


def steep_rise(panel: Panel, rule: Rule) -> list[Sign]:
    """陡增: an edge between two plateaus of hours, against the own tail; again when it falls back.

    Scores are -log10 of a tail chance. A rise is said when its plateau has lasted; the end of a
    block (rise, plateau, fall) is rarer than its rise, and adds a share of the rise's own score.
    """
    signs = []
    for piece in pieces(panel, measured_rows(panel), rule.hours("refit_days")):
        rise = _rise(panel, piece, rule)
        height = np.where(np.isnan(rise), np.nan, np.maximum(rise, 0.0))
        first, block = (
            own_tail(panel, rule, height),
            own_tail(panel, rule, _block(panel, piece, rule)),
        )
        recent = sliding_extreme(first.score, panel.cells_of(rule.number("longest_h") + 4))
        ended = block.score + rule.number("joined_share") * np.fmax(recent, 0.0)
        score = np.fmax(first.score, np.where(np.isnan(recent), block.score, ended))
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
    first = max(0, cell - panel.cells_of(rule.number("longest_h") + 4))
    return first + int(np.argmax(np.nan_to_num(scores[first : cell + 1])))


def _rise(panel: Panel, piece: Piece, rule: Rule) -> Floats:
    """Highest of the edges that took one cell or an hour."""
    plateau = panel.cells_of(rule.number("plateau_h"))
    gaps = {1, panel.cells_of(1)}
    edges = [sharp_edge(piece.series, piece.usual, plateau=plateau, gap=gap) for gap in gaps]
    return _highest(edges)


def _block(panel: Panel, piece: Piece, rule: Rule) -> Floats:
    """Lower edge of a block of some hours: up within two hours, down within one cell."""
    hour = panel.cells_of(1)
    ups = [
        sharp_edge(piece.series, piece.usual, plateau=hour, gap=gap)
        for gap in {hour, panel.cells_of(2)}
    ]
    down = sharp_edge(piece.series, piece.usual, plateau=hour).down
    shortest = panel.cells_of(rule.number("plateau_h"))
    longest = max(shortest, panel.cells_of(rule.number("longest_h")))
    return pulse(_highest(ups), down, shortest, longest)


def _highest(edges: list[Edges]) -> Floats:
    found = edges[0].up
    for edge in edges[1:]:
        found = np.fmax(found, edge.up)
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

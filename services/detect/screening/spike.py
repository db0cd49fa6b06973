"""尖峰: a value that jumps up and straight back, beyond what the own past did."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Floats
from services.detect.kernels.sharp_edge import sharp_edge
from services.detect.kernels.tail_score import Tail
from services.detect.screening.jumps import (
    Piece,
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


def spike(panel: Panel, rule: Rule) -> list[Sign]:
    """尖峰: both edges of a short pulse within one cell each, lower edge against the own tail.

    Honest peaks grow and fade over several cells; an edge on either side within one cell is of an
    instrument or of a hand. A spike alone is a lead and never evidence: minute values of the same
    hour, a mark or a calibration record tell which it was.
    """
    signs = []
    longest = panel.cells_of(rule.number("longest_h"))
    for piece in pieces(panel, measured_rows(panel)):
        edges = sharp_edge(piece.series, piece.usual, plateau=1, up=[1], down=[1])
        height = pulse(edges.up, edges.down, 1, longest)
        tail = own_tail(panel, rule, height)
        since = panel.judged_since()[piece.rows]
        for at, cell in worst(tail.score, rule.number("floor"), panel.per_day):
            if cell >= since[at]:
                begin = _begin(edges.up[at], cell, longest)
                signs.append(_sign(piece, (at, begin, cell), tail, rule))
    return signs


def _begin(up: Floats, cell: int, longest: int) -> int:
    """Cell of the steepest rise before the fall."""
    first = max(0, cell - longest)
    return first + int(np.argmax(up[first:cell]))


def _sign(piece: Piece, found: tuple[int, int, int], tail: Tail, rule: Rule) -> Sign:
    at, begin, cell = found
    x = piece.series.masked[at]
    base = float(x[begin - 1])
    score = float(tail.score[at, cell])
    usual = float(piece.usual[at, cell])
    allowed = tail.value_at(at, cell, rule.number("floor")) * np.sqrt(max(base, usual / 5))
    return Sign(
        row=int(piece.rows[at]), end=cell + 1, begin=begin, test=rule.id,
        score=score, statistic=score, value=float(np.nanmax(x[begin:cell])),
        expected=base, silent_at=base + allowed,
    )  # fmt: skip

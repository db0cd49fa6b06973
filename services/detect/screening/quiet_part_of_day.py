"""分时段异常安静: the same hours of some days in a row move far less than these hours ever did."""

from typing import NamedTuple

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.block_moments import Moments
from services.detect.kernels.series import Floats, Ints
from services.detect.kernels.window_scatter import window_scatter
from services.detect.screening.history import LEARN_DAYS
from services.detect.screening.panel import Panel
from services.detect.screening.quiet import (
    Past,
    Piece,
    Quiet,
    enough,
    judged,
    less_for_flows,
    line_of,
    pieces,
    quiet,
    quiet_sign,
)
from services.detect.screening.sign import Sign
from services.detect.screening.windows import logs, worst

#: Days that a window joins; parameters of the rule.
LENGTHS = ("days_1", "days_2", "days_3", "days_4")


class _Parts(NamedTuple):
    """All parts of the day of all days: one row a series and start, one column a day."""

    part: Moments
    rest: Moments
    """The hours from a part to the same part of the next day."""
    begin: Ints
    """(starts x days): first cell of each part."""
    cells: int
    """Of a part."""
    rest_cells: int
    starts: int


def quiet_part_of_day(panel: Panel, rule: Rule) -> list[Sign]:
    """分时段异常安静 (D01): hours of several days joined, against the same hours before.

    A bottle that is hung up every night gives the same level night for night, which weather and
    plant never do; the other hours of the same days go on as ever. So the joined hours are judged
    twice: against their own scatter line, and against what the rest of these days moved.
    """
    block = panel.cells_of(rule.number("start_every_h"))
    part = panel.cells_of(rule.number("part_h")) // block
    if panel.per_day % block or panel.per_day < 2 * part * block or panel.cells < panel.per_day:
        return []
    signs = []
    for piece in pieces(panel, block):
        parts = _parts(piece, panel.per_day // block, part)
        for name in LENGTHS:
            if enough(piece, parts.cells * rule.hours(name), rule):
                signs += _of_days(panel, piece, parts, (rule.hours(name), rule))
    return signs


def needs_days(rule: Rule) -> float:
    """Days of own history: some independent windows of the shortest length, and their guard."""
    least = (1 + rule.number("least_windows")) * rule.number(LENGTHS[0])
    return max(LEARN_DAYS, least + rule.number("guard_days"))


def _parts(piece: Piece, a_day: int, part: int) -> _Parts:
    """Sums over each part, and over the hours that follow it; `a_day` and `part` in blocks."""
    days = -(-piece.blocks // a_day)
    begin = np.arange(days, dtype=np.int64)[None, :] * a_day + np.arange(a_day)[:, None]
    skip, edge = piece.hold // piece.block, piece.blocks

    def of(first: Ints, last: Ints) -> Moments:
        begins, ends = np.minimum(first, edge).ravel(), np.minimum(last, edge).ravel()
        sums = piece.moments.of(begins, ends, skip).sums
        return Moments(
            np.ascontiguousarray(sums.reshape(6, -1, days)),
            np.repeat(piece.moments.centre, a_day),
        )

    return _Parts(
        of(begin, begin + part), of(begin + part, begin + a_day), begin * piece.block,
        part * piece.block, (a_day - part) * piece.block, a_day,
    )  # fmt: skip


def _joined(moments: Moments, days: int) -> Moments:
    """Sums over so many days in a row, one window a day."""
    running = np.cumsum(moments.sums, axis=2)
    joined = running[:, :, days - 1 :].copy()
    joined[:, :, 1:] -= running[:, :, :-days]
    return Moments(joined, moments.centre)


def _of_days(
    panel: Panel, piece: Piece, parts: _Parts, of: tuple[int, Rule]
) -> list[Sign]:  # fmt: skip
    """Signs of the windows that join so many days."""
    days, rule = of
    if parts.part.sums.shape[2] < days:
        return []
    first = max(0, int(piece.since.min()) // panel.per_day - days)
    past = Past(days + rule.hours("guard_days"), float(days), parts.cells * days, first)
    found = _scored(piece, parts, past, rule)
    begin = np.tile(parts.begin, (len(piece.rows), 1))
    end = begin[:, days - 1 :] + parts.cells
    since, last = (np.repeat(a, parts.starts) for a in (piece.since, piece.last))
    score = np.where(judged(end, since, last), found.score, np.nan)
    return [
        quiet_sign(rule, int(piece.rows[at // parts.starts]),
                   (int(begin[at, k]), int(end[at, k])), found, (at, k))
        for at, k in worst(score, rule.number("floor"), 1)
    ]  # fmt: skip


def _scored(piece: Piece, parts: _Parts, past: Past, rule: Rule) -> Quiet:
    """Score of the joined hours, averaged with how quiet they are beside the hours between."""
    days, grid = round(past.overlap), np.repeat(piece.grid, parts.starts)
    pairs = max(parts.cells - piece.hold, 1)
    seen = window_scatter(_joined(parts.part, days), grid, past.cells, days * pairs)
    found = quiet(seen, piece, grid, past, rule)
    with np.errstate(invalid="ignore"):
        score = np.where(found.score >= rule.number("floor"), found.score, np.nan)
    odd = np.flatnonzero(np.isfinite(score).any(axis=1))
    beside = _beside_rest(logs(found.scatter[odd]), parts, (odd, grid[odd]), (past, rule))
    score[odd] = _average(score[odd], beside, rule.number("rest_weight"))
    flow = np.repeat(piece.flow, parts.starts)
    return found._replace(score=less_for_flows(score, flow, rule))


def _beside_rest(
    scatter: Floats, parts: _Parts, of: tuple[Ints, Floats], by: tuple[Past, Rule]
) -> Floats:  # fmt: skip
    """How far the scatter of some rows lies below what the hours between let expect."""
    (odd, grid), days = of, round(by[0].overlap)
    rest = Moments(parts.rest.sums[:, odd], parts.rest.centre[odd])
    hours = window_scatter(_joined(rest, days), grid, parts.rest_cells * days, 0).scatter
    # What follows the last day's part is not known yet when the part ends: one day earlier.
    known = np.full_like(hours, np.nan)
    known[:, 1:] = logs(hours[:, :-1])
    return -line_of(scatter, known, *by).z


def _average(score: Floats, other: Floats, weight: float) -> Floats:
    """Weighted mean, the score alone where the other is not known."""
    both = (1 - weight) * score + weight * other
    return np.where(np.isnan(other), score, both)

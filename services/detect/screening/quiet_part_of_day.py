"""分时段异常安静: the same hours of some days in a row move far less than these hours ever did."""

from typing import NamedTuple

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Floats, Ints, Series
from services.detect.kernels.window_scatter import window_scatter
from services.detect.screening.history import LEARN_DAYS
from services.detect.screening.panel import Panel
from services.detect.screening.quiet import Past, Quiet, judged, line_of, quiet
from services.detect.screening.quiet_signal import Piece, pieces, sign_of, weighed
from services.detect.screening.sign import Sign
from services.detect.screening.windows import logs, worst

#: Days that a window joins; parameters of the rule.
LENGTHS = ("days_1", "days_2", "days_3", "days_4")


class _Parts(NamedTuple):
    """One part of the day of all days, one after the other, and the hours between."""

    part: Series
    rest: Series
    cells: int
    """Of the part in a day."""
    rest_cells: int
    end: Ints
    """(days,): cell of the panel after each day's part."""


def quiet_part_of_day(panel: Panel, rule: Rule) -> list[Sign]:
    """分时段异常安静 (D01): hours of several days joined, against the same hours before.

    A bottle that is hung up every night gives the same level night for night, which weather and
    plant never do; the other hours of the same days go on as ever. So the joined hours are judged
    twice: against their own scatter line, and against what the rest of these days moved.
    """
    length = panel.cells_of(rule.number("part_h"))
    if panel.per_day < 2 * length or panel.cells < panel.per_day:
        return []
    signs = []
    for piece in pieces(panel):
        for start in range(0, panel.per_day, panel.cells_of(rule.number("start_every_h"))):
            parts = _parts(piece.series, panel.per_day, start, length)
            for name in LENGTHS:
                signs += _of_days(piece, parts, rule.hours(name), rule)
    return signs


def needs_days(rule: Rule) -> float:
    """Days of own history: some independent windows of the shortest length, and their guard."""
    least = (1 + rule.number("least_windows")) * rule.number(LENGTHS[0])
    return max(LEARN_DAYS, least + rule.number("guard_days"))


def _parts(series: Series, per_day: int, start: int, length: int) -> _Parts:
    rows, cells = series.values.shape
    days = max(0, (cells - start - length) // per_day + 1)
    whole = days * per_day
    value, valid = np.zeros((rows, whole)), np.zeros((rows, whole), dtype=bool)
    # The rest of the last day may not be known yet.
    known = min(cells - start, whole)
    value[:, :known] = series.values[:, start : start + known]
    valid[:, :known] = series.valid[:, start : start + known]
    shape = rows, days, per_day

    def joined(part: slice) -> Series:
        some = (a.reshape(shape)[:, :, part].reshape(rows, -1) for a in (value, valid))
        return Series(*some)

    end = start + np.arange(days, dtype=np.int64) * per_day + length
    inside, outside = joined(slice(0, length)), joined(slice(length, per_day))
    return _Parts(inside, outside, length, per_day - length, end)


def _of_days(piece: Piece, parts: _Parts, days: int, rule: Rule) -> list[Sign]:
    """Signs of the windows that join so many days."""
    hold = min(int(piece.known.hold[0]), max(1, parts.cells // 2))
    grid, cells = piece.known.grid, parts.cells * days
    seen = window_scatter(parts.part, grid, hold, cells, parts.cells)
    if not len(seen.end):
        return []
    past = Past(days + rule.hours("guard_days"), float(days), cells)
    found = quiet(seen, grid, piece.known.hold, past, rule)
    found = found._replace(score=_beside_rest(found, parts, piece, past, rule))
    found = weighed(found, piece, rule)
    end = parts.end[days - 1 :]
    score = np.where(judged(end, piece.since, piece.last), found.score, np.nan)
    begin = end - parts.cells - (days - 1) * (parts.cells + parts.rest_cells)
    return [
        sign_of(rule, int(piece.rows[at]), (int(begin[k]), int(end[k])), found, (at, k))
        for at, k in worst(score, rule.number("floor"), 1)
    ]


def _beside_rest(found: Quiet, parts: _Parts, piece: Piece, past: Past, rule: Rule) -> Floats:
    """The score, averaged with how quiet the part is beside the hours between."""
    days = round(past.overlap)
    rest = window_scatter(
        parts.rest, piece.known.grid, int(piece.known.hold[0]), parts.rest_cells * days,
        parts.rest_cells,
    ).scatter  # fmt: skip
    # What follows the last day's part is not known yet when the part ends: one day earlier.
    known = np.full_like(rest, np.nan)
    known[:, 1:] = logs(rest[:, :-1])
    beside = line_of(logs(found.scatter), known, past, rule).z
    weight = np.where(np.isfinite(beside), rule.number("rest_weight"), 0.0)
    both: Floats = (1 - weight) * found.score - weight * np.where(weight > 0, beside, 0.0)
    return both

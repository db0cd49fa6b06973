"""合成噪声: values that have lost the memory which the series always had."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.own_line import OwnLine
from services.detect.kernels.series import Floats
from services.detect.kernels.window_scatter import WindowScatter
from services.detect.screening.history import LEARN_DAYS
from services.detect.screening.panel import Panel
from services.detect.screening.quiet import Past, Piece, judged, line_of, pieces
from services.detect.screening.quiet_signal import windows_of
from services.detect.screening.sign import Sign
from services.detect.screening.windows import logs, worst

#: Hours of the windows; parameters of the rule.
_LENGTHS = ("window_1_h", "window_2_h", "window_3_h", "window_4_h")
# Share of equal neighbours that a coarse grid makes of a tame generator.
_EQUAL = 0.3


def synthetic_noise(panel: Panel, rule: Rule) -> list[Sign]:
    """合成噪声 (D18): von Neumann's ratio of a window against all windows of the series before.

    A generator draws each value anew; what an analyser measures goes on from what it was. A series
    that is white by nature has such windows in its past and is not seen.
    """
    signs = []
    for piece in pieces(panel, panel.cells_of(1)):
        for name in _LENGTHS:
            signs += _of_length(panel, piece, rule.number(name), rule)
    return signs


def needs_days(rule: Rule) -> float:
    """Days of own history: some independent windows of the shortest length, and their guard."""
    windows = rule.number("least_windows") + rule.number("guard_windows")
    return max(LEARN_DAYS, windows * rule.number(_LENGTHS[0]) / 24)


def _of_length(panel: Panel, piece: Piece, hours: float, rule: Rule) -> list[Sign]:
    """Signs of the windows of one length."""
    windows = windows_of(panel, piece, hours, rule)
    if windows is None:
        return []
    seen, end, past = windows
    link, score = _score(seen, piece, past, rule)
    score = np.where(judged(end[None, :], piece.since, piece.last), score, np.nan)
    ratio = logs(seen.step) - logs(seen.scatter)
    return [
        _sign(rule, int(piece.rows[at]), (int(end[k]) - past.cells, int(end[k])),
              (score, ratio, link), (at, k))
        for at, k in worst(score, rule.number("floor"), round(24 / hours * past.overlap) or 1)
    ]  # fmt: skip


def _score(
    seen: WindowScatter, piece: Piece, past: Past, rule: Rule
) -> tuple[OwnLine, Floats]:  # fmt: skip
    """Memory against the own past at that scatter; a little for being tame besides."""
    scatter, step = logs(seen.scatter), logs(seen.step)
    level = logs(np.maximum(np.abs(seen.level), np.maximum(piece.grid, 1e-9)[:, None]))
    link = line_of(step - scatter, -scatter, past, rule)
    tame = -line_of(scatter, level, past, rule).z
    chance = 1.5 / np.sqrt(past.cells / piece.hold)
    memory = 1 - np.exp(2 * (step - scatter))
    score = (
        link.z
        - rule.number("few_weight") / past.cells
        + rule.number("quiet_weight") * np.clip(tame, -1.0, rule.number("quiet_most"))
        - rule.number("memory_weight") * np.clip(memory - chance, 0.0, 1.0)
        - rule.number("equal_weight") * np.clip(seen.equal - _EQUAL - chance, 0.0, 1.0)
    )
    return link, score


def _sign(
    rule: Rule, row: int, window: tuple[int, int],
    of: tuple[Floats, Floats, OwnLine], at: tuple[int, int],
) -> Sign:  # fmt: skip
    """The sign of one window; ratios are told as von Neumann's, 2 for white noise."""
    score, ratio, link = of
    z = max(float(link.z[at]) - float(score[at]) + rule.number("floor"), 0.0)
    freedom = float(link.freedom[at])
    t = np.sqrt(freedom * np.expm1(z * z / freedom))
    silent = float(np.exp(link.expected[at] + float(link.spread[at]) * t))
    return Sign(
        row=row, end=window[1], begin=window[0], test=rule.id,
        score=float(score[at]), statistic=float(score[at]),
        value=2 * float(np.exp(2 * ratio[at])), expected=2 * float(np.exp(2 * link.expected[at])),
        silent_at=2 * silent**2,
    )  # fmt: skip

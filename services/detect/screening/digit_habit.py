"""末位数字习惯: last digits that a hand prefers, where the instrument had no preference."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.last_digits import LastDigits, last_digits
from services.detect.kernels.series import Ints, Series
from services.detect.screening.history import instrument
from services.detect.screening.jumps import measured_rows
from services.detect.screening.panel import Panel
from services.detect.screening.quiet import judged
from services.detect.screening.sign import Sign
from services.detect.screening.windows import worst

_ROWS = 128
_OVERLAP = 4


def digit_habit(panel: Panel, rule: Rule) -> list[Sign]:
    """末位数字习惯 (D17): last digits of some weeks against those of all weeks before.

    Numbers that people write prefer 0 and 5 and avoid repeats; an analyser prefers nothing as long
    as its values move by many steps.
    """
    rows, grid = measured_rows(panel), instrument(panel).grid
    cells = panel.cells_of(24 * rule.number("window_days"), _OVERLAP)
    window, guard = (cells, cells // _OVERLAP), round(rule.number("guard_days") * panel.per_day)
    signs = []
    for at in range(0, len(rows), _ROWS):
        some = rows[at : at + _ROWS]
        series = Series(panel.series.values[some], panel.series.valid[some])
        found = last_digits(series, grid[some], window, guard, least=rule.hours("least_fresh"))
        signs += _signs(panel, rule, found, some)
    return signs


def needs_days(rule: Rule) -> float:
    """Days of own history: a window, its guard and as long a past."""
    return 2 * rule.number("window_days") + rule.number("guard_days")


def _signs(panel: Panel, rule: Rule, found: LastDigits, rows: Ints) -> list[Sign]:
    inside = judged(found.end[None, :], panel.judged_since()[rows], panel.end[rows])
    score = np.where(inside, found.z, np.nan)
    cells = panel.cells_of(24 * rule.number("window_days"), _OVERLAP)
    return [
        Sign(
            row=int(rows[at]), end=int(found.end[k]), begin=int(found.end[k]) - cells,
            test=rule.id, score=float(score[at, k]), statistic=float(found.digit[at, k]),
            value=100 * float(found.share[at, k]), expected=100 * float(found.usual[at, k]),
            silent_at=rule.number("floor"),
        )
        for at, k in worst(score, rule.number("floor"), 1)
    ]  # fmt: skip

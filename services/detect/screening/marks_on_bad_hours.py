"""标记遮盖: marks that lie on the peaks and nowhere else (D12)."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.covered_peaks import CoveredPeaks, covered_peaks
from services.detect.kernels.series import Bools, Ints, Series
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign
from services.detect.screening.windows import rows_with, worst

_CALIBRATION = ord("C")


def needs_days(rule: Rule) -> float:
    """Days of own history before anything is evaluated."""
    return rule.number("window_days")


def marks_on_bad_hours(panel: Panel, rule: Rule) -> list[Sign]:
    """标记滥用: once a day, whether the marks of the last days cover just the peaks of a factor.

    Values under a mark are judged as they arrived. Calibrations are left out, for then the analyser
    reads gas from a bottle; their timing is `calibrations_on_bad_hours`.
    """
    hidden = panel.marked & panel.received & (panel.flag != _CALIBRATION)
    rows = rows_with(panel, Role.POLLUTANT, Role.CONVERTED)
    rows = rows[hidden[rows].sum(axis=1) >= panel.cells_of(rule.number("least_marked_h"))]
    signs: list[Sign] = []
    for days in (rule.hours("window_days"), 3 * rule.hours("window_days")) if rows.size else ():
        signs += _window(panel, rule, rows, hidden[rows], days)
    return signs


def _window(panel: Panel, rule: Rule, rows: Ints, hidden: Bools, days: int) -> list[Sign]:
    """Judge each day the `days` days that end with it."""
    shape = rows.size, panel.cells // panel.per_day
    found = CoveredPeaks(
        np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, int), np.zeros(shape, int)
    )
    for day in range(rule.hours("window_days") - 1, shape[1]):
        end = (day + 1) * panel.per_day
        span = slice(max(0, end - days * panel.per_day), end)
        at = _to_judge(panel, rule, rows, hidden[:, span], end)
        if at.size:
            one = _judge(panel, rule, rows[at], hidden[at, span], span)
            for whole, part in zip(found, one, strict=True):
                whole[at, day] = part

    def sign(at: int, day: int) -> Sign:
        end, row, level = (day + 1) * panel.per_day, int(rows[at]), float(found.level[at, day])
        return Sign(
            row=row,
            end=end,
            begin=max(0, end - days * panel.per_day),
            test=rule.id,
            score=float(found.score[at, day]),
            statistic=float(found.covered[at, day]),
            value=level,
            expected=float(found.open[at, day]),
            silent_at=level,
            variant="over_limit" if level >= panel.limit[row] else "highest",
        )

    return [sign(at, day) for at, day in worst(found.score, rule.number("floor"), 1)]


def _to_judge(panel: Panel, rule: Rule, rows: Ints, marked: Bools, end: int) -> Ints:
    """Rows with enough marks, one of them today, and enough history."""
    found: Ints = np.flatnonzero(
        (marked.sum(axis=1) >= panel.cells_of(rule.number("least_marked_h")))
        & marked[:, -panel.per_day :].any(axis=1)
        & (panel.judged_since()[rows] < end)
        & (panel.first[rows] + rule.hours("window_days") * panel.per_day <= end)
    )
    return found


def _judge(panel: Panel, rule: Rule, rows: Ints, marked: Bools, span: slice) -> CoveredPeaks:
    # Calibrations are neither peaks nor hours in which one could have been marked.
    used = panel.received[rows, span] & (marked | ~panel.marked[rows, span])
    return covered_peaks(
        Series.of(panel.value[rows, span], used), marked, panel.limit[rows],
        least_share=rule.number("least_share"), most_share=rule.number("most_share"),
    )  # fmt: skip

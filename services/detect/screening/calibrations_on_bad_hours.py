"""校准时机: calibrations that come when the level is high (D13)."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Bools, Floats, Ints, Series
from services.detect.kernels.visit_ranks import visit_ranks
from services.detect.kernels.window_mean import window_mean
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign
from services.detect.screening.windows import rows_with, worst

_CALIBRATION = ord("C")


def needs_days(rule: Rule) -> float:
    """Days of own history before anything is evaluated."""
    return rule.number("min_history_days")


def calibrations_on_bad_hours(panel: Panel, rule: Rule) -> list[Sign]:
    """校准、反吹总在高值时: the level before calibrations among the same hours of other days.

    The analyser reads gas from a bottle while it is calibrated, so the level just before stands
    for it. A schedule that always meets the daily peak is honest: only days are compared.
    """
    visits = panel.flag == _CALIBRATION
    visits[:, 1:] &= ~visits[:, :-1].copy()
    rows = rows_with(panel, Role.POLLUTANT)
    rows = rows[visits[rows].sum(axis=1) >= rule.hours("least_visits")]
    if not rows.size:
        return []
    level = _before(panel, rows, panel.cells_of(rule.number("before_h")))
    days = rule.hours("window_days")
    rank = visit_ranks(Series.of(level), visits[rows], panel.per_day, days=days)
    z, number, mean = _z(rank, days * panel.per_day)
    usable = (number >= rule.number("least_visits")) & visits[rows] & np.isfinite(rank)
    usable &= np.arange(panel.cells)[None, :] >= panel.judged_since()[rows][:, None]
    score = np.where(usable, z, np.nan)
    return [
        Sign(
            row=int(rows[at]),
            end=cell + 1,
            begin=max(0, cell + 1 - days * panel.per_day),
            test=rule.id,
            score=float(score[at, cell]),
            statistic=float(number[at, cell]),
            value=float(mean[at, cell]),
            expected=0.5,
            silent_at=0.5 + rule.number("floor") / float(np.sqrt(12 * number[at, cell])),
            variant="before_peaks",
        )
        for at, cell in worst(score, rule.number("floor"), 7 * panel.per_day)
    ]


def _before(panel: Panel, rows: Ints, cells: int) -> Floats:
    """Mean of the cells before each cell; NaN where none is known."""
    mean = window_mean(Series.of(panel.series.masked[rows]), cells, 1).mean
    nothing = np.full((rows.size, panel.cells - mean.shape[1]), np.nan)
    return np.concatenate([nothing, mean], axis=1)[:, np.maximum(np.arange(panel.cells) - 1, 0)]


def _z(rank: Floats, width: int) -> tuple[Floats, Floats, Floats]:
    """z of the mean rank over the last `width` cells, number of visits and mean rank."""
    known: Bools = np.isfinite(rank)
    number = _running(known.astype(np.float64), width)
    total = _running(np.where(known, rank, 0.0), width)
    mean = total / np.maximum(number, 1)
    return (mean - 0.5) * np.sqrt(12 * number), number, mean


def _running(values: Floats, width: int) -> Floats:
    total: Floats = np.cumsum(values, axis=1)
    total[:, width:] -= total[:, :-width].copy()
    return total

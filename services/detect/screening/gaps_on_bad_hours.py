"""选择性缺数: pollutants that go missing at the same hours while the discharge runs (D11)."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.repeated_gaps import repeated_gaps
from services.detect.kernels.series import Bools, Ints
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign
from services.detect.screening.windows import LOADS, rows_with, worst

_LEAST_SLOTS = 6


def needs_days(rule: Rule) -> float:
    """Days of own history before anything is evaluated."""
    return rule.number("window_days") + 1


def gaps_on_bad_hours(panel: Panel, rule: Rule) -> list[Sign]:
    """选择性缺数: short gaps of a pollutant that return at the same hours of the day.

    Only hours count in which the outlet's flow, load or power came in: then the line worked and the
    plant ran. Without such a sister another pollutant must have come in. A daily check at a fixed
    hour is in the own history and weighs nothing.
    """
    slots = min(24, panel.per_day)
    rows = rows_with(panel, Role.POLLUTANT)
    if slots < _LEAST_SLOTS or not rows.size:
        return []
    days = rule.hours("window_days")
    known = _hours(_alive(panel, rows), slots, panel.per_day)
    here = _hours(panel.received[rows], slots, panel.per_day)
    found = repeated_gaps(
        ~here, known, slots,
        days=days, longest=rule.hours("longest_gap_h"), least_share=rule.number("least_share"),
    )  # fmt: skip
    cell = panel.per_day // slots
    late = (np.arange(known.shape[1]) + 1) * cell > panel.judged_since()[rows][:, None]
    signs = []
    for at, k in worst(np.where(late, found.score, np.nan), rule.number("floor"), slots):
        row, end = int(rows[at]), (k + 1) * cell
        signs.append(
            Sign(
                row=row,
                end=end,
                begin=max(0, end - days * panel.per_day),
                test=rule.id,
                score=float(found.score[at, k]),
                statistic=float(found.repeats[at, k]) * 24 / slots,
                value=float(found.repeats[at, k]) * 24 / slots,
                expected=0.0,
                silent_at=0.0,
                others=tuple(panel.sisters(row, *LOADS)),
                variant="same_hours",
            )
        )
    return signs


def _alive(panel: Panel, rows: Ints) -> Bools:
    """Cells in which a sister says that the line works and the plant runs."""
    found = np.zeros((rows.size, panel.cells), dtype=bool)
    for at, row in enumerate(rows):
        others = panel.sisters(int(row), *LOADS) or panel.sisters(int(row), Role.POLLUTANT)
        if others:
            with np.errstate(invalid="ignore"):
                found[at] = (panel.value[others] > 0).any(axis=0)
    return found


def _hours(cells: Bools, slots: int, per_day: int) -> Bools:
    """Hours with half of their cells at least; a day that is not over has none in its rest."""
    rest = np.zeros((cells.shape[0], -cells.shape[1] % per_day), dtype=bool)
    whole = np.concatenate([cells, rest], axis=1)
    shares = whole.reshape(cells.shape[0], -1, per_day // slots).mean(axis=2)
    found: Bools = shares >= 0.5
    return found

"""量程过大: a range so wide that values read zero or lose their resolution (D39)."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Bools, Floats, Ints
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign
from services.detect.screening.windows import LOADS, partners, rows_with, worst

_CONCENTRATIONS = Role.POLLUTANT, Role.INLET


def needs_days(rule: Rule) -> float:
    """Days of the window."""
    return rule.number("window_days")


def range_high(panel: Panel, rule: Rule) -> list[Sign]:
    """量程过大 (D39): exact zeros while the plant runs, and few different values above them.

    Score = share of zeros over what is tolerated, times how few steps the other values take. A
    clean plant with a fitting range reads small values, not zeros. The range parameter over the
    limit closes the gap.
    """
    rows = rows_with(panel, *_CONCENTRATIONS)
    zero = panel.series.valid[rows] & (panel.series.values[rows] == 0)
    some = np.flatnonzero(zero.any(axis=1))
    if not some.size:
        return []
    kept = rows[some]
    used = panel.series.valid[kept] & _running(panel, kept)
    share = _share(zero[some] & used, used, panel, rule)
    signs = []
    since = panel.judged_since()[kept]
    for at, day in worst(share, rule.number("zero_share"), 7):
        end = (day + 1) * panel.per_day
        begin = end - rule.hours("window_days") * panel.per_day
        if end <= since[at] or begin < 0:
            continue
        values = panel.series.masked[kept[at], begin:end]
        above = np.unique(values[values > 0])
        if above.size > rule.hours("most_levels"):
            continue
        signs.append(
            Sign(
                row=int(kept[at]), end=end, begin=begin, test=rule.id,
                score=float(share[at, day]) / rule.number("zero_share"),
                statistic=100 * float(share[at, day]),
                value=float(above[0]) if above.size else 0.0, expected=float(above.size),
                silent_at=100 * rule.number("zero_share"),
            )
        )  # fmt: skip
    return signs


def _running(panel: Panel, rows: Ints) -> Bools:
    """Cells in which load or flow says that the plant ran; all where nothing tells."""
    found = np.ones((len(rows), panel.cells), dtype=np.bool_)
    for k, other in enumerate(partners(panel, rows, *LOADS)):
        if other >= 0:
            with np.errstate(invalid="ignore"):
                found[k] = panel.series.masked[other] > 0
    return found


def _share(zero: Bools, used: Bools, panel: Panel, rule: Rule) -> Floats:
    """Share of zeros in the days that end with each day; NaN where less than half is known."""
    days, width = panel.cells // panel.per_day, rule.hours("window_days")
    shape = len(zero), days, panel.per_day
    whole = days * panel.per_day
    zeros, known = (
        np.cumsum(part[:, :whole].reshape(shape).sum(axis=2), axis=1) for part in (zero, used)
    )
    found = np.full(zeros.shape, np.nan)
    z, n = zeros[:, width - 1 :].copy(), known[:, width - 1 :].copy()
    z[:, 1:] -= zeros[:, :-width]
    n[:, 1:] -= known[:, :-width]
    enough = n >= 0.5 * width * panel.per_day
    found[:, width - 1 :] = np.where(enough, z / np.maximum(n, 1), np.nan)
    return found

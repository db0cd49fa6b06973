"""进出水比: an outlet that does not fit its own inlet (D23)."""

from typing import Any

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Floats, Ints
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign
from services.detect.screening.windows import (
    Tested,
    against_past,
    history_needed,
    logs,
    means,
    signs_of,
)

needs_days = history_needed
_INLET = "_in"
_MOST_OF_RATIO = 1.3


def inlet_outlet_ratio(panel: Panel, rule: Rule) -> list[Sign]:
    """进出水比异常: inlet and outlet of a window against what they were together, the ratio off.

    Either end may be cheated: the outlet diluted or bottled, the inlet raised to show a removal, or
    one line fed to both. All of them move the ratio, and all of them leave the cloud of (log inlet,
    log outlet) that the own past fills: D^2 = z(inlet)^2 + z(outlet given inlet)^2, the Mahalanobis
    distance. The score is D, but never more than 1.3 times the z of log ratio: rain and strong days
    move both ends together and are no cheat. Which end moved is for the picture to show.
    """
    rows, inlets = _pairs(panel)
    found: list[Sign] = []
    least, hours = rule.hours("least_cells"), rule.number("window_h")
    for window in sorted(
        {panel.cells_of(h, least) for h in (hours, 4 * hours)} if rows.size else ()
    ):
        found += _signs(rule, *_tested(panel, rule, rows, inlets, window), inlets)
    return found


def _tested(
    panel: Panel, rule: Rule, rows: Ints, inlets: Ints, cells: int
) -> tuple[Tested, Floats]:
    """Windows of the log ratio, and their score."""
    used, hours = panel.series.masked, cells / panel.per_hour
    before, after = logs(used[inlets]), logs(used[rows])
    ratio, inlet, outlet = (means(panel, v, hours) for v in (after - before, before, after))
    tested = against_past(panel, rule, rows, ratio, None, hours=hours)
    level = against_past(panel, rule, rows, inlet, None, hours=hours).shift.z
    given = against_past(panel, rule, rows, outlet, inlet, hours=hours, slope=(0.0, 1.0)).shift.z
    return tested, np.minimum(np.hypot(level, given), _MOST_OF_RATIO * np.abs(tested.shift.z))


def _signs(rule: Rule, tested: Tested, score: Floats, inlets: Ints) -> list[Sign]:
    def tell(at: int, k: int) -> dict[str, Any]:
        z, scale = float(tested.shift.z[at, k]), float(tested.shift.scale[at, k])
        ratio, middle = float(np.exp(tested.value[at, k])), float(tested.shift.expected[at, k])
        half = rule.number("floor") / _MOST_OF_RATIO
        return {
            "statistic": abs(z),
            "value": ratio,
            "expected": float(np.exp(middle)),
            "silent_at": float(np.exp(middle + np.sign(z) * half * scale)),
            "others": (int(inlets[at]),),
            "variant": _variant(z, ratio),
        }

    return signs_of(rule, tested, score, tell)


def _variant(z: float, ratio: float) -> str:
    if z < 0:
        return "outlet_low"
    return "outlet_above_inlet" if ratio > 1 else "outlet_high"


def _pairs(panel: Panel) -> tuple[Ints, Ints]:
    """Rows of outlets and of their inlets."""
    found = []
    for rows in panel.rows_of.values():
        by_factor = {panel.keys[r].factor: r for r in rows}
        found += [
            (row, by_factor[factor + _INLET]) for factor, row in by_factor.items()
            if factor + _INLET in by_factor
        ]  # fmt: skip
    both = np.array(found, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]

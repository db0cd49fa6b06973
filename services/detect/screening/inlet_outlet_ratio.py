"""进出水比: an outlet that does not fit its own inlet (D23)."""

from typing import Any

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Ints
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


def inlet_outlet_ratio(panel: Panel, rule: Rule) -> list[Sign]:
    """进出水比异常: mean log(outlet / inlet) of a window against the own past, either way.

    Either end may be cheated: the outlet diluted or bottled, the inlet raised to show a removal, or
    one line fed to both. All of them move the ratio; which end moved is for the picture to show.
    """
    rows, inlets = _pairs(panel)
    used, least = panel.series.masked, rule.hours("least_cells")
    ratio = logs(used[rows]) - logs(used[inlets])
    found = []
    for hours in (rule.number("window_h"), 4 * rule.number("window_h")) if rows.size else ():
        value = means(panel, ratio, hours, least=least)
        tested = against_past(panel, rule, rows, value, None, hours=hours, least=least)
        found += _signs(rule, tested, inlets)
    return found


def _signs(rule: Rule, tested: Tested, inlets: Ints) -> list[Sign]:
    def tell(at: int, k: int) -> dict[str, Any]:
        z, scale = float(tested.shift.z[at, k]), float(tested.shift.scale[at, k])
        ratio, middle = float(np.exp(tested.value[at, k])), float(tested.shift.expected[at, k])
        return {
            "statistic": abs(z),
            "value": ratio,
            "expected": float(np.exp(middle)),
            "silent_at": float(np.exp(middle + np.sign(z) * rule.number("floor") * scale)),
            "others": (int(inlets[at]),),
            "variant": _variant(z, ratio),
        }

    return signs_of(rule, tested, np.abs(tested.shift.z), tell)


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

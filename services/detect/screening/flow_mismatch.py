"""流量与产量不符: a flow that load or production power does not explain (D26, D27)."""

from typing import Any

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Ints
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign
from services.detect.screening.windows import (
    Tested,
    against_past,
    beyond_own_tail,
    history_needed,
    logs,
    means,
    partners,
    rows_with,
    signs_of,
)

needs_days = history_needed


def flow_mismatch(panel: Panel, rule: Rule) -> list[Sign]:
    """流量、流速造假: log flow of a day, and of three, off its own line on log load.

    A meter, a velocity coefficient or a stack area set lower takes the same share of every hour:
    the residual steps down and stays. Product mix, leak air and reuse of water do it too; sales,
    fuel and the parameter log tell them apart.
    """
    rows = rows_with(panel, Role.FLOW)
    loads = partners(panel, rows, Role.LOAD, Role.PRODUCTION_POWER)
    rows, loads = rows[loads >= 0], loads[loads >= 0]
    used, found = panel.series.masked, []
    for hours in (rule.number("window_h"), 3 * rule.number("window_h")) if rows.size else ():
        flow, load = (logs(means(panel, used[part], hours)) for part in (rows, loads))
        tested = against_past(
            panel, rule, rows, flow, load, hours=hours, x_above=rule.number("busy_share")
        )
        found += _signs(rule, tested, loads)
    return found


def _signs(rule: Rule, tested: Tested, loads: Ints) -> list[Sign]:
    def tell(at: int, k: int) -> dict[str, Any]:
        z, scale = float(tested.shift.z[at, k]), float(tested.shift.scale[at, k])
        middle = float(tested.shift.expected[at, k])
        tail = tested.shift.low if z < 0 else tested.shift.high
        own = abs(float(tail[at, k]))
        return {
            "statistic": abs(z),
            "value": float(np.exp(tested.value[at, k])),
            "expected": float(np.exp(middle)),
            "silent_at": float(np.exp(middle + np.sign(z) * (rule.number("floor") + own) * scale)),
            "others": (int(loads[at]),),
            "variant": "flow_low" if z < 0 else "flow_high",
        }

    return signs_of(rule, tested, beyond_own_tail(tested.shift), tell)

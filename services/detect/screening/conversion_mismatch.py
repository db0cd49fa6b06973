"""折算不符: the sent converted value is not what concentration and oxygen give (D08)."""

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
    history_needed,
    logs,
    means,
    partners,
    rows_with,
    signs_of,
)

needs_days = history_needed
_INITIAL_O2 = 21.0
_SUFFIX = "_zs"


def conversion_mismatch(panel: Panel, rule: Rule) -> list[Sign]:
    """氧含量或折算造假: log of sent value x (21 - O2) / concentration, a constant of the outlet.

    The constant is 21 - reference O2; it is learnt, so that no table of trades is needed. Means of
    minutes and means of hours convert a little differently, which its own scatter knows.
    """
    rows = rows_with(panel, Role.CONVERTED)
    raws, oxygens = _raws(panel, rows), partners(panel, rows, Role.OXYGEN)
    whole = (raws >= 0) & (oxygens >= 0)
    rows, raws, oxygens = rows[whole], raws[whole], oxygens[whole]
    if not rows.size:
        return []
    used = panel.series.masked
    oxygen = np.where(used[oxygens] < rule.number("ambient_o2"), used[oxygens], np.nan)
    factor = logs(used[rows]) - logs(used[raws]) + logs(_INITIAL_O2 - oxygen)
    found = []
    for hours in (rule.number("window_h"), 3 * rule.number("window_h")):
        tested = against_past(panel, rule, rows, means(panel, factor, hours), None, hours=hours)
        found += _signs(rule, tested, raws, oxygens)
    return found


def _signs(rule: Rule, tested: Tested, raws: Ints, oxygens: Ints) -> list[Sign]:
    def tell(at: int, k: int) -> dict[str, Any]:
        z, scale = float(tested.shift.z[at, k]), float(tested.shift.scale[at, k])
        off = float(np.expm1(tested.value[at, k] - tested.shift.expected[at, k]))
        return {
            "statistic": 100 * off,
            "value": float(np.exp(tested.value[at, k])),
            "expected": float(np.exp(tested.shift.expected[at, k])),
            "silent_at": 100 * float(np.expm1(np.sign(z) * rule.number("floor") * scale)),
            "others": (int(raws[at]), int(oxygens[at])),
            "variant": "converted_low" if z < 0 else "converted_high",
        }

    return signs_of(rule, tested, np.abs(tested.shift.z), tell)


def _raws(panel: Panel, rows: Ints) -> Ints:
    """Measured concentration of each converted row; -1 = none."""
    place = {key: row for row, key in enumerate(panel.keys)}
    keys = [panel.keys[r] for r in rows]
    return np.array(
        [place.get(type(k)(k.outlet_id, k.factor.removesuffix(_SUFFIX)), -1) for k in keys],
        dtype=np.int64,
    )

"""COD 去除剂: COD falls and its sisters do not (D19)."""

from typing import Any

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.series import Floats
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign
from services.detect.screening.windows import (
    Tested,
    against_past,
    beyond_own_tail,
    history_needed,
    logs,
    means,
    signs_of,
)

needs_days = history_needed
#: 化学需氧量 and what moves with it when the water itself changes: TOC first, then nitrogen, salt.
_COD = ("COD", "CODCr", "w01018")
_SISTERS = (
    ("TOC", "w01020"), ("TN", "w21001"), ("NH3N", "NH3-N", "w21003"), ("COND", "w01014"),
)  # fmt: skip


def cod_remover(panel: Panel, rule: Rule) -> list[Sign]:
    """COD去除剂: mean log COD of a window below its own line on mean log of its sisters.

    Chlorate interferes with the dichromate method alone: TOC, nitrogen and conductivity stay. Rain
    and better treatment of everything lower the sisters too and lie on the line. A manual sample
    for chlorate and the dosing purchase book close the gap.
    """
    place = {key: row for row, key in enumerate(panel.keys)}
    rows, sisters = [], []
    for row, key in enumerate(panel.keys):
        named = [place.get(type(key)(key.outlet_id, f)) for fs in _SISTERS for f in fs]
        known = [r for r in named if r is not None]
        if key.factor in _COD and known:
            rows.append(row)
            sisters.append(known)
    used, found = panel.series.masked, []
    if not rows:
        return []
    at, link = np.array(rows, dtype=np.int64), _mean_logs(used, sisters)
    for hours in (rule.number("window_h"), 3 * rule.number("window_h")):
        value, by = means(panel, logs(used[at]), hours), means(panel, link, hours)
        tested = against_past(
            panel, rule, at, value, by, hours=hours, slope=(0.0, rule.number("most_slope"))
        )
        found += _signs(rule, tested, sisters)
    return found


def _mean_logs(used: Floats, sisters: list[list[int]]) -> Floats:
    """Mean of the logs of each row's sisters; NaN where one is missing, or the mix would jump."""
    return np.array([logs(used[own]).mean(axis=0) for own in sisters])


def _signs(rule: Rule, tested: Tested, sisters: list[list[int]]) -> list[Sign]:
    def tell(at: int, k: int) -> dict[str, Any]:
        scale, middle = float(tested.shift.scale[at, k]), float(tested.shift.expected[at, k])
        silent = rule.number("floor") - min(float(tested.shift.low[at, k]), 0.0)
        return {
            "statistic": -float(tested.shift.z[at, k]),
            "value": float(np.exp(tested.value[at, k])),
            "expected": float(np.exp(middle)),
            "silent_at": float(np.exp(middle - silent * scale)),
            "others": tuple(sisters[at]),
            "variant": "cod_alone",
        }

    return signs_of(rule, tested, beyond_own_tail(tested.shift, high=False), tell)

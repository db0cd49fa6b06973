"""夜间排放: a growing share of flow or power in the night (D22)."""

from typing import Any

import numpy as np

from services.detect.domain.rule import Rule
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
    rows_with,
    signs_of,
)

needs_days = history_needed
_DAY_H = 24
_LEAST_CELLS_A_DAY = 8


def night_load(panel: Panel, rule: Rule) -> list[Sign]:
    """夜间避检排放: log of the night's mean over the day's mean of flow, load or power, upwards.

    Weekends are in the own tail, which is taken off. Cheap power in the valley hours moves
    production into the night honestly and for good; the own history takes that up, and the tariff
    tells it.
    """
    rows = rows_with(panel, Role.FLOW, Role.LOAD, Role.PRODUCTION_POWER)
    if panel.per_day < _LEAST_CELLS_A_DAY or not rows.size:
        return []
    hour = panel.day_cell() * _DAY_H / panel.per_day
    night = (hour >= rule.number("night_from_h")) | (hour < rule.number("night_to_h"))
    used, found = panel.series.masked[rows], []
    for hours in (_DAY_H, 3 * _DAY_H):
        parts = [means(panel, _only(used, part), hours, share=0.2) for part in (night, ~night)]
        value = logs(parts[0]) - logs(parts[1])
        tested = against_past(panel, rule, rows, value, None, hours=hours)
        found += _signs(rule, tested)
    return found


def _only(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    return np.where(cells[None, :], values, np.nan)


def _signs(rule: Rule, tested: Tested) -> list[Sign]:
    def tell(at: int, k: int) -> dict[str, Any]:
        scale, middle = float(tested.shift.scale[at, k]), float(tested.shift.expected[at, k])
        silent = rule.number("floor") + max(float(tested.shift.high[at, k]), 0.0)
        return {
            "statistic": float(tested.shift.z[at, k]),
            "value": float(np.exp(tested.value[at, k])),
            "expected": float(np.exp(middle)),
            "silent_at": float(np.exp(middle + silent * scale)),
            "variant": "night_up",
        }

    return signs_of(rule, tested, beyond_own_tail(tested.shift, low=False), tell)

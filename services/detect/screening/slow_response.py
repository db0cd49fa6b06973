"""响应变慢: a gas that answers the load late, or no longer (D38)."""

from typing import Any

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.response_lag import ResponseLag, response_lag
from services.detect.kernels.series import Ints
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign
from services.detect.screening.windows import (
    LOADS,
    against_past,
    history_needed,
    partners,
    rows_with,
    signs_of,
)

needs_days = history_needed
_LEAST_CELLS_A_DAY = 24
_AT_ONCE = 64


def slow_response(panel: Panel, rule: Rule) -> list[Sign]:
    """采样管堵塞、旁通: lag and strength of the answer to the load against their own past.

    A blocked, bent or by-passed line answers late, then not at all. Minutes show lags that hours
    hide; sample flow and the full-path span check close the gap.
    """
    rows = rows_with(panel, Role.POLLUTANT, Role.OXYGEN)
    loads = partners(panel, rows, *LOADS)
    rows, loads = rows[loads >= 0], loads[loads >= 0]
    if panel.per_day < _LEAST_CELLS_A_DAY or not rows.size:
        return []
    used, days = panel.series.masked, rule.hours("window_days")
    longest = panel.cells_of(rule.number("longest_lag_h"))
    parts = [
        response_lag(used[load], used[row], panel.per_day, days=days, longest=longest)
        for load, row in zip(_parts(loads), _parts(rows), strict=True)
    ]
    found = ResponseLag(*(np.concatenate(part) for part in zip(*parts, strict=True)))
    lag_h = found.lag / panel.per_hour
    late = against_past(
        panel, rule, rows, lag_h, None,
        hours=24, step=panel.per_day, least_scale=0.5 / panel.per_hour,
    )  # fmt: skip
    firm = against_past(panel, rule, rows, found.strength, None, hours=24, step=panel.per_day)
    with np.errstate(invalid="ignore"):
        linked = firm.shift.expected > rule.number("least_strength")
    lost = np.where(linked, -firm.shift.z, np.nan)
    slow = np.where(linked & (found.strength > rule.number("least_strength")), late.shift.z, np.nan)
    score = np.fmax(slow, lost)

    def tell(at: int, k: int) -> dict[str, Any]:
        is_late = slow[at, k] == score[at, k]
        told, value = (late, lag_h) if is_late else (firm, np.tanh(found.strength))
        expected, scale = float(told.shift.expected[at, k]), float(told.shift.scale[at, k])
        floor = rule.number("floor")
        return {
            "statistic": float(score[at, k]),
            "value": float(value[at, k]),
            "expected": expected if is_late else float(np.tanh(expected)),
            "silent_at": expected + floor * scale
            if is_late
            else float(np.tanh(max(0.0, expected - floor * scale))),
            "others": (int(loads[at]),),
            "variant": "late" if is_late else "lost",
            "begin": int(late.end[k]) - days * panel.per_day,
        }

    return signs_of(rule, late, score, tell)


def _parts(rows: Ints) -> list[Ints]:
    """A few rows at a time stay in the processor's cache."""
    return [rows[first : first + _AT_ONCE] for first in range(0, rows.size, _AT_ONCE)]

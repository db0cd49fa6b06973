"""炉温异常: two sections of a furnace that move as one (D36)."""

import itertools
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
    signs_of,
)

needs_days = history_needed


def furnace_sections(panel: Panel, rule: Rule) -> list[Sign]:
    """炉温造假: the difference of two sections moves far less than it ever did.

    A thermocouple moved beside the other, or one signal sent twice, leaves a difference without
    life of its own. Judged is the log of the mean |change| of the difference over a window, with
    `resolution` added so that the grid of the instrument is no evidence.
    """
    pairs = [
        pair for rows in panel.rows_of.values()
        for pair in itertools.combinations([r for r in rows if panel.roles[r] is Role.FURNACE], 2)
    ]  # fmt: skip
    if not pairs:
        return []
    both = np.array(pairs, dtype=np.int64)
    used = panel.series.masked
    apart = used[both[:, 0]] - used[both[:, 1]]
    moved = np.abs(np.diff(apart, axis=1, prepend=np.nan))
    value = logs(means(panel, moved, rule.number("window_h")) + rule.number("resolution"))
    tested = against_past(panel, rule, both[:, 0], value, None, hours=rule.number("window_h"))
    return _signs(rule, tested, both[:, 1])


def _signs(rule: Rule, tested: Tested, seconds: Ints) -> list[Sign]:
    def tell(at: int, k: int) -> dict[str, Any]:
        scale, middle = float(tested.shift.scale[at, k]), float(tested.shift.expected[at, k])
        silent = rule.number("floor") - min(float(tested.shift.low[at, k]), 0.0)
        return {
            "statistic": -float(tested.shift.z[at, k]),
            "value": float(np.exp(tested.value[at, k])),
            "expected": float(np.exp(middle)),
            "silent_at": float(np.exp(middle - silent * scale)),
            "others": (int(seconds[at]),),
            "variant": "sections_alike",
        }

    return signs_of(rule, tested, beyond_own_tail(tested.shift, high=False), tell)

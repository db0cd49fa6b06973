"""氧含量偏离: oxygen that the plant's load does not explain (D07, D08, D09)."""

from typing import Any

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.dilution_identity import DilutionIdentity, dilution_identity
from services.detect.kernels.series import Floats, Ints
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign
from services.detect.screening.windows import (
    LOADS,
    Tested,
    against_past,
    history_needed,
    means,
    partners,
    rows_with,
    signs_of,
)

needs_days = history_needed


def o2_dilution(panel: Panel, rule: Rule) -> list[Sign]:
    """稀释采样、通氮气、氧量调低: windows of oxygen against its own line on load.

    Air let into the line lifts oxygen towards 20.9 % and thins every dry gas by the same factor;
    nitrogen thins oxygen too; oxygen set low leaves the gases alone. The line on load (flow, power)
    takes out what the plant does itself; without a load the own level stands in, whose scatter is
    larger and so asks for more. Which of the three it is, the gases tell (`dilution_identity`).
    """
    rows = rows_with(panel, Role.OXYGEN)
    loads = partners(panel, rows, *LOADS)
    oxygen = panel.series.masked[rows]
    running = np.where(oxygen < rule.number("ambient_o2"), oxygen, np.nan)
    # Zeros where no load is known: the line becomes the own level.
    load = np.where(loads[:, None] >= 0, panel.series.masked[loads], 0.0) if rows.size else oxygen
    found = []
    for hours in (rule.number("window_h"), 3 * rule.number("window_h")) if rows.size else ():
        value, link = means(panel, running, hours), means(panel, load, hours)
        tested = against_past(panel, rule, rows, value, link, hours=hours)
        found += _signs(panel, rule, tested, loads)
    return found


def _signs(panel: Panel, rule: Rule, tested: Tested, loads: Ints) -> list[Sign]:
    def tell(at: int, k: int) -> dict[str, Any]:
        row, end = int(tested.rows[at]), int(tested.end[k])
        gases = panel.sisters(row, Role.POLLUTANT)
        measured, expected = float(tested.value[at, k]), float(tested.shift.expected[at, k])
        change = _change(panel, gases, end - tested.cells, end)
        z, scale = float(tested.shift.z[at, k]), float(tested.shift.scale[at, k])
        return {
            "statistic": abs(z),
            "value": measured,
            "expected": expected,
            "silent_at": expected + float(np.sign(z)) * rule.number("floor") * scale,
            "others": tuple(r for r in (int(loads[at]), *gases) if r >= 0),
            "variant": _variant(dilution_identity(change, measured, expected)),
        }

    return signs_of(rule, tested, np.abs(tested.shift.z), tell)


def _variant(told: DilutionIdentity) -> str:
    if told.oxygen_up:
        return "dilution" if told.gases_follow else "oxygen_high"
    return "nitrogen" if told.gases_follow else "oxygen_low"


def _change(panel: Panel, gases: list[int], begin: int, end: int) -> Floats:
    """Log change of each gas in the window against as long a time, a day at least, before it."""
    before = max(0, begin - max(end - begin, panel.per_day))
    values = panel.series.masked[gases, before:end]
    kept = [(v[: begin - before], v[begin - before :]) for v in values]
    return np.array([_middle(now) - _middle(then) for then, now in kept])


def _middle(values: Floats) -> float:
    """Log of the median of what is above zero; NaN without any."""
    some = values[values > 0]
    return float(np.log(np.median(some))) if some.size else np.nan

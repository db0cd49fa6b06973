"""稀释排放: flow up and every concentration down by the same factor (D20)."""

from typing import Any

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.row_median import row_median
from services.detect.kernels.series import Floats, Ints
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
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
_LEAST_FACTORS = 2


def effluent_dilution(panel: Panel, rule: Rule) -> list[Sign]:
    """稀释排放: the flow's rise and the fall of the least fallen factor, both against the own past.

    Clean water added before the monitor lifts the flow by a factor and lowers every concentration
    and the conductivity by the same one, so that log c + log Q stays. The score is the weaker of
    the two shifts; the identity must hold within `identity`. Rain in a combined sewer does the
    same: look at the rain and at neighbours, at the water meter and the production.
    """
    outlets = [own for rows in panel.rows_of.values() if (own := _outlet(panel, rows))]
    if not outlets:
        return []
    used, found = panel.series.masked, []
    flows = np.array([flow for flow, _ in outlets], dtype=np.int64)
    rows = np.array([factors[0] for _, factors in outlets], dtype=np.int64)
    for hours in (rule.number("window_h"), 3 * rule.number("window_h")):
        flow = logs(means(panel, used[flows], hours))
        rise = against_past(panel, rule, rows, flow, None, hours=hours)
        fall, change = _falls(panel, rule, [factors for _, factors in outlets], hours)
        found += _signs(rule, rise, fall, change, outlets)
    return found


def _falls(
    panel: Panel, rule: Rule, factors: list[list[int]], hours: float
) -> tuple[Floats, Floats]:
    """(outlets x K): fall of the least fallen factor in own scatters, and median log change."""
    rows: Ints = np.concatenate([np.array(own, dtype=np.int64) for own in factors])
    level = logs(means(panel, panel.series.masked[rows], hours))
    shift = against_past(panel, rule, rows, level, None, hours=hours).shift
    known, change = np.isfinite(shift.z), level - shift.expected
    first = np.cumsum([0, *(len(own) for own in factors[:-1])])
    least = np.minimum.reduceat(np.where(known, -shift.z, np.inf), first, axis=0)
    enough = np.add.reduceat(known.astype(np.int64), first, axis=0) >= _LEAST_FACTORS
    middle = [row_median(part.T) for part in np.split(change, first[1:])]
    return np.where(enough, least, np.nan), np.stack(middle)


def _signs(
    rule: Rule, rise: Tested, fall: Floats, change: Floats, outlets: list[tuple[int, list[int]]]
) -> list[Sign]:
    more = rise.value - rise.shift.expected
    with np.errstate(invalid="ignore"):
        holds = np.abs(more + change) < rule.number("identity") * np.maximum(np.abs(more), 0.1)
        holds &= more > np.log(rule.number("least_factor"))
    score = np.where(holds, np.fmin(rise.shift.z, fall), np.nan)
    score[np.isnan(fall)] = np.nan

    def tell(at: int, k: int) -> dict[str, Any]:
        flow, factors = outlets[at]
        return {
            "statistic": float(np.exp(more[at, k])),
            "value": float(np.exp(change[at, k])),
            "expected": 1.0,
            "silent_at": rule.number("least_factor"),
            "others": (flow, *factors[1:]),
            "variant": "with_flow",
        }

    return signs_of(rule, rise, score, tell)


def _outlet(panel: Panel, rows: list[int]) -> tuple[int, list[int]] | None:
    """Flow and concentrations of a water outlet that has two at least; conductivity is one."""
    roles = [panel.roles[r] for r in rows]
    factors = [r for r, role in zip(rows, roles, strict=True) if role is Role.POLLUTANT]
    salts = [r for r, role in zip(rows, roles, strict=True) if role is Role.CONDUCTIVITY]
    flows = [r for r, role in zip(rows, roles, strict=True) if role is Role.FLOW]
    whole = flows and factors and len(factors) + len(salts) >= _LEAST_FACTORS
    return (flows[0], factors + salts) if whole and Role.OXYGEN not in roles else None

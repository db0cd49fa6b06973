"""治污用电不符: treatment that draws less power than the production asks for (D24)."""

import dataclasses
from typing import Any

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.link_shift import LinkShift
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
    partners,
    rows_with,
    signs_of,
)

needs_days = history_needed
_LAGS = (0, 1, 2)
_OFF = 1e-4


def power_mismatch(panel: Panel, rule: Rule) -> list[Sign]:
    """治污未开: log power of the treatment below its own line on log power of the production.

    Fans and burners follow production with a delay, so a window must be odd against the production
    of the same hours and of earlier ones alike, and production must have run in all of them: what
    fans do at night and at start-up says nothing. How far treatment falls below its line by itself
    (its own 1 % point in the same class of production) is taken off the score.
    """
    rows = rows_with(panel, Role.TREATMENT_POWER)
    runs = partners(panel, rows, Role.PRODUCTION_POWER, Role.LOAD)
    rows, runs = rows[runs >= 0], runs[runs >= 0]
    found = []
    for hours in (rule.number("window_h"), rule.number("window_h") / 2) if rows.size else ():
        found += _signs(rule, _least_odd(panel, rule, rows, runs, hours), runs)
    return found


def _least_odd(panel: Panel, rule: Rule, rows: Ints, runs: Ints, hours: float) -> Tested:
    """The judgement by that lag of production which excuses the treatment best."""
    used = panel.series.masked
    run = means(panel, used[runs], hours)
    # Nothing below a ten-thousandth of the production is told apart from off.
    treat = np.maximum(means(panel, used[rows], hours), _OFF * run)
    lagged = [
        against_past(
            panel, rule, rows, logs(treat), _before(logs(run), lag), hours=hours,
            x_above=rule.number("busy_share"), classes=rule.hours("classes"),
        )
        for lag in _LAGS
    ]  # fmt: skip
    z = np.stack([one.shift.z for one in lagged])
    best = np.argmax(np.where(np.isnan(z), np.inf, z), axis=0)[
        None
    ]  # not evaluated by one = by all
    shift = LinkShift(
        *(
            np.take_along_axis(np.stack(parts), best, axis=0)[0]
            for parts in zip(*(one.shift for one in lagged), strict=True)
        )
    )
    return dataclasses.replace(lagged[0], value=treat, shift=shift)


def _before(values: Floats, lag: int) -> Floats:
    """Values of so many windows earlier."""
    nothing = np.full((values.shape[0], lag), np.nan)
    return np.concatenate([nothing, values[:, : values.shape[1] - lag]], axis=1)


def _signs(rule: Rule, tested: Tested, runs: Ints) -> list[Sign]:
    shift, floor = tested.shift, rule.number("floor")
    own = np.fmin(shift.low, 0.0)

    def tell(at: int, k: int) -> dict[str, Any]:
        expected = float(shift.expected[at, k])
        silent = expected + float((own[at, k] - floor) * shift.scale[at, k])
        return {
            "statistic": -float(shift.z[at, k]),
            "value": float(tested.value[at, k]),
            "expected": float(np.exp(expected)),
            "silent_at": float(np.exp(silent)),
            "others": (int(runs[at]),),
            "variant": "treatment_low",
        }

    return signs_of(rule, tested, own - shift.z, tell)

"""量程漂移: a level that moves along a straight line for weeks (D14)."""

from collections.abc import Sequence

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.row_median import row_median
from services.detect.kernels.series import Floats
from services.detect.kernels.straight_trend import Trend, straight_trend
from services.detect.screening.daily_levels import DailyLevels, beside_sisters, daily_levels, kin
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign
from services.detect.screening.windows import worst


def needs_days(rule: Rule) -> float:
    """Days of own history: the line, and days before it that tell the usual level."""
    return rule.number("window_days") + rule.number("least_past_days")


def level_drift(panel: Panel, rule: Rule) -> list[Sign]:
    """量程漂移 (D14): the low quarter of each day on a straight line, less what sisters explain.

    Where other factors of the outlet, or the same factor at another outlet of the owner, explain
    half of the own past, their share is taken off: a drift of one analyser then stands alone.
    Without them a single series has little power: zero and span checks (`check_error`) close it.
    """
    window = rule.hours("window_days")
    levels = daily_levels(panel, rule.number("quiet_share"))
    error = rule.number("least_error")
    trend = straight_trend(levels.log, width=window, least_error=error)
    least = rule.number("least_change")
    score = _away(levels.log, trend, rule)
    sisters = kin(panel, levels.rows)
    signs = []
    since = panel.judged_since()[levels.rows]
    for at, day in worst(score, rule.number("floor"), 1):
        end = levels.cell(panel, day)
        if end <= since[at]:
            continue
        others, t = _alone(levels, sisters.get(at, []), (at, day), rule)
        if not others:
            t = float(trend.t[at, day])
        if abs(t) < rule.number("floor"):
            continue
        change = float(trend.change[at, day])
        signs.append(
            Sign(
                row=int(levels.rows[at]), end=end, begin=max(0, end - window * panel.per_day),
                test=rule.id, score=abs(t),
                statistic=100 * float(np.expm1(change)),
                value=float(np.exp(levels.log[at, day])),
                expected=float(np.exp(levels.log[at, day] - change)),
                silent_at=100 * float(np.expm1(np.sign(change) * least)),
                others=tuple(int(levels.rows[k]) for k in others),
                variant=("up" if change > 0 else "down") + ("_alone" if others else ""),
            )
        )  # fmt: skip
    return signs


def _away(log: Floats, trend: Trend, rule: Rule) -> Floats:
    """Slope over its error of lines that lead away from the usual level; NaN for all others.

    A flood or a shock load that drains away is the straightest line of all, and leads back.
    """
    with np.errstate(invalid="ignore"):
        big = np.abs(trend.change) >= rule.number("least_change")
        score = np.where(big, np.abs(trend.t), np.nan)
        told = score >= rule.number("floor")
    width = rule.hours("window_days")
    half = trend.change / 2 * (width - 1) / width
    first = width + rule.hours("least_past_days") - 1
    score[:, :first] = np.nan
    for day in range(first, log.shape[1]):
        rows = np.flatnonzero(told[:, day])
        usual = row_median(log[rows, : day + 1 - width])
        middle = trend.middle[rows, day] - usual
        back = np.abs(middle + half[rows, day]) < np.abs(middle - half[rows, day])
        score[rows[back], day] = np.nan
    return score


def _alone(
    levels: DailyLevels, sets: list[list[int]], place: tuple[int, int], rule: Rule
) -> tuple[Sequence[int], float]:
    """Sisters that explain the past, and slope over error of what they leave; none, 0 without.

    A line that is left in the other direction is the sisters', not this factor's.
    """
    (at, day), window = place, rule.hours("window_days")
    found = beside_sisters(levels.log[:, : day + 1], at, sets, day + 1 - window)
    if found is None:
        return (), 0.0
    both = straight_trend(
        np.stack([levels.log[at, : day + 1], found[1]]), width=window,
        least_error=rule.number("least_error"),
    )  # fmt: skip
    (own, left), change = both.t[:, day], abs(float(both.change[1, day]))
    same = np.sign(own) == np.sign(left) and change >= rule.number("least_change")
    return found[0], float(left) if same else 0.0

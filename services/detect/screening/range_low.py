"""量程上限过低: peaks cut at one and the same largest value (D05, D04 without a limit)."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.day_quantile import day_quantile
from services.detect.kernels.repeated_top import repeated_top
from services.detect.kernels.series import Series
from services.detect.screening.jumps import measured_rows
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign
from services.detect.screening.windows import worst


def needs_days(rule: Rule) -> float:
    """Days of the window."""
    return rule.number("window_days") / 2


def range_low(panel: Panel, rule: Rule) -> list[Sign]:
    """量程上限过低 (D05): the day's maximum is the same top value on many days of a month.

    Values flagged T (over range) are part of it: they are what the range cut. The range itself, as
    a parameter, closes the gap between a range and a software limiter.
    """
    rows, width = measured_rows(panel), rule.hours("window_days")
    signs = []
    for at in range(0, len(rows), 128):
        part = rows[at : at + 128]
        series = Series(panel.series.values[part], panel.series.valid[part])
        found = repeated_top(
            day_quantile(series, panel.per_day, 1.0), width=width, least=rule.hours("least_days")
        )
        since = panel.judged_since()[part]
        for k, day in worst(found.score, rule.number("floor"), 7):
            end = (day + 1) * panel.per_day
            begin = max(0, end - width * panel.per_day)
            if end > since[k] and _varies(series, k, begin, end, float(found.top[k, day])):
                signs.append(
                    Sign(
                        row=int(part[k]), end=end, begin=begin,
                        test=rule.id, score=float(found.score[k, day]),
                        statistic=float(found.days[k, day]), value=float(found.top[k, day]),
                        expected=1.0, silent_at=rule.number("least_days") - 1,
                        variant=_variant(float(found.top[k, day]), float(panel.limit[part[k]])),
                    )
                )  # fmt: skip
    return signs


def _varies(series: Series, at: int, begin: int, end: int, top: float) -> bool:
    """Whether most values lie beneath the top: else it is a constant, which is another test's."""
    values = series.masked[at, begin:end]
    return bool((values < top).sum() > np.isfinite(values).sum() / 2)


def _variant(top: float, limit: float) -> str:
    """Where the top lies: at the limit it is what a limiter would be set to."""
    if not np.isfinite(limit):
        return "no_limit"
    return "at_limit" if 0.9 * limit <= top <= limit else "off_limit"

"""参数改动: slope, range or coefficient of an analyser changed without a report (D06)."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.row_median import row_median
from services.detect.screening.panel import Panel, ParameterValue
from services.detect.screening.sign import Sign

#: Names of parameters that are added; all others multiply.
_ADDED = ("intercept", "offset", "zero", "截距", "零点")


_Change = tuple[ParameterValue, ParameterValue]


def needs_days(_: Rule) -> float:
    """No history: two values of a log."""
    return 0.0


def parameter_change(panel: Panel, rule: Rule) -> list[Sign]:
    """参数改动 (D06): a parameter differs from the one before it and nobody reported it.

    Said when it is read; said again, with a higher score, when the level has moved by the very
    factor. This is the datum that makes a rescaling certain where the level alone (`scale_change`)
    is a guess.
    """
    signs = []
    since = panel.judged_since()
    for before, after in _changes(panel):
        factor = _factor(panel, before, after, rule)
        if abs(np.log(factor)) < np.log1p(rule.number("least_change")):
            continue
        score = rule.number("base_score") + abs(float(np.log(factor)))
        if after.cell >= since[after.row]:
            signs.append(_sign(rule, (before, after), after.cell + 1, score))
        wait = round(rule.number("compare_days") * panel.per_day)
        end = after.cell + wait + 1
        level = _level_ratio(panel, after, wait)
        if since[after.row] < end and _followed(level, factor, rule):
            added = rule.number("level_score")
            signs.append(_sign(rule, (before, after), end, score + added, level))
    return signs


def _changes(panel: Panel) -> Iterator[_Change]:
    """Neighbouring values of one parameter that differ, the later unreported."""
    log: dict[tuple[int, str], list[ParameterValue]] = {}
    for value in sorted(panel.parameters, key=lambda p: p.cell):
        log.setdefault((value.row, value.name), []).append(value)
    for values in log.values():
        for before, after in pairwise(values):
            if before.value != after.value and not after.reported and after.cell < panel.cells:
                yield before, after


def _factor(panel: Panel, before: ParameterValue, after: ParameterValue, rule: Rule) -> float:
    """What the change does to a usual value: a factor."""
    added = any(word in after.name.lower() for word in _ADDED)
    if not added and before.value * after.value > 0:
        return after.value / before.value
    days = round(rule.number("compare_days") * panel.per_day)
    usual = _median(panel, after.row, after.cell - days, after.cell)
    if not usual > 0:
        usual = abs(before.value) or 1.0
    return float(np.clip(1 + (after.value - before.value) / usual, 0.01, 100.0))


def _followed(level: float, factor: float, rule: Rule) -> bool:
    """Whether the level is nearer to the factor than to where it was, by a share of the way."""
    way = abs(np.log(factor))
    if level <= 0 or way < np.log1p(rule.number("least_followed")):
        return False
    return bool(abs(np.log(level / factor)) < rule.number("followed_share") * way)


def _level_ratio(panel: Panel, after: ParameterValue, wait: int) -> float:
    """Level of the days after the change over that of the days before; 0 where not known."""
    if after.cell + wait + 1 > panel.cells:
        return 0.0
    before = _median(panel, after.row, after.cell - wait, after.cell)
    later = _median(panel, after.row, after.cell + 1, after.cell + wait + 1)
    ratio = later / before if before > 0 else 0.0
    return ratio if np.isfinite(ratio) else 0.0


def _median(panel: Panel, row: int, begin: int, end: int) -> float:
    inside = panel.series.masked[row : row + 1, max(0, begin) : max(0, end)]
    return float(row_median(inside)[0])


def _sign(rule: Rule, change: _Change, end: int, score: float, level: float = np.nan) -> Sign:
    before, after = change
    return Sign(
        row=after.row, end=end, begin=max(0, after.cell), test=rule.id, score=score,
        statistic=100 * level if np.isfinite(level) else 100.0,
        value=after.value, expected=before.value, silent_at=before.value,
        variant="level_moved" if np.isfinite(level) else "unreported",
    )  # fmt: skip

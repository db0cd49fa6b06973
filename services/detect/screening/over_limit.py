"""超限: values above the limit, plainly."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign


def needs_days(_: Rule) -> float:
    """No history: a limit is a limit."""
    return 0.0


def over_limit(panel: Panel, rule: Rule) -> list[Sign]:
    """超限: each episode of valid values above the limit, and again when it has clearly grown.

    A plain fact and no sign of falsified data by itself: it is the other half of what an inspector
    looks at. Which mean is judged, rounding and exemptions are the matter of `hourly_exceedance`.
    """
    x = panel.series.masked
    with np.errstate(invalid="ignore", divide="ignore"):
        over = x > panel.limit[:, None]
    pause = panel.cells_of(rule.number("merge_within_h"))
    since = panel.judged_since()
    signs: list[Sign] = []
    for row in np.flatnonzero(over.any(axis=1)):
        begin, last, said = -1, -pause - 1, 0.0
        for cell in np.flatnonzero(over[row]):
            if cell - last > pause:
                begin, said = int(cell), 0.0
            last = int(cell)
            times = float(x[row, cell] / panel.limit[row])
            if times > said * (1 + rule.number("worse_by")):
                said = times
                if cell >= since[row]:
                    signs.append(_sign(panel, rule, int(row), begin, last))
    return signs


def _sign(panel: Panel, rule: Rule, row: int, begin: int, cell: int) -> Sign:
    inside = panel.series.masked[row, begin : cell + 1]
    limit, top = float(panel.limit[row]), float(np.nanmax(inside))
    excess = top / limit - 1 if limit > 0 else 1.0
    return Sign(
        row=row, end=cell + 1, begin=begin, test=rule.id, score=1.0 + excess,
        statistic=100 * excess, value=top, expected=limit, silent_at=limit,
    )  # fmt: skip

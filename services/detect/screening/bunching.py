"""压限: values held just under the limit (D04)."""

from collections.abc import Iterator

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.ceiling_pressure import ceiling_pressure
from services.detect.kernels.series import Floats, Ints, Series
from services.detect.screening.jumps import block_days, history_needed, least_history
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign
from services.detect.screening.windows import worst

_ROWS = 128

needs_days = history_needed


def bunching(panel: Panel, rule: Rule) -> list[Sign]:
    """压限 (D04): the chance that own moves at this level never crossed the limit for days.

    The own record before the window is taken off: a plant that has always worked close to its
    limit is silent. What closes the rest of the gap is what the value would have been: load,
    inlet, reagent feed, and the limiter's parameter log.
    """
    window = round(rule.number("window_days") * panel.per_day)
    signs = []
    for rows in _close(panel, rule):
        series = Series(panel.series.values[rows], panel.series.valid[rows])
        found = ceiling_pressure(
            series,
            panel.limit[rows],
            window=window,
            block=block_days(panel) * panel.per_day,
            least=least_history(panel, rule),
        )
        record = _record(found.evidence, window)
        since = panel.judged_since()[rows]
        for at, cell in worst(found.evidence - record, rule.number("floor"), panel.per_day):
            begin = max(0, cell + 1 - window)
            inside = series.masked[at, begin : cell + 1]
            top, limit = float(np.nanmax(inside)), float(panel.limit[rows[at]])
            if cell < since[at] or top <= rule.number("near") * limit:
                continue
            evidence, before = float(found.evidence[at, cell]), float(record[at, cell])
            signs.append(
                Sign(
                    row=int(rows[at]),
                    end=cell + 1,
                    begin=begin,
                    test=rule.id,
                    score=evidence - before,
                    statistic=evidence,
                    value=top,
                    expected=limit,
                    silent_at=before + rule.number("floor"),
                    variant=_variant(inside[inside > limit - 2 * found.moves[at, cell]]),
                )
            )
    return signs


def _close(panel: Panel, rule: Rule) -> Iterator[Ints]:
    """Rows that came near their limit, some at a time."""
    with np.errstate(invalid="ignore"):
        near = panel.received & (panel.value > rule.number("near") * panel.limit[:, None])
    rows = np.flatnonzero(near.any(axis=1))
    for at in range(0, len(rows), _ROWS):
        yield rows[at : at + _ROWS]


def _record(evidence: Floats, window: int) -> Floats:
    """Largest evidence of windows that ended before this one began."""
    best = np.maximum.accumulate(np.nan_to_num(evidence), axis=1)
    found = np.zeros(evidence.shape)
    found[:, window:] = best[:, :-window]
    return found


def _variant(high: Floats) -> str:
    """Whether the values under the limit are one and the same (a limiter) or vary."""
    return "flat" if high.size > 1 and np.ptp(high) == 0 else "varied"

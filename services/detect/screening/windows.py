"""判断窗口: windows over a panel, and which of many overlapping ones become signs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.link_shift import LinkShift, Reference, Windows, link_shift
from services.detect.kernels.series import Bools, Floats, Ints, Series
from services.detect.kernels.window_mean import window_mean
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign

#: What tells how hard a plant runs, best first.
LOADS = (Role.LOAD, Role.PRODUCTION_POWER, Role.FLOW)
_WORSE = 1.15
_A_WINDOW = 4
#: Share of the windows of the least history that must be known.
_KNOWN = 0.8


@dataclass(frozen=True)
class Tested:
    """窗口判断: windows of some rows against their own past."""

    rows: Ints
    """(R,): rows of the panel."""
    cells: int
    """Length of a window."""
    end: Ints
    """(K,): cell after each window."""
    value: Floats
    """(R x K): what was judged."""
    shift: LinkShift
    """(R x K) each."""
    a_day: int
    """Windows that end within a day, one at least."""


def means(
    panel: Panel, values: Floats, hours: float, *, least: int = 1, share: float = 0.5
) -> Floats:
    """(R x K): means over windows of some hours, four windows to a window's length.

    A window in which less than `share` of the cells is known has none.
    """
    cells = panel.cells_of(hours, least)
    return window_mean(Series.of(values), cells, _step(cells), min_share=share).mean


def against_past(
    panel: Panel, rule: Rule, rows: Ints, value: Floats, link: Floats | None,
    *, hours: float, least: int = 1, step: int = 0, **more: Any,
) -> Tested:  # fmt: skip
    """Judge windows from `means` by the rule's history_days, guard_days, min_history_days.

    `link` is another quantity of the same windows that explains the value; `step` cells from one
    window to the next where they are not from `means`; `more` are fields of `Reference`.
    """
    cells = panel.cells_of(hours, least)
    step = step or _step(cells)
    end = -(-cells // step) * step + step * np.arange(value.shape[1], dtype=np.int64)
    own = Reference(
        days=rule.hours("history_days"),
        guard=round(rule.number("guard_days") * panel.per_day),
        least=max(8, round(_KNOWN * rule.number("min_history_days") * panel.per_day / step)),
        **{"least_scale": rule.number("least_scale"), **more},
    )
    windows = Windows(end, panel.per_day, _judged(panel, rows, end))
    shift = link_shift(value, link, windows, own)
    return Tested(rows, cells, end, value, shift, max(1, panel.per_day // step))


def signs_of(
    rule: Rule, tested: Tested, score: Floats, tell: Callable[[int, int], dict[str, Any]]
) -> list[Sign]:
    """A sign for each new worst window; `tell` gives the sign's other fields at [row, window]."""
    return [
        Sign(
            row=int(tested.rows[at]),
            end=int(tested.end[k]),
            test=rule.id,
            score=float(score[at, k]),
            **{"begin": int(tested.end[k]) - tested.cells, **tell(at, k)},
        )
        for at, k in worst(score, rule.number("floor"), tested.a_day)
    ]


def worst(score: Floats, floor: float, again: int) -> Iterator[tuple[int, int]]:
    """Row and window of each new worst of a run above the floor, and every `again` windows.

    A run of windows above the floor says one thing; it is said at once, when it is clearly worse
    (by 15 %), and again while it lasts, so that a sign is never older than what it tells.
    """
    with np.errstate(invalid="ignore"):
        above = score >= floor
    for row in np.flatnonzero(above.any(axis=1)):
        last, said = -again - 1, np.inf
        for k in np.flatnonzero(above[row]):
            if k - last > again or score[row, k] > said * _WORSE:
                yield int(row), int(k)
                last, said = int(k), float(score[row, k])


def beyond_own_tail(shift: LinkShift, *, low: bool = True, high: bool = True) -> Floats:
    """How far z lies beyond the own 1 % (or 99 %) point: weekends and batches are in there."""
    down = np.fmin(shift.low, 0.0) - shift.z
    up = shift.z - np.fmax(shift.high, 0.0)
    if not low:
        return up
    return np.fmax(down, up) if high else down


def history_needed(rule: Rule) -> float:
    """Days of own history before anything is evaluated."""
    return rule.number("min_history_days") + rule.number("guard_days")


def rows_with(panel: Panel, *roles: Role) -> Ints:
    """Rows that have one of the roles."""
    return np.array([r for r, role in enumerate(panel.roles) if role in roles], dtype=np.int64)


def partners(panel: Panel, rows: Ints, *roles: Role) -> Ints:
    """(R,): first other row of the outlet with one of the roles, in their order; -1 = none."""

    def one(row: int) -> int:
        for role in roles:
            if found := panel.sisters(row, role):
                return found[0]
        return -1

    return np.array([one(int(r)) for r in rows], dtype=np.int64)


def logs(values: Floats) -> Floats:
    """Natural logs; NaN where a value is not above zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(values > 0, np.log(values), np.nan)
    return found


def _judged(panel: Panel, rows: Ints, end: Ints) -> Bools:
    """(rows x windows): windows that end with data to judge."""
    inside: Bools = end[None, :] > panel.judged_since()[rows][:, None]
    return inside & (end[None, :] <= panel.end[rows][:, None])


def _step(cells: int) -> int:
    return max(1, cells // _A_WINDOW)


def past_level(panel: Panel, values: Floats) -> Floats:
    """(rows x cells): mean of all earlier days; NaN on the first day with data."""
    days = np.arange(panel.cells) // panel.per_day
    starts = np.arange(0, panel.cells, panel.per_day)
    known = np.isfinite(values)
    total, count = np.zeros((2, len(values), starts.size + 1))
    parts = ((total, np.where(known, values, 0.0)), (count, known.astype(np.float64)))
    for whole, part in parts:
        np.cumsum(np.add.reduceat(part, starts, axis=1), axis=1, out=whole[:, 1:])
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (total / count)[:, days]
    return found

"""日水平: logs of a low value of each day, and what of them sister factors explain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.detect.kernels.day_quantile import day_quantile
from services.detect.kernels.series import Floats, Ints, Series
from services.detect.screening.jumps import measured_rows
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role

_LEAST_OF_USUAL = 0.02
#: Share of the variance that sisters must explain before they are taken off.
_EXPLAINED = 0.5
_LEAST_DAYS = 14
#: They follow load and season; chemistry tests judge them.
_BY_LOAD = frozenset({Role.OXYGEN, Role.TEMPERATURE, Role.MOISTURE})
_MOVED_BY_PROCESS = frozenset({Role.POLLUTANT, Role.CONVERTED, Role.INLET, Role.CONDUCTIVITY})


@dataclass(frozen=True)
class DailyLevels:
    """Log levels of the days of the rows that an analyser measures."""

    rows: Ints
    log: Floats
    """(rows x days)."""

    def cell(self, panel: Panel, day: int) -> int:
        """Cell after a day."""
        return (day + 1) * panel.per_day


def daily_levels(panel: Panel, share: float, rows: Ints | None = None) -> DailyLevels:
    """Logs of a quantile of each day, held above a fiftieth of the usual level so far."""
    if rows is None:
        some = np.array(
            [r for r in measured_rows(panel) if panel.roles[r] not in _BY_LOAD], np.int64
        )
    else:
        some = rows
    found = np.full((len(some), panel.cells // panel.per_day), np.nan)
    for at in range(0, len(some), 128):
        part = some[at : at + 128]
        series = Series(panel.series.values[part], panel.series.valid[part])
        low = day_quantile(series, panel.per_day, share)
        middle = day_quantile(series, panel.per_day, 0.5)
        known = np.isfinite(middle)
        total = np.cumsum(np.where(known, np.abs(middle), 0.0), axis=1)
        usual = total / np.maximum(np.cumsum(known, axis=1), 1)
        held = np.maximum(low, _LEAST_OF_USUAL * usual)
        with np.errstate(invalid="ignore", divide="ignore"):
            found[at : at + 128] = np.where(held > 0, np.log(held), np.nan)
    return DailyLevels(some, found)


def kin(panel: Panel, rows: Ints) -> dict[int, list[list[int]]]:
    """Places in `rows` of the sisters of each place: the owner's other outlets, then the outlet's.

    The same factor at other outlets of the owner tells more than other factors of the outlet.
    """
    place = {int(row): k for k, row in enumerate(rows)}
    by_owner: dict[tuple[str, str], list[int]] = {}
    for row in place:
        by_owner.setdefault((panel.enterprise[row], panel.keys[row].factor), []).append(row)
    found: dict[int, list[list[int]]] = {}
    for row, k in place.items():
        if panel.roles[row] not in _MOVED_BY_PROCESS:
            continue
        name, outlet = _analyser(panel, row), panel.keys[row].outlet_id
        elsewhere = by_owner[panel.enterprise[row], panel.keys[row].factor]
        sets = [
            [r for r in elsewhere if panel.keys[r].outlet_id != outlet],
            [
                r for r in panel.sisters(row, *_MOVED_BY_PROCESS)
                if r in place and _analyser(panel, r) != name
            ],
        ]  # fmt: skip
        found[k] = [[place[r] for r in several] for several in sets if several]
    return {k: sets for k, sets in found.items() if sets}


def _analyser(panel: Panel, row: int) -> str:
    """What is measured: a converted value comes from the same analyser as the measured one."""
    return panel.keys[row].factor.removesuffix("_zs")


def beside_sisters(
    log: Floats, at: int, sets: Sequence[Sequence[int]], days: int
) -> tuple[Sequence[int], Floats] | None:
    """Log levels of a place less the share of the first sisters that explain half of it; or None.

    The link is learnt on the first `days`, which are not to be judged by it: a link that goes on
    learning would learn the change.
    """
    for others in sets:
        known = np.isfinite(log[others])
        total = np.where(known, log[others], 0.0).sum(axis=0)
        other = np.where(known.all(axis=0), total / len(others), np.nan)
        slope = _slope(other[:days], log[at, :days])
        if slope is not None:
            return others, log[at] - slope * other
    return None


def _slope(x: Floats, y: Floats) -> float | None:
    """Slope of y on x; None where x explains less than half of y or too few days are known."""
    both = np.isfinite(x) & np.isfinite(y)
    if both.sum() < _LEAST_DAYS:
        return None
    dx, dy = x[both] - x[both].mean(), y[both] - y[both].mean()
    sxx, syy, sxy = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    if sxx <= 0 or syy <= 0 or sxy * sxy < _EXPLAINED * sxx * syy:
        return None
    return sxy / sxx

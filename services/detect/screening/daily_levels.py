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
    """Logs of the low quantile of each day, held above a fiftieth of the usual level so far."""
    some = measured_rows(panel) if rows is None else rows
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


def kin(panel: Panel, rows: Ints) -> dict[int, list[int]]:
    """Places in `rows` of the sisters of each place: same outlet, or same factor and owner."""
    place = {int(row): k for k, row in enumerate(rows)}
    by_owner: dict[tuple[str, str], list[int]] = {}
    for row in place:
        by_owner.setdefault((panel.enterprise[row], panel.keys[row].factor), []).append(row)
    found: dict[int, list[int]] = {}
    for row, k in place.items():
        if panel.roles[row] not in _MOVED_BY_PROCESS:
            continue
        same = [r for r in panel.sisters(row, *_MOVED_BY_PROCESS) if r in place]
        owner = by_owner[panel.enterprise[row], panel.keys[row].factor]
        others = sorted({*same, *owner} - {row})
        if others:
            found[k] = [place[r] for r in others]
    return found


def unexplained(own: Floats, sisters: Sequence[Floats], end: int, window: int) -> Floats | None:
    """Log levels of the days to `end` less what sisters explain; None where they explain little.

    The link is learnt on the days before the window and so does not know what happens in it.
    """
    with np.errstate(invalid="ignore"):
        known = np.isfinite(np.stack(sisters))
        total = np.where(known, np.stack(sisters), 0.0).sum(axis=0)
    other = np.where(known.all(axis=0), total / len(sisters), np.nan)[: end + 1]
    mine = own[: end + 1]
    past = slice(0, max(0, end + 1 - window))
    both = np.isfinite(mine[past]) & np.isfinite(other[past])
    if both.sum() < _LEAST_DAYS:
        return None
    x, y = other[past][both], mine[past][both]
    dx, dy = x - x.mean(), y - y.mean()
    sxx, syy, sxy = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    if sxx <= 0 or syy <= 0 or sxy * sxy < _EXPLAINED * sxx * syy:
        return None
    return mine - (sxy / sxx) * other

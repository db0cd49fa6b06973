"""粗网格: a panel's values as means of longer cells, where single minutes say little."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Series
from services.detect.screening.panel import Panel


class Coarse(NamedTuple):
    """Means over `times` cells each."""

    series: Series
    times: int
    per_day: int
    per_hour: float


def coarse(panel: Panel, least_min: int) -> Coarse:
    """粗网格 of at least so many minutes a cell; a mean needs half its cells."""
    times = max(1, least_min // panel.step_min)
    while panel.per_day % times:
        times -= 1
    if times == 1:
        return Coarse(panel.series, 1, panel.per_day, panel.per_hour)
    rows, cells = panel.value.shape
    shape = rows, cells // times, times
    values = panel.series.masked[:, : shape[1] * times].reshape(shape)
    count = np.isfinite(values).sum(axis=2)
    mean = np.nansum(values, axis=2) / np.maximum(count, 1)
    found = Series.of(mean, 2 * count >= times)
    return Coarse(found, times, panel.per_day // times, panel.per_hour / times)

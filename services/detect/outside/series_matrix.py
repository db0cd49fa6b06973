"""网格与站点矩阵: series of one pollutant side by side, one column a period."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from services.detect.kernels.series import Bools, Floats, Ints
from services.detect.outside.positions import Point
from services.detect.outside.records import Series

#: Turns a median of absolute deviations into a standard deviation of normal scatter.
MAD = 1.4826


@dataclass(frozen=True, eq=False)
class SeriesMatrix:
    """矩阵: value[row, column], NaN = missing. Rows are `series`, columns begin at `start_s`."""

    series: tuple[Series, ...]
    start_s: Ints
    value: Floats

    @property
    def first(self) -> Series:
        """A series that stands for all: they share pollutant, unit, product and period."""
        return self.series[0]

    def end_s(self, column: int) -> int:
        """Moment after a column's period."""
        return int(self.start_s[column]) + self.first.length_s

    def points(self) -> Floats:
        """Positions, one row each: x, y; NaN = not known."""
        return np.array([one.point for one in self.series], dtype=float).reshape(-1, 2)


def matrices(series: Iterable[Series], kind: str) -> list[SeriesMatrix]:
    """矩阵 of each pollutant, product, unit and period of a kind, in order of their names."""
    groups: dict[tuple[str, str, str, int], list[Series]] = {}
    for one in series:
        if one.kind == kind and len(one.start_s):
            key = (one.pollutant, one.product, one.unit, one.length_s)
            groups.setdefault(key, []).append(one)
    return [_matrix(sorted(group, key=_subject)) for _, group in sorted(groups.items())]


def _subject(one: Series) -> str:
    return one.subject


def _matrix(series: list[Series]) -> SeriesMatrix:
    start_s = np.unique(np.concatenate([one.start_s for one in series]))
    value = np.full((len(series), len(start_s)), np.nan)
    for row, one in enumerate(series):
        value[row, np.searchsorted(start_s, one.start_s)] = one.value
    return SeriesMatrix(tuple(series), start_s, value)


def robust_scatter(value: Floats, axis: int) -> Floats:
    """稳健离散度: median absolute deviation from the median, scaled to a standard deviation."""
    middle = nanmedian(value, axis)
    return MAD * nanmedian(np.abs(value - np.expand_dims(middle, axis)), axis)


def nanmedian(value: Floats, axis: int) -> Floats:
    """中位数 of what is known; NaN where nothing is, without numpy's warning about it."""
    if not value.shape[axis]:
        return np.full(np.delete(value.shape, axis), np.nan)
    ordered = np.sort(value, axis=axis)  # NaN last
    count = np.isfinite(value).sum(axis=axis, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis)
    high = np.take_along_axis(ordered, np.minimum(count // 2, value.shape[axis] - 1), axis)
    return np.where(count > 0, (low + high) / 2.0, np.nan).squeeze(axis)


def near(points: Floats, point: Point, reach_m: float) -> Bools:
    """Rows within reach of a point; none for a row that is nowhere."""
    return np.hypot(points[:, 0] - point.x, points[:, 1] - point.y) <= reach_m

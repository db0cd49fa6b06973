"""方差异常偏低: segments that move far less than the same part of the day ever did."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.segment_scatter import Scatter
from services.detect.kernels.series import Bools, Floats

_TRIMS = 2
_MAX_SLOPE = 1.5


class LowVariance(NamedTuple):
    """Judgement of every tested segment, of shape (series x segments)."""

    z: Floats
    """Residual of log scatter from the own level line, in MADs; NaN = not evaluated."""
    expected: Floats
    """Scatter that the own history expects at this level."""
    mad: Floats
    """MAD (scaled to sd) of log scatter about the line."""


def low_variance(
    test: Scatter, reference: Scatter, *, parts: int = 3, min_history: int = 30
) -> LowVariance:
    """方差异常偏低 (挂瓶): z of log scatter against the level line of the own part of the day.

    Formula: log s = a + b log level, fitted per series and part of the day on the reference,
    twice trimmed at 3 MAD, 0 <= b <= 1.5; z = (log s - a - b log level) / MAD of the residuals.
    Negative z is too quiet.
    Units: z has none. Both inputs start with the first part of a day and hold whole days.
    Missing data: a segment NaN in either array takes no part; with fewer than `min_history`
    segments of the part in the reference, z is NaN: not evaluated.
    Edges: level or scatter not above zero is not evaluated; so is a series whose residuals have no
    spread (MAD = 0, a reference of one repeated shape).
    Paper: reference/detection.md 2.1; domain G.3.1 (own history is the point: absolute limits fail
    on stable plants); 环发〔2015〕175号 art 4 names the act (replacing samples).
    Fails: closely controlled processes, smooth sensors (pH, temperature, DO), levels at the floor.

    >>> days = np.tile([[2.0, 2.2, 1.8, 2.1, 1.9]], 12)
    >>> own = Scatter(np.repeat(days, 3, axis=1), np.full((1, 180), 50.0))
    >>> z = low_variance(Scatter(np.full((1, 3), 0.2), np.full((1, 3), 50.0)), own).z
    >>> bool((z < -4).all())
    True
    """
    s, level = _by_part(reference, parts)
    a, b, mad, count = _line(s, level)
    s_test, level_test = _by_part(test, parts)
    expected = a[:, None] + b[:, None] * level_test
    usable = ((count >= min_history) & (mad > 0))[:, None] & np.isfinite(s_test)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(usable, (s_test - expected) / mad[:, None], np.nan)
    shown = np.exp(np.where(usable, expected, np.nan))
    spread = np.where(usable, mad[:, None], np.nan)
    return LowVariance(*(_whole(x, test.scatter.shape) for x in (z, shown, spread)))


def _by_part(block: Scatter, parts: int) -> tuple[Floats, Floats]:
    """Logs of scatter and level as (series * parts, days); NaN where either is not above zero."""
    usable = (block.scatter > 0) & (block.level > 0)

    def logs(values: Floats) -> Floats:
        log = np.log(np.where(usable, values, 1.0))
        rows, days = values.shape[0], values.shape[1] // parts
        cut = np.where(usable, log, np.nan).reshape(rows, days, parts)
        return np.ascontiguousarray(cut.transpose(0, 2, 1)).reshape(rows * parts, days)

    return logs(block.scatter), logs(block.level)


def _whole(by_part: Floats, shape: tuple[int, ...]) -> Floats:
    """Back from (series * parts, days) to (series, segments)."""
    days = by_part.shape[1]
    cut = by_part.reshape(shape[0], shape[1] // max(days, 1), days)
    return np.ascontiguousarray(cut.transpose(0, 2, 1)).reshape(shape)


def _line(s: Floats, level: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Intercept, slope, MAD of residuals and number of points of each row, trimmed twice."""
    known = np.isfinite(s)
    kept = known
    for _ in range(_TRIMS + 1):
        a, b = _least_squares(s, level, kept)
        residual = s - a[:, None] - b[:, None] * level
        middle = _median(residual)
        mad = 1.4826 * _median(np.abs(residual - middle[:, None]))
        with np.errstate(invalid="ignore"):
            kept = known & (np.abs(residual - middle[:, None]) <= 3 * mad[:, None])
    return a + middle, b, mad, known.sum(axis=1).astype(np.float64)


def _least_squares(y: Floats, x: Floats, kept: Bools) -> tuple[Floats, Floats]:
    """Line through the kept points of each row, its slope held to 0 .. 1.5."""
    count = np.maximum(kept.sum(axis=1), 1)
    x_mean = np.where(kept, x, 0.0).sum(axis=1) / count
    y_mean = np.where(kept, y, 0.0).sum(axis=1) / count
    dx = np.where(kept, x - x_mean[:, None], 0.0)
    dy = np.where(kept, y - y_mean[:, None], 0.0)
    slope = (dx * dy).sum(axis=1) / np.maximum((dx * dx).sum(axis=1), 1e-12)
    slope = np.clip(slope, 0.0, _MAX_SLOPE)
    return y_mean - slope * x_mean, slope


def _median(rows: Floats) -> Floats:
    """Median of each row, NaN where it has no number (np.nanmedian warns and is slow)."""
    ordered = np.sort(rows, axis=1)
    count = np.isfinite(rows).sum(axis=1)
    if rows.shape[1] == 0:
        return np.full(rows.shape[0], np.nan)
    low = np.take_along_axis(ordered, (np.maximum(count - 1, 0) // 2)[:, None], axis=1)[:, 0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, rows.shape[1] - 1)[:, None], axis=1)[
        :, 0
    ]
    return np.where(count > 0, (low + high) / 2, np.nan)

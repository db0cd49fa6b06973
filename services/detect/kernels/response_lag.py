"""响应滞后: how late and how firmly one quantity answers the changes of another."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats


class ResponseLag(NamedTuple):
    """Judgement of every day, (series x days); NaN = not evaluated."""

    lag: Floats
    """Cells by which y answers x."""
    strength: Floats
    """atanh of the largest |correlation| of increments."""


def response_lag(x: Floats, y: Floats, per_day: int, *, days: int, longest: int) -> ResponseLag:
    """响应滞后 (D38): lag 0 .. `longest` at which increments of y correlate best with those of x.

    Formula: r(k) = sum dx(t - k) dy(t) / sqrt(sum dx(t)^2 sum dy(t)^2) over t in the last `days`
    days; lag = argmax |r(k)|, strength = atanh |r|.
    Null model: none here; the screen holds both against their own past.
    Units: lag in cells, strength without unit. x and y in any, (series x cells).
    Missing data: an increment with a missing end counts as no movement.
    Edges: fewer than half a day of increments in x or y, or no movement: NaN. Cells after the last
    whole day are not looked at. Of equal correlations the smallest lag counts.
    Paper: reference/falsification.csv D38 (response time over the filed one).
    Fails: loads that stand still for days; a daily rhythm, which any lag of a day repeats.

    >>> load = np.round(np.random.default_rng(3).standard_normal((1, 96)), 2)
    >>> got = response_lag(load, np.roll(load, 2), 24, days=2, longest=5)
    >>> float(got.lag[0, -1])
    2.0
    """
    whole = x.shape[1] - x.shape[1] % per_day
    dx, dy = (np.diff(v[:, :whole], axis=1, prepend=np.nan) for v in (x, y))
    moved = [np.isfinite(d) for d in (dx, dy)]
    dx, dy = (np.where(m, d, 0.0) for m, d in zip(moved, (dx, dy), strict=True))
    enough = np.minimum(*(_sums(m.astype(np.float64), per_day, days) for m in moved)) >= per_day / 2
    scale = np.sqrt(_sums(dx * dx, per_day, days) * _sums(dy * dy, per_day, days))
    usable = enough & (scale > 0)
    best, lag = np.full(scale.shape, -np.inf), np.zeros(scale.shape)
    for k in range(min(longest, whole - 1) + 1):
        product = dy.copy()
        product[:, :k] = 0.0
        product[:, k:] *= dx[:, : whole - k]
        strength = np.abs(_sums(product, per_day, days))
        better = strength > best * (1 + 1e-12)
        best, lag = np.where(better, strength, best), np.where(better, float(k), lag)
    firm = np.arctanh(np.clip(best / np.where(usable, scale, 1.0), 0.0, 1 - 1e-9))
    return ResponseLag(np.where(usable, lag, np.nan), np.where(usable, firm, np.nan))


def _sums(values: Floats, per_day: int, days: int) -> Floats:
    """Sums of the last `days` days, per day."""
    each = values.reshape(values.shape[0], values.shape[1] // per_day, per_day).sum(axis=2)
    total: Floats = np.cumsum(each, axis=1)
    total[:, days:] -= total[:, :-days].copy()
    return total

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

    Formula: r(k) = sum dx(t) dy(t + k) / sqrt(sum dx(t)^2 sum dy(t + k)^2) over pairs of the last
    `days` days; lag = argmax |r(k)|, strength = atanh |r|.
    Null model: none here; the screen holds both against their own past.
    Units: lag in cells, strength without unit. x and y in any, (series x cells).
    Missing data: an increment with a missing end takes no part.
    Edges: fewer than half a day of pairs or no movement: NaN. Cells after the last whole day are
    not looked at. Of equal correlations the smallest lag counts.
    Paper: reference/falsification.csv D38 (response time over the filed one).
    Fails: loads that stand still for days; a daily rhythm, which any lag of a day repeats.

    >>> load = np.round(np.random.default_rng(3).standard_normal((1, 96)), 2)
    >>> got = response_lag(load, np.roll(load, 2), 24, days=2, longest=5)
    >>> float(got.lag[0, -1])
    2.0
    """
    whole = x.shape[1] - x.shape[1] % per_day
    dx, dy = (np.diff(v[:, :whole], axis=1, prepend=np.nan) for v in (x, y))
    best = np.full((x.shape[0], whole // per_day), -np.inf)
    lag = np.full(best.shape, np.nan)
    for k in range(min(longest, max(whole - 1, 0)) + 1):
        early = np.concatenate([np.full((x.shape[0], k), np.nan), dx[:, : whole - k]], axis=1)
        strength = _correlation(early, dy, per_day, days)
        better = strength > best + 1e-12
        best, lag = np.where(better, strength, best), np.where(better, float(k), lag)
    known = np.isfinite(best)
    firm = np.arctanh(np.clip(np.where(known, best, 0.0), 0.0, 1 - 1e-9))
    return ResponseLag(lag, np.where(known, firm, np.nan))


def _correlation(a: Floats, b: Floats, per_day: int, days: int) -> Floats:
    """|Correlation| without means of the last `days` days, per day."""
    both = np.isfinite(a) & np.isfinite(b)
    a, b = np.where(both, a, 0.0), np.where(both, b, 0.0)
    parts: tuple[Floats, ...] = (a * b, a * a, b * b, both.astype(np.float64))
    ab, aa, bb, n = (_sums(part, per_day, days) for part in parts)
    scale = np.sqrt(aa * bb)
    usable = (n >= per_day / 2) & (scale > 0)
    return np.where(usable, np.abs(ab) / np.where(scale > 0, scale, 1.0), -np.inf)


def _sums(values: Floats, per_day: int, days: int) -> Floats:
    """Sums of the last `days` days, per day."""
    each = values.reshape(values.shape[0], values.shape[1] // per_day, per_day).sum(axis=2)
    total: Floats = np.cumsum(each, axis=1)
    total[:, days:] -= total[:, :-days].copy()
    return total

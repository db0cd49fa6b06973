"""自身历史线: what a window's statistic should be by the series' own earlier windows."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats

_STEEPEST = 1.5
# Variance of log level below which a slope says nothing: levels within some 15 % of each other.
_FLAT = 0.02


class OwnLine(NamedTuple):
    """Judgement of every window, (series x windows); NaN = not evaluated."""

    z: Floats
    """Distance from the line, as a normal deviate."""
    expected: Floats
    """What the line says."""
    spread: Floats
    """Scale of one window about the line, with what is not known of the line itself."""
    freedom: Floats
    """Degrees of freedom f of the formula behind `z`."""


def own_line(
    y: Floats, x: Floats, *, apart: int, overlap: float, first: int = 0,
    least: float = 3.0, floor: float = 0.15,
) -> OwnLine:  # fmt: skip
    """自身历史线: y of each window against a line in x through all windows that ended before it.

    Formula: y = a + b x by least squares over the windows up to `apart` windows ago, 0 <= b <= 1.5
    (b shrunk by var x / (var x + .02)); spread^2 = (var of residuals + floor^2)
    (1 + 1/m + (x - mean x)^2 / m (var x + .05)), x held to the highest of the
    earlier windows, m = earlier windows / overlap, the number of
    independent ones; t = (y - a - b x) / spread; z = sign t sqrt(f ln(1 + t^2 / f)), f = 2 (m - 1):
    the signed root of the likelihood ratio, so that a short history cannot give a large z. Running
    sums: every window has its own line, at the price of one pass.
    Null model: log scatter of honest windows is normal about the line, windows a window apart being
    independent.
    Units: y and x are logs; `apart` and `overlap` in windows, overlap = windows in a window's span;
    windows before `first` are history and not judged.
    Missing data: a window NaN in either takes no part and is not judged.
    Edges: fewer than `least` independent earlier windows: NaN, not evaluated.
    Paper: reference/detection.md 2.0 (scatter line) and 2.3 (fixed reference: `apart` keeps what is
    tested out of its own reference).
    Fails: what was quiet for weeks makes quiet usual; a level never seen before is judged by a line
    that was drawn elsewhere (its spread grows, and no more).

    >>> y = np.array([[0.0, 0.1, -0.1, 0.0, 0.1, -0.1, -3.0]])
    >>> own_line(y, np.zeros((1, 7)), apart=1, overlap=1.0).z.round(1).tolist()[0][3:]
    [0.0, 0.5, -0.6, -5.8]
    """
    known = np.isfinite(y) & np.isfinite(x)
    y0, x0 = np.where(known, y, 0.0), np.where(known, x, 0.0)
    sums = (known.astype(np.float64), y0, x0, y0 * y0, x0 * x0, x0 * y0)
    count, sy, sx, syy, sxx, sxy = (_before(a, apart, first) for a in sums)
    n = np.maximum(count, 1.0)
    my, mx = sy / n, sx / n
    vx, vy = np.maximum(sxx / n - mx * mx, 0.0), np.maximum(syy / n - my * my, 0.0)
    cov = sxy / n - mx * my
    slope = np.clip(cov / (vx + _FLAT), 0.0, _STEEPEST)
    left = np.maximum(vy - 2 * slope * cov + slope * slope * vx, 0.0) + floor * floor
    m = np.maximum(count / overlap, 1.0)
    # A line is not drawn beyond the highest x it has seen: honest scatter saturates there.
    highest = _highest(np.where(known, x, -np.inf), apart, first)
    beside = np.minimum(x0[:, first:], highest) - mx
    spread = np.sqrt(left * (1 + 1 / m + beside**2 / (m * (vx + 0.05))))
    expected = my + slope * beside
    freedom = 2 * np.maximum(m - 1, 0.5)
    t = (y0[:, first:] - expected) / spread
    z = np.sign(t) * np.sqrt(freedom * np.log1p(t * t / freedom))
    told = np.where(known[:, first:] & (count >= least * overlap), 0.0, np.nan)
    return OwnLine(*(_whole(a + told, y.shape, first) for a in (z, expected, spread, freedom)))


def _before(values: Floats, apart: int, first: int) -> Floats:
    """Sum of each row over the cells up to `apart` cells ago, for the cells from `first` on."""
    rows, cells = values.shape
    sums = np.zeros((rows, cells - first))
    old = max(first - apart, 0)  # cells that even the first one has behind it
    at = max(apart - first, 0)
    if apart < cells and at < cells - first:
        np.cumsum(values[:, old : cells - apart], axis=1, out=sums[:, at:])
        sums[:, at:] += values[:, :old].sum(axis=1)[:, None]
    return sums


def _highest(values: Floats, apart: int, first: int) -> Floats:
    """Highest value of each row up to `apart` cells ago, infinity where there is none."""
    rows, cells = values.shape
    top = np.full((rows, cells - first), np.inf)
    old, at = max(first - apart, 0), max(apart - first, 0)
    if apart < cells and at < cells - first:
        seen = np.maximum.accumulate(values[:, old : cells - apart], axis=1)
        before = values[:, :old].max(axis=1, initial=-np.inf)[:, None]
        seen = np.maximum(seen, before)
        top[:, at:] = np.where(np.isfinite(seen), seen, np.inf)
    return top


def _whole(judged: Floats, shape: tuple[int, ...], first: int) -> Floats:
    """All windows, NaN for those that were not asked for."""
    whole = np.full(shape, np.nan)
    whole[:, first:] = judged
    return whole

"""缩放拟合: how well each of several stretches explains one stretch by level and size alone."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats

_LEAST = 8
_SIZE = 0.5, 2.0  # of roots: a copy is a quarter to four times its source


class ScaledFit(NamedTuple):
    """缩放拟合 of each stretch given."""

    rest: Floats
    """Root mean square of what is left; infinity where too little is common."""
    echo: Floats
    """Lag-1 autocorrelation of what is left, 0 .. 0.98."""


def scaled_fit(own: Floats, sources: Floats) -> ScaledFit:
    """缩放拟合: what is left of own - a - c source, least squares, c held to 1/2 .. 2.

    Formula: c = cov(source, own) / var(source), clipped; a by the means; rest with n - 2. Echo =
    sum e_i e_(i-1) / sum e_i^2 over common cells: noise added to a copy has none, while the
    difference of two days that are only alike wanders.
    Units: those of `own`, roots of values as `innovations` takes them, so c^2 = 1/4 .. 4.
    Missing data: cells NaN in either take no part in that pair.
    Edges: fewer than 8 common cells give infinity: it explains nothing.
    Paper: reference/detection.md 2.1, scaled replay; the ratio of best to next best is Lowe's 2004.
    Fails: a constant stretch is explained by everything; callers compare with other explanations.

    >>> own = np.array([1.0, 3, 2, 5, 4, 4, 1, 2])
    >>> scaled_fit(own, np.array([0.8 * own + 3, own[::-1]])).rest.round(2).tolist()
    [0.0, 1.52]
    """
    both = np.isfinite(own) & np.isfinite(sources)
    count = both.sum(axis=1)
    few = np.maximum(count, 1)
    x = np.where(both, sources, 0.0)
    y = np.where(both, own, 0.0)
    dx = np.where(both, x - (x.sum(axis=1) / few)[:, None], 0.0)
    dy = np.where(both, y - (y.sum(axis=1) / few)[:, None], 0.0)
    size = np.clip((dx * dy).sum(axis=1) / np.maximum((dx * dx).sum(axis=1), 1e-12), *_SIZE)
    left = dy - size[:, None] * dx
    total = (left**2).sum(axis=1)
    rest = np.where(count >= _LEAST, np.sqrt(total / np.maximum(count - 2, 1)), np.inf)
    # Nothing left but the rounding of floats: that has no echo worth a thought.
    least = 1e-9 * (dy**2).sum(axis=1)
    echo = [_echo(e[known], one) for e, known, one in zip(left, both, least, strict=True)]
    return ScaledFit(rest, np.array(echo))


def _echo(left: Floats, least: float) -> float:
    total = max(float(left @ left), float(least), 1e-300)
    return min(max(float(left[1:] @ left[:-1]) / total, 0.0), 0.98)

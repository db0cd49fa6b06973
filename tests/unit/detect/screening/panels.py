"""Panels of made series, for tests of screens."""

import numpy as np

from services.detect.domain.series_key import SeriesKey
from services.detect.screening.panel import Panel


def wandering(rows, cells, seed=1, level=50.0):
    """Honest-looking series: a slow log-normal walk with fresh noise, two decimals."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((rows, cells))
    slow = np.zeros((rows, cells))
    for t in range(1, cells):
        slow[:, t] = 0.95 * slow[:, t - 1] + 0.08 * noise[:, t]
    quick = 0.03 * rng.standard_normal((rows, cells))
    return np.round(level * np.exp(slow + quick), 2)


def panel(values, step_min=60, *, factor="COD", since=None, **fields):
    """A panel with one outlet a row; lists of outlets, factors ... by keyword."""
    values = np.atleast_2d(np.asarray(values, dtype=float))
    rows = len(values)
    outlets = fields.pop("outlets", [f"outlet {r}" for r in range(rows)])
    factors = fields.pop("factors", [factor] * rows)
    fields.setdefault("enterprise", outlets)
    return Panel(
        step_min=step_min,
        start_s=1_704_038_400,
        keys=[SeriesKey(o, f) for o, f in zip(outlets, factors, strict=True)],
        value=values,
        flag=np.zeros(values.shape, dtype=np.uint8),
        marked=fields.pop("marked", np.zeros(values.shape, dtype=bool)),
        limit=np.full(rows, np.nan),
        since=None if since is None else np.full(rows, since, dtype=np.int64),
        **fields,
    )

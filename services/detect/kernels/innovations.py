"""新息: what a series did that its hour of the day and its last move did not foretell."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats, Series


class Innovations(NamedTuple):
    """新息 of (series x time), in units of their own scale."""

    unit: Floats
    """(S, T): NaN where there is none; 0 where the value repeats the last one."""
    scale: Floats
    """(S, days): the unit, in roots of the values; NaN on the first day."""


_DAYS = 3.0  # of no movement, put before the first day so that a short past claims little


def innovations(series: Series, per_day: int, *, clip: float = 4.0) -> Innovations:
    """新息: increments of the root, less the daily habit and the echo of the move before, clipped.

    Formula: d_t = r(x_t) - r(x_(t-1)), r(x) = sign(x) sqrt(|x|), which makes scatter nearly the
    same at all levels and keeps a scaled copy a scaled copy; a_t = d_t - mean of d at this time of
    the day; u_t = a_t - phi a_(t-1), phi the lag-1 autocorrelation of a; clipped at `clip` times
    the mean |u| of moves and divided by it. Mean, phi and scale are those of all days before. A
    value that repeats the last one has u = 0: what a plateau lacks is the habit, not a move.
    Units: none; `per_day` in cells.
    Missing data: NaN where this or the last cell is not valid; a gap breaks the chain.
    Edges: the first day has no scale and is NaN throughout, so is a series that never moved.
    Paper: reference/detection.md 1.6 (test copies on increments) and 2.1 (shifted replay).
    Fails: a coarse analyser repeats itself honestly, and those repeats are left out.

    >>> saw = np.tile([1.0, 4.0, 9.0, 4.0], 6)
    >>> u = innovations(Series.of(saw), 4).unit
    >>> bool(np.isnan(u[0, :4]).all()), bool(np.nanmax(np.abs(u[0, 20:])) < 1.5)
    (True, True)
    """
    rows, cells = series.values.shape
    days = -(-cells // per_day)
    root = np.full((rows, days * per_day), np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        root[:, :cells] = np.sign(series.masked) * np.sqrt(np.abs(series.masked))
    moved = np.diff(root, axis=1, prepend=np.nan)
    habit = _mean_before(moved.reshape(rows, days, per_day))
    apart = moved - habit.reshape(moved.shape)
    last = np.concatenate([np.full((rows, 1), np.nan), apart[:, :-1]], axis=1)
    shape = rows, days, per_day
    echo = _ratio_before(apart * last, last * last, shape)
    fresh = apart - np.repeat(np.clip(echo, -0.95, 0.95), per_day, axis=1) * np.nan_to_num(last)
    fresh = np.where(moved == 0, 0.0, fresh)
    scale = _ratio_before(np.abs(fresh), (fresh != 0) * 1.0, shape)
    each = np.repeat(scale, per_day, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = np.where(each > 0, fresh / each, np.nan)
    return Innovations(np.clip(unit, -clip, clip)[:, :cells], scale)


def _mean_before(moved: Floats) -> Floats:
    """Mean of the same cell of the day over all days before, shrunk to zero."""
    known = np.isfinite(moved)
    total = np.cumsum(np.where(known, moved, 0.0), axis=1)
    count = np.cumsum(known, axis=1)
    mean = np.zeros(moved.shape)
    mean[:, 1:] = total[:, :-1] / (count[:, :-1] + _DAYS)
    return mean


def _ratio_before(top: Floats, bottom: Floats, shape: tuple[int, int, int]) -> Floats:
    """Of each day: sum of `top` over sum of `bottom` over all days before; NaN on the first."""
    known = np.isfinite(top)
    a, b = (
        np.cumsum(np.where(known, part, 0.0).reshape(shape).sum(axis=2), axis=1)
        for part in (top, bottom)
    )
    found = np.full(shape[:2], np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        found[:, 1:] = np.where(b[:, :-1] > 0, a[:, :-1] / b[:, :-1], np.nan)
    return found

"""尾数同习: whether two series prefer the same last digits."""

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.fresh_values import fresh_values
from services.detect.kernels.series import Bools, Floats, Ints, Series

_DIGITS = 10
_COMB = 0.5  # of the square of Cramer's V, 1 where all values end with one digit
_MOVE = 5.0  # grid steps that values must move by, or the last digit only follows the value


def digit_likeness(series: Series, grid: ArrayLike, *, least: int = 200) -> Floats:
    """尾数同习: z of the common preference for last digits, (rows x rows).

    Formula: c_i the counts of round(x / r) mod 10 over n fresh values, x_i = (c_i - n / 10) /
    sqrt(n / 10) its departure from none preferred; z_ij = x_i . x_j / max(|x_i|, |x_j|, 3).
    Null model: digits of fresh values that move by many steps are uniform; x has covariance
    I - 1 / 10: |x| is about 3, and x_i . x_j has mean 0 and variance |x_i|^2 for whatever x_i. Two
    who type numbers by one habit depart alike.
    Units: none; `grid` is (rows,), in the unit of the values.
    Missing data: invalid cells are passed over.
    Edges: rows with fewer than `least` fresh values, without a grid, or whose median move is under
    5 steps are NaN, and so are combs (Cramer's V^2 above 1/2: hardly half of the digits occur) and
    a row with itself.
    Paper: Beber and Scacco 2012, What the numbers say; issue 5, collusion radar.
    Fails: a unit conversion makes a comb that all its users share: callers compare with outlets of
    other operators.

    >>> typed = np.random.default_rng(1).choice([0, 5, 5, 2], (2, 400)) + np.arange(400) * 370 % 900
    >>> fair = np.random.default_rng(2).integers(0, 900, (1, 400))
    >>> z = digit_likeness(Series.of(np.vstack([typed, fair])), np.ones(3))
    >>> bool(z[0, 1] > 10), bool(abs(z[0, 2]) < 5), bool(np.isnan(z[0, 0]))
    (True, True, True)
    """
    rows = len(series.values)
    step = np.asarray(grid, dtype=np.float64)
    fresh = fresh_values(series)
    known = step[fresh.row] > 0
    row = fresh.row[known]
    steps: Floats = np.clip(fresh.value[known] / step[row], -1e15, 1e15)
    whole: Floats = np.round(steps)
    digit = np.mod(whole, _DIGITS).astype(np.int64)
    count = np.bincount(row * _DIGITS + digit, minlength=rows * _DIGITS).reshape(rows, _DIGITS)
    n = count.sum(axis=1)
    away = (count - n[:, None] / _DIGITS) / np.sqrt(np.maximum(n, 1)[:, None] / _DIGITS)
    # A unit or a half step makes a comb of few digits: that is an instrument, no habit.
    comb = (away**2).sum(axis=1) > _COMB * (_DIGITS - 1) * n
    good = (n >= least) & _moves(row, whole, rows) & ~comb
    both = good[:, None] & good & ~np.eye(rows, dtype=bool)
    size = np.maximum(np.sqrt((away**2).sum(axis=1)), 3.0)
    return np.where(both, away @ away.T / np.maximum(size[:, None], size), np.nan)


def _moves(row: Ints, whole: Floats, rows: int) -> Bools:
    """Rows whose values move by enough steps: half of the moves do."""
    far = (np.abs(np.diff(whole)) >= _MOVE) & (row[1:] == row[:-1])
    count = np.bincount(row, minlength=rows)
    return np.asarray(2 * np.bincount(row[1:][far], minlength=rows) >= count)

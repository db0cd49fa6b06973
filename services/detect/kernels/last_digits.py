"""末位数字: whether the last digits of a window are drawn as they used to be."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Bools, Floats, Ints, Series

_DIGITS = 10
_FREEDOM = _DIGITS - 1


class LastDigits(NamedTuple):
    """Judgement of each window, (series x windows); NaN = not evaluated."""

    z: Floats
    """Chi-square of the ten digits against the past, as a normal deviate."""
    digit: Ints
    """Digit that gained most."""
    share: Floats
    """Its share in the window."""
    usual: Floats
    """Its share before."""
    end: Ints
    """(windows,): cell after each window."""


def last_digits(
    series: Series, grid: ArrayLike, window: tuple[int, int], guard: int, *, least: int = 200
) -> LastDigits:
    """末位数字: chi-square of last digits of fresh values against those of the own past.

    Formula: digit = round(x / r) mod 10 of values that differ from the one before. With q, p the
    counts of a digit in the window and before, of n and m in all: chi2 = sum over digits of
    (sqrt(m / n) q - sqrt(n / m) p)^2 / (p + q); z = ((chi2 / 9)^(1/3) - (1 - 2 / 81)) /
    sqrt(2 / 81), after Wilson and Hilferty.
    Null model: 9 degrees of freedom; fresh values are independent, which only holds where they move
    by many steps: a window or past whose mean move is under 5 steps is not judged.
    Units: none; `grid` in the unit of the values, `window` = (length, distance of ends) and `guard`
    in cells.
    Missing data: invalid cells are passed over.
    Edges: fewer than `least` fresh values in the window or before it, or no grid: not evaluated.
    Paper: Beber & Scacco, What the numbers say (2012); reference/detection.md 2.1 (rounded /
    digits).
    Fails: a changed unit or range changes digits for good: a service record tells.

    >>> past, hand = np.arange(400) * 37 % 1000, np.arange(400) * 110 % 1000 + np.arange(400) % 2
    >>> got = last_digits(Series.of(np.r_[past, hand]), [1.0], (400, 400), 0)
    >>> bool(got.z[0, 1] > 10), int(got.digit[0, 1])
    (True, 0)
    """
    cells, every = window
    if series.values.shape[1] < cells:
        none = np.full((series.values.shape[0], 0), np.nan)
        return LastDigits(none, none.astype(np.int64), none, none, np.zeros(0, dtype=np.int64))
    end = np.arange(-(-cells // every) * every, series.values.shape[1] + 1, every, dtype=np.int64)
    step = np.asarray(grid, dtype=np.float64)[:, None]
    usable = series.valid & (step > 0)
    steps = np.where(usable, series.values / np.where(step > 0, step, 1.0), 0.0)
    whole = np.round(np.clip(steps, -1e15, 1e15)).astype(np.int64)
    fresh, moved = _fresh(whole, usable)
    begin = np.maximum(end - cells - guard, 0)
    inside, before = (np.stack(c, axis=-1) for c in _counts(whole, fresh, (end, cells, begin)))
    n, m = inside.sum(axis=-1), before.sum(axis=-1)
    far = (_until(moved, end) - _until(moved, end - cells) >= 5 * n) & (
        _until(moved, begin) >= 5 * m
    )
    told = (n >= least) & (m >= least) & far
    ratio = np.sqrt(np.maximum(m, 1) / np.maximum(n, 1))[:, :, None]
    both = np.maximum(inside + before, 1)
    chi2 = ((ratio * inside - before / ratio) ** 2 / both).sum(axis=-1)
    tail = 2 / (9 * _FREEDOM)
    z = (np.cbrt(chi2 / _FREEDOM) - (1 - tail)) / np.sqrt(tail)
    share, usual = inside / np.maximum(n, 1)[:, :, None], before / np.maximum(m, 1)[:, :, None]
    digit = (share - usual).argmax(axis=-1)
    at = digit[:, :, None]
    mine, was = (np.take_along_axis(a, at, axis=-1)[:, :, 0] for a in (share, usual))
    return LastDigits(np.where(told, z, np.nan), digit, mine, was, end)


def _fresh(whole: Ints, valid: Bools) -> tuple[Bools, Ints]:
    """Valid cells whose value differs from the last valid one before, and by how many steps."""
    cells = np.arange(whole.shape[1], dtype=np.int64)
    last = np.maximum.accumulate(np.where(valid, cells, -1), axis=1)
    before = np.concatenate([np.full((whole.shape[0], 1), -1), last[:, :-1]], axis=1)
    previous = np.take_along_axis(whole, np.maximum(before, 0), axis=1)
    fresh: Bools = valid & (before >= 0) & (whole != previous)
    return fresh, np.where(fresh, np.abs(whole - previous), 0)


def _counts(
    whole: Ints, fresh: Bools, place: tuple[Ints, int, Ints]
) -> tuple[list[Ints], list[Ints]]:
    """Number of each digit in each window and before it."""
    end, cells, begin = place
    digit = np.where(fresh, whole % _DIGITS, -1)
    inside, before = [], []
    for k in range(_DIGITS):
        total = _sums(digit == k)
        inside.append(total[:, end] - total[:, end - cells])
        before.append(total[:, begin])
    return inside, before


def _sums(values: Bools | Ints) -> Ints:
    """Running sums of each row, from 0."""
    total = np.zeros((values.shape[0], values.shape[1] + 1), dtype=np.int64)
    np.cumsum(values, axis=1, out=total[:, 1:])
    return total


def _until(values: Ints, cell: Ints) -> Ints:
    """Sum over the cells before `cell`."""
    return _sums(values)[:, cell]

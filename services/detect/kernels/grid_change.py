"""刻度改变: values that no longer lie on the comb on which the analyser always stepped."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.series import Floats, Series

_TIGHT = 0.02  # of a step: what counts as on the comb
_LEAST_VALUES = 24


class GridChange(NamedTuple):
    """Comb of the reference and of the tested cells, of shape (series,); NaN = none found."""

    before: Floats
    after: Floats
    off: Floats
    """Share of the tested values that are not on the comb of the reference."""


def grid_change(tested: Series, reference: Series, *, on_comb: float = 0.97) -> GridChange:
    """刻度改变: step r on which the reference lies, and share of tested values that leave it.

    Formula: r = least difference of two different values; a comb is there if `on_comb` of the
    values x have |x / r - round(x / r)| <= 0.02. off = share of the tested values that are not on
    the reference's comb; after = the tested values' own comb.
    Why: an analyser's step is fixed by its converter; a factor multiplied in afterwards multiplies
    step, floor and level alike, and nothing that happens in the stack does so.
    Units: before and after in the unit of the values; off has none.
    Missing data: invalid cells take no part; fewer than 24 values or 4 different ones: no comb.
    Edges: values that were rounded again after the factor was applied lie on the old comb: silent.
    Paper: reference/detection.md 1 (a unit conversion turns the grid into a comb) and 2.1.
    Fails: another analyser, range or unit, honestly entered, changes the comb as well: the
    parameter log and the maintenance record tell.

    >>> own = Series.of(0.5 * np.array([3, 4, 9, 5, 6, 2, 7, 8] * 4))
    >>> cut = Series.of(own.values * 0.62)
    >>> found = grid_change(cut, own)
    >>> found.before.tolist(), found.after.round(2).tolist(), found.off.tolist()
    ([0.5], [0.31], [1.0])
    """
    before, after = _comb(reference, on_comb), _comb(tested, on_comb)
    count = tested.valid.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        off = ~_fits(tested.masked, before) & tested.valid
        share = off.sum(axis=1) / np.maximum(count, 1)
    usable = np.isfinite(before) & (count >= _LEAST_VALUES)
    return GridChange(before, after, np.where(usable, share, np.nan))


def _comb(series: Series, on_comb: float) -> Floats:
    """Step of each row's comb; NaN where the values lie on none."""
    ordered = np.sort(series.masked, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.diff(ordered, axis=1)
        real = apart > 1e-9 * (np.abs(ordered[:, 1:]) + np.abs(ordered[:, :-1]))
        step = np.min(np.where(real, apart, np.inf), axis=1, initial=np.inf)
        step = np.where(np.isfinite(step) & (real.sum(axis=1) >= 3), step, np.nan)
        on = (_fits(series.masked, step) & series.valid).sum(axis=1)
    count = series.valid.sum(axis=1)
    return np.where((count >= _LEAST_VALUES) & (on >= on_comb * count), step, np.nan)


def _fits(values: Floats, step: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Whether values are whole multiples of the step, near enough."""
    times = values / step[:, None]
    return np.abs(times - np.round(times)) <= _TIGHT

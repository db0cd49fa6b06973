"""信息量: how much it says that a series took just this next value."""

import numpy as np
from numpy.typing import NDArray

from services.detect.kernels.series import Floats, Ints

_CLASSES = 4
_DIGITS = 2e-6  # changes are equal to this share of the largest value, what float32 can tell


def change_bits(values: Floats, own: Floats) -> Floats:
    """信息量: -log2 p of each change of `values`, p from the changes that `own` made before.

    Formula: bits_i = -log2((k + 1/2) / (n + 1)), n the changes of `own` that began in the class of
    x_(i-1): quartile of `own`, and whether the change before went up; k those among them equal to
    x_i - x_(i-1). The sum over a stretch is what chance must pay for repeating it: m comparable
    stretches repeat it by chance about m^2 / 2 * 2^-sum times.
    Null model: changes independent given level and direction. Smooth series keep their slope
    longer than that, so for them the sum is somewhat too high.
    Units: bits; both inputs are fresh values in one unit.
    Missing data: none.
    Edges: the first value costs nothing. Nothing known (fewer than two own values) gives one bit a
    change. A change never made before counts as half a one: no more than log2(2 n + 2) bits.
    Paper: reference/detection.md 2.1, exact replay.
    Fails: batch recipes repeated by a controller; their values repeat exactly and honestly.

    >>> own = np.array([1.0, 2.0] * 8)
    >>> change_bits(np.array([1.0, 2.0, 9.0]), own).round(2).tolist()
    [0.0, 0.08, 4.0]
    """
    found = np.zeros(len(values))
    if len(values) < 2:
        return found
    if len(own) < 2:
        found[1:] = 1.0
        return found
    edges = np.quantile(own, np.arange(1, _CLASSES) / _CLASSES)
    unit = max(float(np.abs(own).max()), 1e-300) * _DIGITS
    known, level = _coded(own, edges, unit)
    asked, asked_level = _coded(values, edges, unit)
    table = np.sort(known)
    classes = 2 * _CLASSES
    k = np.searchsorted(table, asked, "right") - np.searchsorted(table, asked, "left")
    n = np.bincount(level, minlength=classes)[asked_level]
    found[1:] = -np.log2((k + 0.5) / (n + 1.0))
    return found


def _coded(values: Floats, edges: Floats, unit: float) -> tuple[NDArray[np.complex128], Ints]:
    """Each change with its class as one complex number, and the class."""
    step = np.diff(values)
    rising = np.concatenate([[False], step[:-1] > 0])
    of = 2 * np.searchsorted(edges, values[:-1], "left") + rising
    return np.round(step / unit) + 1j * of, of

"""历史最低突破: days on which a series lies beneath everything it ever showed."""

from typing import NamedTuple

import numpy as np

from services.detect.kernels.row_median import row_median
from services.detect.kernels.series import Floats


class Record(NamedTuple):
    """Judgement of each day, of shape (series x days)."""

    score: Floats
    """Breach of the last `summed` days; NaN = not evaluated."""
    level: Floats
    """Mean of the last `width` days."""
    middle: Floats
    """Median of the past."""
    lowest: Floats
    """Record low of the past."""


def record_low(
    days: Floats, *, width: int = 2, guard: int = 1, least: int = 14, summed: int = 3,
    least_spread: float = 0.05,
) -> Record:  # fmt: skip
    """历史最低突破: how far the mean of some days lies under its own record, summed over days.

    Formula: m = mean of `width` days; past = m of all days that ended `guard` days before this
    window began; breach b = (min past - m) / max(median past - min past, least_spread); score = sum
    of max(b, -0.5) over `summed` days. Give logs: then a change of slope by a factor moves every
    day alike, whatever the plant does, while weather and load leave the quiet days where they were.
    Units: score has none; the rest in the unit of `days`.
    Missing data: a mean needs half of its days; with fewer than `least` days of time, or fewer than
    half of them known, nothing is evaluated.
    Edges: a past of one value has spread 0, held to `least_spread`.
    Paper: none known; a record statistic in the sense of Chandler 1952, found on the laboratory's
    clean series to hold the budget where level charts do not (docs/detect.md).
    Fails: raises are not seen (upward records are common); seasons that begin; a plant that starts
    to run low, which load or flow tells; one new record is not proof of a hand. The datum that
    closes the gap is the parameter log (slope, range, dilution ratio) or a span check.

    >>> past = np.tile([0.0, 0.3, 0.1, 0.2], 6)
    >>> after = np.full(4, -0.6)
    >>> record_low(np.append(past, after)[None]).score[0, -4:].round(1).tolist()
    [0.3, 4.8, 9.3, 9.1]
    """
    mean = _mean(days, width)
    size = days.shape[1]
    breach, middle, lowest = (np.full(days.shape, np.nan) for _ in range(3))
    for day in range(least, size):
        past = mean[:, : max(0, day - width - guard + 1)]
        known = np.isfinite(past).sum(axis=1) >= least / 2
        with np.errstate(invalid="ignore"):
            low = np.min(np.where(np.isfinite(past), past, np.inf), axis=1, initial=np.inf)
            middle[:, day] = np.where(known, row_median(past), np.nan)
            lowest[:, day] = np.where(known, low, np.nan)
            spread = np.maximum(middle[:, day] - lowest[:, day], least_spread)
            breach[:, day] = (lowest[:, day] - mean[:, day]) / spread
    score = np.where(np.isfinite(breach), _mean(np.maximum(breach, -0.5), summed) * summed, np.nan)
    return Record(score, mean, middle, lowest)


def _mean(values: Floats, width: int) -> Floats:
    """Mean of the last days; NaN with fewer than half of them."""
    known = np.isfinite(values)
    number, total = known.astype(np.float64), np.where(known, values, 0.0)
    for lag in range(1, min(width, values.shape[1])):
        number[:, lag:] += known[:, :-lag]
        total[:, lag:] += np.where(known[:, :-lag], values[:, :-lag], 0.0)
    return np.where(number >= max(1.0, width / 2), total / np.maximum(number, 1), np.nan)

"""小时均值: the hour recomputed from its shorter values."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from services.detect.kernels.series import Bools, Floats, Series


class HourMean(NamedTuple):
    """The recomputed hours."""

    mean: Floats
    """Mean of the valid parts in the unit of the values; NaN where the hour is not valid."""
    valid: Bools
    """True where the hour has enough valid minutes."""


def hour_mean(series: Series, minutes_each: int, *, valid_minutes: ArrayLike = 45) -> HourMean:
    """小时均值: mean of an hour's valid values, valid with at least 45 minutes of them.

    Formula: mean over the valid values of each hour; valid minutes = count * minutes_each.
    Units: as given; the columns of `series` start on an hour and hold whole hours.
    Missing data: invalid cells take no part; below the valid minutes the hour has no mean.
    Edges: nothing valid gives NaN, without a warning. 45 minutes are enough, 44 are not.
    Clause: HJ 75-2017 (小时数据有效: at least 45 min of valid data).
    Fails: a mean of ten-minute means is the mean of the minutes only if each covers as many.

    >>> hour_mean(Series.of([10.0, 10.0, 10.0, 10.0, 40.0, float("nan")]), 10).mean.tolist()
    [[16.0]]
    """
    each = 60 // minutes_each
    shape = (series.values.shape[0], series.values.shape[1] // each, each)
    usable = series.valid.reshape(shape)
    count = usable.sum(axis=2)
    total = np.where(usable, series.values.reshape(shape), 0.0).sum(axis=2)
    valid = (count * minutes_each >= np.asarray(valid_minutes)) & (count > 0)
    return HourMean(np.where(valid, total / np.maximum(count, 1), np.nan), valid)

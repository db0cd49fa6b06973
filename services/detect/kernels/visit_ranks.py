"""到访名次: how high a series stood at the hours of visits, among the same hours of other days."""

import numpy as np

from services.detect.kernels.series import Bools, Floats, Series

_LEAST_DAYS = 5


def visit_ranks(level: Series, visits: Bools, per_day: int, *, days: int) -> Floats:
    """到访名次 (D13): rank of the level at each visit among the same time of earlier days, 0 .. 1.

    Formula: u = (number of earlier days with a lower level at that time of day + half of those
    equal) / number of earlier days with a level there, over the last `days` days. Blind visits have
    u uniform: over n visits the mean has variance 1 / (12 n).
    Null model: visits come without regard to how today's level compares with other days; a fixed
    schedule that meets the daily peak is honest and gives u = 1/2.
    Units: share; `level` is the level expected at the visit (from cells around it), any unit.
    Missing data: an invalid level gives NaN there and takes no part elsewhere.
    Edges: NaN where there is no visit and where fewer than 5 earlier days are known.
    Paper: reference/falsification.csv D13 (Mann-Whitney of levels before calibrations).
    Fails: a level that climbs for weeks puts every visit high; rare visits say little.

    >>> level = np.repeat(np.array([[3.0, 1.0, 2.0, 5.0, 4.0, 6.0]]), 2, axis=1)
    >>> visits = np.zeros((1, 12), bool)
    >>> visits[0, 10] = True
    >>> float(visit_ranks(Series.of(level), visits, 2, days=30)[0, 10])
    1.0
    """
    lower, known = np.zeros((2, *level.values.shape))
    for day in range(1, min(days, level.values.shape[1] // max(per_day, 1)) + 1):
        back = day * per_day
        now, then = level.values[:, back:], level.values[:, :-back]
        both = level.valid[:, back:] & level.valid[:, :-back]
        known[:, back:] += both
        with np.errstate(invalid="ignore"):
            lower[:, back:] += both * ((then < now) + 0.5 * (then == now))
    usable = visits & (known >= _LEAST_DAYS)
    return np.where(usable, lower / np.maximum(known, 1), np.nan)

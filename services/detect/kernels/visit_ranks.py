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
    found = np.full(level.values.shape, np.nan)
    row, cell = np.nonzero(visits & level.valid)
    # Only the visits are looked at: (visits x days) cells at the same time of earlier days.
    earlier = cell[:, None] - per_day * np.arange(1, days + 1)[None, :]
    at = row[:, None], np.maximum(earlier, 0)
    then, now = level.values[at], level.values[row, cell][:, None]
    known = (earlier >= 0) & level.valid[at]
    lower = (known * ((then < now) + 0.5 * (then == now))).sum(axis=1)
    number = known.sum(axis=1)
    enough = number >= _LEAST_DAYS
    found[row[enough], cell[enough]] = lower[enough] / number[enough]
    return found

"""小时内细节: what the 120 half-minute samples inside an hour look like.

A pattern has mean zero, so the mean of an hour's real-time values is the reported hour mean, as it
must be in an honest logger. Patterns come from a fixed library: least and largest value of an
hour are then known without computing its samples.
"""

from functools import cache
from typing import cast

import numpy as np

from farsight.lab.model.noise import Floats, Hours, autoregressive, key_of, uniform

SAMPLES = 120
"""Half-minute samples in an hour."""
_PATTERNS = 256


@cache
def _library() -> Floats:
    every = np.arange(_PATTERNS * SAMPLES, dtype=np.int64)
    rows = autoregressive(key_of("detail"), every, 0.85).reshape(_PATTERNS, SAMPLES)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return cast(Floats, rows / rows.std(axis=1, keepdims=True))


def _index(key: int, hours: Hours) -> Hours:
    return (uniform(key, hours) * _PATTERNS).astype(np.int64)


def pattern(key: int, hour: int) -> Floats:
    """Return the 120 deviations of one hour: mean 0, standard deviation 1."""
    return cast(Floats, _library()[_index(key, np.array([hour], dtype=np.int64))[0]])


def extremes(key: int, hours: Hours) -> tuple[Floats, Floats]:
    """Return the least and the largest deviation of each hour."""
    rows = _index(key, hours)
    return cast(Floats, _library().min(axis=1)[rows]), cast(Floats, _library().max(axis=1)[rows])

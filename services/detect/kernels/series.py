"""时间序列: the block of values that every kernel takes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Series:
    """时间序列块: values on an even time grid, one series a row, with what may be used.

    `values` is (series x time) in the factor's unit. `valid` is False where nothing was received,
    where the value was no number, or where a flag takes it out of the statistics. A NaN or an
    infinity is never valid, whatever the caller says.
    """

    values: Floats
    valid: Bools

    @classmethod
    def of(cls, values: ArrayLike, valid: ArrayLike | None = None) -> Self:
        """Build a block from anything array-like; one row of values becomes a block of one series.

        >>> Series.of([1.0, float("nan"), 0.0]).valid.tolist()
        [[True, False, True]]
        """
        block = np.atleast_2d(np.asarray(values, dtype=np.float64))
        usable = np.isfinite(block)
        if valid is not None:
            usable &= np.atleast_2d(np.asarray(valid, dtype=bool))
        return cls(block, usable)

    @cached_property
    def masked(self) -> Floats:
        """The values with NaN wherever they may not be used; made once, for many tests ask."""
        return np.where(self.valid, self.values, np.nan)

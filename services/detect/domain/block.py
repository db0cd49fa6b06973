"""研判数据块: everything the judges see of some outlets, on one aligned rectangle."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.detect.domain.grid import week_start
from services.detect.domain.series_key import SeriesKey
from services.detect.kernels.series import Bools, Floats, Ints

WEEK = 168
REFERENCE = 90 * 24
JUDGED_WEEKS = 4
JUDGED = JUDGED_WEEKS * WEEK
#: Hours of a block: four judged weeks at most and 90 days of reference before the first of them.
COLUMNS = 18 * WEEK
MINUTE_HOURS = 48


@dataclass(frozen=True)
class Limit:
    """排放限值 of one outlet and factor; hours are slots, `until` exclusive."""

    limit_id: str
    averaging: str
    lower: float
    upper: float
    unit: str
    ref_o2: float
    source: str
    since: int
    until: int
    decimals: int
    basis: str = "permit"
    """permit | local | industry | generic | emergency | policy; a policy value only warns."""
    why: str = ""
    """Chinese: why this one of all that fit; empty before `resolve_limits`."""
    water_temperature: str = ""
    """le12 | gt12: in force only while the daily water temperature is at most / above 12 degC."""


@dataclass(frozen=True)
class Block:
    """Values of the series of some outlets; each row ends with its outlet's own last week."""

    keys: list[SeriesKey]
    start: Ints
    """First hour slot of each row: a Monday 00:00 in Beijing, so weeks stand in equal columns."""
    value: Floats
    converted: Floats
    flag: NDArray[np.uint8]
    present: Bools
    until: Ints
    """End of judging of each row: the hour after the newest hour value of its outlet."""
    since: Ints
    """First hour to judge again in each row."""
    minutes: Floats
    """(series x 288): ten-minute values of the 48 h before `until`; NaN = none or not valid."""
    limits: Mapping[SeriesKey, tuple[Limit, ...]]
    minute_flag: NDArray[np.uint8] | None = None
    """(series x 288): letters of `minutes`, 0 = none sent; None = `minutes` holds judged ones."""
    touched: Ints | None = None
    """First hour of each row that was written, marked or else changed; None = `since`."""
    recomputed: Floats | None = None
    """Hour means from shorter values that have left their ring, NaN = not known; None = none."""

    @cached_property
    def row_of(self) -> dict[SeriesKey, int]:
        """Row of each series."""
        return {key: row for row, key in enumerate(self.keys)}

    @property
    def slot(self) -> Ints:
        """Hour slot of each cell."""
        return self.start[:, None] + np.arange(self.value.shape[1], dtype=np.int64)

    def of_outlets(self, outlets: Collection[str]) -> "Block":
        """The rows of some outlets alone."""
        rows = [row for row, key in enumerate(self.keys) if key.outlet_id in outlets]
        at = np.array(rows, dtype=np.int64)
        arrays = {
            name: array[at]
            for name in (
                "start", "value", "converted", "flag", "present", "until", "since", "minutes",
                "minute_flag", "touched", "recomputed",
            )
            if (array := getattr(self, name)) is not None
        }  # fmt: skip
        return replace(self, keys=[self.keys[row] for row in rows], **arrays)

    def companion(self, rows: Iterable[int], factors: Iterable[str]) -> Ints:
        """For each row, the row of the same outlet's first present factor of `factors`, or -1."""
        wanted = list(factors)
        found = [
            next((self.row_of[k] for f in wanted if (k := self._sister(row, f)) in self.row_of), -1)
            for row in rows
        ]
        return np.array(found, dtype=np.int64)

    def flagged(self, letters: str) -> Bools:
        """Cells whose flag is one of the letters; "-" stands for no flag sent."""
        codes = [0 if letter == "-" else ord(letter) for letter in letters]
        found: Bools = np.zeros(self.flag.shape, dtype=np.bool_)
        for code in codes:
            found |= self.flag == code
        found &= self.present
        return found

    def standing_still(self, rows: Ints, o2: str, flows: list[str], guard: float) -> Bools:
        """Cells in which the outlet does not discharge: ambient oxygen, zero flow, or flag F."""
        with np.errstate(invalid="ignore"):
            ambient = self._companion_values(rows, [o2]) >= guard
            no_flow = self._companion_values(rows, flows) <= 0.0
        still: Bools = (self.flag[rows] == ord("F")) | ambient | no_flow
        return still

    def _companion_values(self, rows: Ints, factors: list[str]) -> Floats:
        """Values of each row's companion, NaN where it has none."""
        sister = self.companion(rows, factors)
        return np.where(sister[:, None] >= 0, self.value[sister], np.nan)

    def _sister(self, row: int, factor: str) -> SeriesKey:
        return SeriesKey(self.keys[row].outlet_id, factor)


def judged_from(since: int, until: int) -> int:
    """First hour to judge again when a value of hour `since` changed and judging ends at `until`.

    Whole weeks, one more than the change needs (an episode may begin there), four at most: earlier
    hours would want a reference beyond the ring.
    """
    earliest = week_start(until - 1) - (JUDGED_WEEKS - 1) * WEEK
    return max(earliest, week_start(since) - WEEK)

"""筛查数据块: series of many stations on one even time grid, as the tests see them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.detect.domain.series_key import SeriesKey
from services.detect.kernels.series import Bools, Floats, Ints, Series
from services.detect.screening.roles import Role, role_of

_MINUTES_A_DAY = 1440


@dataclass(frozen=True)
class CheckResult:
    """零点、量程核查 or 标样核查 of one analyser."""

    row: int
    cell: int
    kind: str
    """zero | span | standard."""
    expected: float
    measured: float


@dataclass(frozen=True)
class ParameterValue:
    """仪器参数 as read at a moment: range, slope, intercept, dilution ratio ..."""

    row: int
    cell: int
    name: str
    value: float
    reported: bool = False
    """Whether a maintenance record or filed change explains it."""


@dataclass(frozen=True)
class Panel:
    """筛查数据块 of S series and T cells, all of one interval and one first cell.

    A cell is the mean (or the value) of the `step_min` minutes that begin with it. Series that
    begin later or end earlier have NaN there. Nothing after `known_until` of a row has arrived yet.
    """

    step_min: int
    start_s: int
    """Unix seconds of the first cell; the first cell is a Beijing midnight."""
    keys: Sequence[SeriesKey]
    """(S,): outlet (station) and factor of each row."""
    value: Floats
    """(S, T): as received, in the factor's unit; NaN = nothing received or no number."""
    flag: NDArray[np.uint8]
    """(S, T): letter of the value (HJ 212 flag), 0 = none sent."""
    marked: Bools
    """(S, T): under a mark or a flag that takes it out of the statistics."""
    limit: Floats
    """(S,): upper limit in the value's unit, NaN = none."""
    enterprise: Sequence[str]
    """(S,): credit code, or whatever names one owner."""
    operator: Sequence[str] = ()
    """(S,): third-party maintenance company 第三方运维, empty = not known."""
    line: Sequence[str] = ()
    """(S,): sampling line within the outlet; empty = each outlet's pollutants hang on one line."""
    since: Ints | None = None
    """(S,): first cell to judge; None = all. Earlier cells are history only."""
    checks: Sequence[CheckResult] = ()
    """What is known of checks; empty = nothing is known, not that all was well."""
    parameters: Sequence[ParameterValue] = ()
    """Parameter log, oldest first."""

    @property
    def cells(self) -> int:
        """Number of cells T."""
        return int(self.value.shape[1])

    @property
    def per_hour(self) -> float:
        """Cells an hour."""
        return 60 / self.step_min

    @property
    def per_day(self) -> int:
        """Cells a day, at least 1."""
        return max(1, _MINUTES_A_DAY // self.step_min)

    def cells_of(self, hours: float, least: int = 1) -> int:
        """Cells in so many hours, `least` at least."""
        return max(least, round(hours * self.per_hour))

    @cached_property
    def series(self) -> Series:
        """Values for the kernels; marked cells are not valid."""
        return Series.of(self.value, ~self.marked)

    @cached_property
    def received(self) -> Bools:
        """(S, T): cells with a number, marked or not."""
        return np.isfinite(self.value)

    @cached_property
    def roles(self) -> list[Role]:
        """(S,): what each factor is, see `roles.csv`."""
        return [role_of(key.factor) for key in self.keys]

    @cached_property
    def first(self) -> Ints:
        """(S,): first cell with a number; T where there is none."""
        some = self.received.any(axis=1)
        return np.where(some, self.received.argmax(axis=1), self.cells)

    @cached_property
    def end(self) -> Ints:
        """(S,): cell after the last number; 0 where there is none."""
        some = self.received.any(axis=1)
        return np.where(some, self.cells - self.received[:, ::-1].argmax(axis=1), 0)

    @cached_property
    def rows_of(self) -> dict[str, list[int]]:
        """Rows of each outlet, in order of the panel."""
        found: dict[str, list[int]] = {}
        for row, key in enumerate(self.keys):
            found.setdefault(key.outlet_id, []).append(row)
        return found

    def sisters(self, row: int, *roles: Role) -> list[int]:
        """Other rows of the same outlet, of these roles only where some are named."""
        mine = self.rows_of[self.keys[row].outlet_id]
        return [r for r in mine if r != row and (not roles or self.roles[r] in roles)]

    def judged_since(self) -> Ints:
        """(S,): first cell to judge."""
        return np.zeros(len(self.keys), dtype=np.int64) if self.since is None else self.since

    def day_cell(self) -> Ints:
        """(T,): place of each cell within its Beijing day, 0 .. per_day - 1."""
        return np.arange(self.cells, dtype=np.int64) % self.per_day

    def of_rows(self, rows: Sequence[int]) -> "Panel":
        """The panel of some rows alone."""
        at = np.asarray(rows, dtype=np.int64)
        new = {old: place for place, old in enumerate(rows)}
        return replace(
            self,
            keys=[self.keys[r] for r in rows],
            value=self.value[at],
            flag=self.flag[at],
            marked=self.marked[at],
            limit=self.limit[at],
            enterprise=[self.enterprise[r] for r in rows],
            operator=[self.operator[r] for r in rows] if self.operator else (),
            line=[self.line[r] for r in rows] if self.line else (),
            since=None if self.since is None else self.since[at],
            checks=[replace(c, row=new[c.row]) for c in self.checks if c.row in new],
            parameters=[replace(p, row=new[p.row]) for p in self.parameters if p.row in new],
        )

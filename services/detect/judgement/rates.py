"""有效率和传输有效率: shares of hours, in both versions of domain.md B.6."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from numpy.typing import ArrayLike

from services.detect.judgement.model import HourResult
from services.detect.judgement.row_rules import RowRules
from services.detect.kernels.series import Bools, Floats, Ints


@dataclass(frozen=True)
class HourCounts:
    """小时计数 by row and day; all (S, D)."""

    hours: Ints
    """Of the calendar: 24."""
    stopped: Ints
    """停运: leave the denominator."""
    excused: Ints
    """Missing or invalid for a reason that is not the plant's: leave the denominator."""
    received: Ints
    """Something came, of hours neither stopped nor excused."""
    valid: Ints
    """Judged as valid, exempted ones included."""
    free: Ints
    """Received, not valid, but free: the day's standard check."""
    marked: Ints
    """Taken out by device marks."""
    exempt: Ints
    """Taken out by working conditions inside their caps."""


def count_hours(result: HourResult, rules: RowRules) -> HourCounts:
    """小时计数. A free hour counts only on a day that lost no more hours than are free.

    Source: domain.md B.6 (23/24 = 95.83 % counts as 100 %).
    """
    raise NotImplementedError


def validity(received: ArrayLike, valid: ArrayLike, free: ArrayLike) -> Floats:
    """有效率: (valid + free) / received; NaN where nothing was received."""
    raise NotImplementedError


def capture_rate(hours: ArrayLike, invalid: ArrayLike, stopped: ArrayLike) -> Floats:
    """有效数据捕集率: (hours - invalid - stopped) / (hours - stopped), HJ 75-2017; >= 75 %."""
    raise NotImplementedError


class Effective(NamedTuple):
    """传输有效率; NaN = nothing was due."""

    realtime: float
    """传输率 of what came in time x 有效率."""
    after_fill: float
    """传输率 with what was filled x 有效率."""


def effective(transmission: float, transmission_filled: float, valid_share: float) -> Effective:
    """传输有效率 = 传输率 x 有效率 (domain.md B.6), each rate 0..1."""
    raise NotImplementedError


class QcCheck(NamedTuple):
    """质控核查 of one series: a standard check, zero or span check."""

    row: int
    at_s: int
    """Unix seconds UTC at which it ended."""
    passed: bool


def qc_failed(checks: Sequence[QcCheck], start: Ints, hours: int, unknown_hours: int = 24) -> Bools:
    """质控失效: (S, T) hours from the last passed check to a failed one, both hours included.

    Where no passed check is known, it reaches back `unknown_hours` (a check is due each 24 h,
    HJ 355-2019). Source: HJ 356-2019, HJ 75-2017.
    """
    raise NotImplementedError

"""研判的输入与结果: what the engine reads and what it says, as arrays over series and hours.

S series (rows) over T hours (columns); T is a multiple of 24 and every row starts at a Beijing
midnight, so that days stand in columns of 24. Codes are stored: their numbers never change.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

from services.detect.kernels.series import Bools, Floats, Ints

Codes = NDArray[np.uint8]


class HourState(IntEnum):
    """小时数据状态: what an hour of one factor counts as."""

    MISSING = 0  # nothing received, or flag B, or communication broken
    VALID = 1  # judged
    FLAGGED = 2  # the instrument says so: maintenance, manual, fault, calibration
    MARKED = 3  # the plant says so: a device mark
    QC_FAILED = 4  # since the last good check of a failed one
    SUSPECT = 5  # 可疑数据: to be checked before it is judged
    EXEMPT = 6  # a working condition inside its cap
    STOPPED = 7  # 停运: leaves every denominator
    GUARDED = 8  # oxygen near ambient: a converted value would mean nothing
    SHORT = 9  # fewer valid minutes than the hour needs


class Note(IntFlag):
    """备注 of an hour; several may hold."""

    NONE = 0
    OVER_RANGE = 1  # flag T: the value may be higher than it says
    OVER_CAP = 2  # marked, but the cap is used up: judged as a normal hour
    PM_HIGH = 4  # marked for pool A, but the particulate mean is above its bound: judged
    CONFLICT = 8  # wire flag and mark contradict each other
    DIFFERS = 16  # reported and recomputed hour differ (falsification.csv D29)
    OWN_CONVERSION = 32  # converted by us, the logger sent none
    SUDDEN = 64  # 突变: to be looked at, judged all the same
    EXCUSED = 128  # missing for a reason that is not the plant's


class MarkEffect(IntEnum):
    """标记效力: what the marks of an outlet make of an hour, caps already charged."""

    NONE = 0
    INVALID = 1  # device maintenance: not valid, not judged
    MISSING = 2  # communication broken: missing until it is filled
    EXCUSED = 3  # missing or invalid, and not counted against the plant
    STOPPED = 4  # 停运
    EXEMPT = 5  # working condition inside its cap
    OVER_CAP = 6  # working condition beyond its cap: judged as normal
    PM_HIGH = 7  # pool A hour with too high a particulate mean: judged as normal
    QC_FAILED = 8  # no mark: a failed check reaches back to the last good one


@dataclass(frozen=True)
class Hours:
    """小时数据 of S series over T hours as they were received."""

    start: Ints
    """(S,): absolute hour slot (unix hours) of each row's first column, a Beijing midnight."""
    factors: tuple[str, ...]
    """(S,): HJ 524/525 code of each row."""
    value: Floats
    """(S, T): reported hourly mean in the factor's unit of HJ 212; NaN = none."""
    converted: Floats
    """(S, T): reported converted mean; NaN = none."""
    flag: Codes
    """(S, T): ASCII letter of HJ 212-2017, 0 = none sent."""
    present: Bools
    """(S, T): whether anything was received."""
    recomputed: Floats
    """(S, T) mean recomputed from valid shorter values; NaN = not known."""
    oxygen: Ints
    """(S,): row of the same outlet's oxygen, -1 = none."""
    flow: Ints
    """(S,): row of the same outlet's flow, -1 = none."""
    temperature: Ints
    """(S,): row of the same outlet's water temperature, -1 = none."""
    valid_minutes: Codes | None = None
    """(S, T) minutes of valid data of hours received whole; 255 or None = not known."""

    @property
    def days(self) -> int:
        """Days in each row."""
        return int(self.value.shape[1]) // 24


@dataclass(frozen=True)
class LimitGrid:
    """排放限值 by row and day: what each series is judged by. NaN = no limit.

    All arrays are (S, D). `hourly_*` and `daily_*` are of limits that carry a penalty; `warn_*` of
    policy values (ultra-low) that only warn. Reference oxygen is one a row: (S,), 0 = none.
    """

    hourly_upper: Floats
    hourly_lower: Floats
    daily_upper: Floats
    daily_lower: Floats
    warn_upper: Floats
    decimals: Ints
    """(S, D): digits of the limit as printed, for GB/T 8170 rounding."""
    ref_o2: Floats
    """(S,): volume %, 0 = judged without conversion."""


@dataclass(frozen=True)
class HourResult:
    """小时研判: received, valid, converted and exempted values side by side; all (S, T)."""

    state: Codes
    """`HourState`."""
    notes: Codes
    """`Note` bits."""
    received: Floats
    """As the logger reported, untouched."""
    judged: Floats
    """What is compared with the limit (converted where it asks); NaN if not judged."""
    check: Floats
    """Our own recomputation of `judged` (from minutes and oxygen); NaN = none."""
    exempted: Floats
    """`judged` as it would be without exemption: what a mark hides stays visible."""
    over: Bools
    """`judged` beyond the hourly limit of its day."""
    over_warn: Bools
    """`judged` beyond a policy value: a warning, never a penalty."""
    multiple: Floats
    """超标倍数 (c - L) / L of hours over, else NaN. The other reading, c / L, is this plus 1."""


@dataclass(frozen=True)
class DayResult:
    """日研判; all (S, D)."""

    mean: Floats
    """Daily mean by the rule of medium and industry; NaN where not enough or never averaged."""
    enough: Bools
    """Whether the day has the valid hours that its rule asks for."""
    valid_hours: Ints
    running_hours: Ints
    """Hours that are not stopped."""
    over: Bools
    """Mean beyond the daily limit (pH: never; its hours are judged)."""
    multiple: Floats
    low: Floats
    """Lowest and highest valid hour; NaN = none."""
    high: Floats

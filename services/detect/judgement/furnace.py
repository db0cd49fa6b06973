"""焚烧炉: five-minute means of a day below the bound, and the month of a furnace."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from services.detect.judgement.marks import MarkRevision, MarkRules
from services.detect.judgement.model import Codes
from services.detect.judgement.parameters import FurnaceRule, OutletFacts
from services.detect.judgement.pools import PoolCharge
from services.detect.kernels.series import Floats, Ints


@dataclass(frozen=True)
class FurnaceDay:
    """炉温日结果 of one furnace and natural day (the message of the same name)."""

    five_minute_means: int  # received, one a start
    low: int  # below the bound and not excused
    excused: int  # below the bound, but marked, stopped, in a pool, or flagged by the instrument
    violation: bool  # more than `more_than` low
    low_at_s: tuple[int, ...]  # start of each low one that is not excused, unix seconds UTC
    lowest_degc: float  # of those not excused; NaN = none


def furnace_excuses(
    marks: Sequence[MarkRevision],
    facts: OutletFacts,
    pack: MarkRules,
    charges: Sequence[PoolCharge],
    factor: str = "a01901",
) -> tuple[tuple[int, int], ...]:
    """炉温免计时段: spans [start, end) in unix seconds in which low means do not count.

    `marks` as `counting` gave, `charges` as `MarkEffects.uses`: a condition excuses only what lies
    inside the mark and in an hour that its pool took.
    """
    raise NotImplementedError


def judge_furnace(
    start_s: Ints,
    degc: Floats,
    flag: Codes,
    day: dt.date,
    excuses: Sequence[tuple[int, int]],
    rule: FurnaceRule,
) -> FurnaceDay:
    """炉温日研判: more than five five-minute means below 850 degC in a natural day is a violation.

    `start_s` unix seconds at which each mean's five minutes start, in any order, of any days; the
    first of several for the same five minutes counts. `flag` ASCII letters, 0 = none sent: a low
    mean that the instrument itself calls invalid is listed as excused. Source: MEE order 10,
    domain.md B.4; vectors mswi_temperature.
    """
    raise NotImplementedError


@dataclass(frozen=True)
class MonthDay:
    """A furnace's day as the month counts it."""

    day: dt.date
    facility: str
    judged: bool  # any of the five pollutants was
    over: tuple[str, ...]  # pollutants whose daily mean is beyond the limit
    low_temperature: bool  # violation of the day


@dataclass(frozen=True)
class FurnaceMonth:
    """焚烧炉月: exceedance days of a furnace in a natural month."""

    facility: str
    month: str  # 2026-11
    over_days: tuple[dt.date, ...]
    low_days: tuple[dt.date, ...]
    judged_days: int
    level: str  # "" | warning | serious


def mswi_month(
    days: Sequence[MonthDay], *, warning_days: int = 3, serious_days: int = 5
) -> tuple[FurnaceMonth, ...]:
    """焚烧炉月: days with an exceedance, by furnace and natural month (D.2: 3 warning, 5 serious).

    Low-temperature days are counted beside them: exceedance and low temperature are separate
    violations (MEE order 10). The last of several entries of a day counts.
    """
    raise NotImplementedError

"""标样核查: standard checks as loggers report them, and what they make of hours. Pure."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.model import Codes, MarkEffect
from services.detect.judgement.rates import QcCheck, qc_failed
from services.detect.judgement.row_rules import RowRules
from services.detect.kernels.series import Ints

#: Effects of marks that a failed check does not change: stated, stopped, or not the plant's.
_STRONGER = (MarkEffect.INVALID, MarkEffect.EXCUSED, MarkEffect.STOPPED)
#: A quotient that was rounded on its way: 44.0 against 40.0 is an error of 10 %, not of more.
_SLACK = 1e-9
_BEIJING = dt.timezone(dt.timedelta(hours=8))


class Said(IntEnum):
    """核查结论 of the logger (ResultType of 2062)."""

    NOTHING = 0
    PASSED = 1
    FAILED = 2


@dataclass(frozen=True)
class StandardCheck:
    """标样核查 of one outlet and factor; values in the factor's unit, NaN = not known."""

    outlet_id: str
    factor: str
    at_s: int
    """Unix seconds UTC at which it ended."""
    measured: float
    standard: float
    error_share: float
    """|measured - standard| / standard; NaN where there are no such numbers."""
    said: Said
    received_s: int
    """Unix seconds UTC of its arrival, the gate's clock."""
    sm3: bytes
    """Over the frame."""

    @property
    def name(self) -> str:
        """Factor and moment, as a day judgement lists what it knew."""
        return f"{self.factor}/{self.at_s}"


def passed(check: StandardCheck, tolerance_share: float) -> bool | None:
    """核查合格: whether a check passed; None where nothing tells.

    The numbers decide where there are any: a plant that calls its check failed, or passed, against
    its own numbers is not followed. Source: error within +-10 %, HJ 355-2019 (domain.md B.6).
    """
    if not math.isnan(check.error_share):
        return check.error_share <= tolerance_share + _SLACK
    return None if check.said is Said.NOTHING else check.said is Said.PASSED


def lay_checks(
    keys: Sequence[SeriesKey],
    start: Ints,
    effect: Codes,
    checks: Mapping[str, Sequence[StandardCheck]],
    rules: RowRules,
) -> Codes:
    """质控失效 laid over the effects of marks: (S, T) `MarkEffect`, rows as `keys`.

    From the last passed check to a failed one; rows whose rule has no `qc_tolerance_share` have no
    checks. Device first, condition second (domain.md B.4): it goes before an exemption.
    Source: HJ 356-2019 (domain.md B.6).
    """
    if not any(checks.values()):
        return effect
    tolerance = rules.numbers("qc_tolerance_share").tolist()
    known = [
        QcCheck(row, check.at_s, verdict)
        for row, key in enumerate(keys)
        if tolerance[row] > 0
        for check in checks.get(key.outlet_id, ())
        if check.factor == key.factor
        if (verdict := passed(check, tolerance[row])) is not None
    ]
    failed = qc_failed(known, start, effect.shape[1]) & ~np.isin(effect, _STRONGER)
    return np.where(failed, np.uint8(MarkEffect.QC_FAILED), effect)


def causes(
    checks: Sequence[StandardCheck], slots: Ints, tolerance_share: float
) -> list[tuple[StandardCheck, Ints]]:
    """失效原因: failed checks with the hours of `slots` that each made invalid, in order of time.

    `slots` are hours that failed checks of one factor, given in any order, reach back over. Of two
    failed checks after an hour the earlier one is its cause: no check between them can have passed.
    """
    failed = sorted(
        (check for check in checks if passed(check, tolerance_share) is False),
        key=lambda check: check.at_s,
    )
    ends = np.array([check.at_s // 3600 for check in failed], dtype=np.int64)
    cause = np.searchsorted(ends, slots)
    return [(failed[at], slots[cause == at]) for at in np.unique(cause).tolist()]


def moment_text(name: str) -> str:
    """Factor and moment of a check in Chinese, from its `name`."""
    factor, _, at_s = name.partition("/")
    return f"{factor}于{dt.datetime.fromtimestamp(int(at_s), _BEIJING):%Y-%m-%d %H:%M}标样核查"

"""可疑迹象: what one test saw in one series."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, order=True)
class Sign:
    """可疑迹象: one window in which a test's statistic was beyond what honest data show.

    Tests emit every window above a low floor (some ten a series-year), so that rates can be
    measured and weak signs be joined; what is said is decided by `alarms`.
    """

    row: int
    """Of the panel."""
    end: int
    """Cell after the tested window: the sign could be said as soon as cell `end - 1` was in."""
    begin: int
    """First cell of the tested window."""
    test: str
    """Rule id."""
    score: float
    """Larger = less likely of honest data. Its scale is the test's own; rates.csv calibrates it."""
    statistic: float
    """What the sentence names, in the rule's `statistic_unit`."""
    value: float = np.nan
    """What the window shows (scatter, level, share), in the unit the rule's sentence says."""
    expected: float = np.nan
    """What the own history, a sister or physics expects of `value`."""
    silent_at: float = np.nan
    """The `value` (or statistic) from which on the test would have been silent."""
    others: tuple[int, ...] = ()
    """Rows that the sign rests on beside its own: sister factors, the copied outlet."""
    variant: str = ""
    """Which of several shapes it is, e.g. nitrogen, dilution, oxygen_low, exact, scaled."""
    source: int = -1
    """First cell of the stretch that was copied; -1 = no copy."""

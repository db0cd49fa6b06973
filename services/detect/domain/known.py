"""研判依据: everything that judging rests on beside the received values."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.detect.domain.rule import RuleBook, hour_of
from services.detect.domain.standard_checks import StandardCheck
from services.detect.judgement.furnace import FurnaceDay
from services.detect.judgement.marks import MarkRevision
from services.detect.judgement.parameters import OutletFacts

if TYPE_CHECKING:
    from services.detect.packs.timeline import Timeline


#: Hours before the first judged one whose marks are asked for: 90 days for `mark_abuse`, 12 weeks
#: for the inputs of a finding, each from the earliest of four judged weeks on.
MARKS_BACK_H = (90 + 28) * 24


@dataclass(frozen=True)
class Known:
    """研判依据 of the outlets of a block; `app` reads it from detect's own tables and copies."""

    timeline: "Timeline"
    facts: Mapping[str, OutletFacts] = field(default_factory=dict)
    """By outlet. Without them an outlet is judged by its own limits, and its marks do nothing."""
    marks: Mapping[str, Sequence[MarkRevision]] = field(default_factory=dict)
    """By outlet: every revision since the natural year of the block began, and since
    `MARKS_BACK_H` before it where that is earlier, in any order."""
    particulate: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    """By outlet and hour slot: hourly particulate mean (mg/m3) of the years' marked hours."""
    frozen_until: dt.date | None = None
    """Newest frozen Beijing day (12:00 of the next day has passed); None = nothing is frozen."""
    checks: Mapping[str, Sequence[StandardCheck]] = field(default_factory=dict)
    """By outlet: standard checks of the factors that failed one, in any order."""
    furnaces: Mapping[str, Mapping[dt.date, FurnaceDay]] = field(default_factory=dict)
    """By outlet and Beijing day: five-minute furnace means as `judge_furnace` saw them."""

    @property
    def book(self) -> RuleBook:
        """Rules of the whole timeline."""
        return self.timeline.book

    @property
    def frozen_hour(self) -> int:
        """First hour slot that is not frozen; 0 = nothing is."""
        if self.frozen_until is None:
            return 0
        return hour_of(self.frozen_until + dt.timedelta(days=1))

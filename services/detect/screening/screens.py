"""筛查项目: every test by the id of its rule."""

from collections.abc import Callable, Mapping

from services.detect.domain.rule import Rule
from services.detect.screening.bunching import bunching
from services.detect.screening.exact_replay import exact_replay
from services.detect.screening.gaps_on_bad_hours import gaps_on_bad_hours
from services.detect.screening.inlet_outlet_ratio import inlet_outlet_ratio
from services.detect.screening.level_drift import level_drift
from services.detect.screening.marks_on_bad_hours import marks_on_bad_hours
from services.detect.screening.o2_dilution import o2_dilution
from services.detect.screening.over_limit import over_limit
from services.detect.screening.panel import Panel
from services.detect.screening.power_mismatch import power_mismatch
from services.detect.screening.quiet_part_of_day import quiet_part_of_day
from services.detect.screening.quiet_signal import quiet_signal
from services.detect.screening.range_high import range_high
from services.detect.screening.range_low import range_low
from services.detect.screening.scale_change import scale_change
from services.detect.screening.scaled_replay import scaled_replay
from services.detect.screening.sign import Sign
from services.detect.screening.spike import spike
from services.detect.screening.steep_rise import steep_rise

#: Finds the signs of one test in a panel; pure. Judges windows that end after `panel.since`.
Screen = Callable[[Panel, Rule], list[Sign]]

#: By rule id; the rule's file in `packs/base/screens/` holds family, pattern, parameters, wording.
SCREENS: Mapping[str, Screen] = {
    "marks_on_bad_hours": marks_on_bad_hours,
    "gaps_on_bad_hours": gaps_on_bad_hours,
    "inlet_outlet_ratio": inlet_outlet_ratio,
    "power_mismatch": power_mismatch,
    "o2_dilution": o2_dilution,
    "exact_replay": exact_replay,
    "scaled_replay": scaled_replay,
    "spike": spike,
    "steep_rise": steep_rise,
    "bunching": bunching,
    "quiet_signal": quiet_signal,
    "quiet_part_of_day": quiet_part_of_day,
    "scale_change": scale_change,
    "level_drift": level_drift,
    "range_low": range_low,
    "range_high": range_high,
    "over_limit": over_limit,
}

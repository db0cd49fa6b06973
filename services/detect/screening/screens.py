"""筛查项目: every test by the id of its rule."""

from collections.abc import Callable, Mapping

from services.detect.domain.rule import Rule
from services.detect.screening.ambient_sample import ambient_sample
from services.detect.screening.bunching import bunching
from services.detect.screening.calibrations_on_bad_hours import calibrations_on_bad_hours
from services.detect.screening.check_error import check_error
from services.detect.screening.clock_shift import clock_shift
from services.detect.screening.cod_remover import cod_remover
from services.detect.screening.conversion_mismatch import conversion_mismatch
from services.detect.screening.digit_habit import digit_habit
from services.detect.screening.effluent_dilution import effluent_dilution
from services.detect.screening.exact_replay import exact_replay
from services.detect.screening.factor_copy import factor_copy
from services.detect.screening.flow_mismatch import flow_mismatch
from services.detect.screening.furnace_sections import furnace_sections
from services.detect.screening.gaps_on_bad_hours import gaps_on_bad_hours
from services.detect.screening.inlet_outlet_ratio import inlet_outlet_ratio
from services.detect.screening.level_drift import level_drift
from services.detect.screening.marks_on_bad_hours import marks_on_bad_hours
from services.detect.screening.night_load import night_load
from services.detect.screening.o2_dilution import o2_dilution
from services.detect.screening.over_limit import over_limit
from services.detect.screening.panel import Panel
from services.detect.screening.parameter_change import parameter_change
from services.detect.screening.power_copy import power_copy
from services.detect.screening.power_mismatch import power_mismatch
from services.detect.screening.qc_too_perfect import qc_too_perfect
from services.detect.screening.quiet_part_of_day import quiet_part_of_day
from services.detect.screening.quiet_signal import quiet_signal
from services.detect.screening.range_high import range_high
from services.detect.screening.range_low import range_low
from services.detect.screening.rounded_values import rounded_values
from services.detect.screening.same_outlets import same_outlets
from services.detect.screening.scale_change import scale_change
from services.detect.screening.scaled_replay import scaled_replay
from services.detect.screening.sign import Sign
from services.detect.screening.slow_response import slow_response
from services.detect.screening.spike import spike
from services.detect.screening.steep_rise import steep_rise
from services.detect.screening.stuck_value import stuck_value
from services.detect.screening.synthetic_noise import synthetic_noise
from services.detect.screening.zero_gas import zero_gas

#: Finds the signs of one test in a panel; pure. Judges windows that end after `panel.since`.
Screen = Callable[[Panel, Rule], list[Sign]]

#: By rule id; the rule's file in `packs/base/screens/` holds family, pattern, parameters, wording.
SCREENS: Mapping[str, Screen] = {
    "calibrations_on_bad_hours": calibrations_on_bad_hours,
    "slow_response": slow_response,
    "furnace_sections": furnace_sections,
    "cod_remover": cod_remover,
    "effluent_dilution": effluent_dilution,
    "clock_shift": clock_shift,
    "night_load": night_load,
    "flow_mismatch": flow_mismatch,
    "conversion_mismatch": conversion_mismatch,
    "zero_gas": zero_gas,
    "ambient_sample": ambient_sample,
    "marks_on_bad_hours": marks_on_bad_hours,
    "gaps_on_bad_hours": gaps_on_bad_hours,
    "inlet_outlet_ratio": inlet_outlet_ratio,
    "power_mismatch": power_mismatch,
    "o2_dilution": o2_dilution,
    "exact_replay": exact_replay,
    "scaled_replay": scaled_replay,
    "same_outlets": same_outlets,
    "factor_copy": factor_copy,
    "power_copy": power_copy,
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
    "check_error": check_error,
    "qc_too_perfect": qc_too_perfect,
    "parameter_change": parameter_change,
    "stuck_value": stuck_value,
    "rounded_values": rounded_values,
    "synthetic_noise": synthetic_noise,
    "digit_habit": digit_habit,
}

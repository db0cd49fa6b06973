"""通零气、氮气: oxygen and every gas fall to nothing together while the plant runs (D09)."""

from services.detect.domain.rule import Rule
from services.detect.screening.joint_low import joint_low
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign


def needs_days(rule: Rule) -> float:
    """Days of own history before anything is evaluated."""
    return rule.number("min_history_days")


def zero_gas(panel: Panel, rule: Rule) -> list[Sign]:
    """通氮气、零气进采样口: oxygen below 3 % and every gas near nothing, no calibration mark.

    No combustion runs so: oxygen that low means soot and CO. The sample flow, the pressure of the
    line and the calibration log tell a forgotten mark from a bottle at the probe.
    """
    most = rule.number("oxygen_below")
    return joint_low(panel, rule, lambda o2: o2 < most, "zero_gas")

"""拔管: the analysers read ambient air while the plant runs (D10)."""

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.dilution_identity import AIR_O2
from services.detect.screening.joint_low import joint_low
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign


def needs_days(rule: Rule) -> float:
    """Days of own history before anything is evaluated."""
    return rule.number("min_history_days")


def ambient_sample(panel: Panel, rule: Rule) -> list[Sign]:
    """拔管、断开采样: oxygen at 20.9 % and every gas near nothing while load or power says it runs.

    A fan draught lost at the same time, a probe temperature near the weather's and the video of the
    platform close the gap to a real stop whose power meter runs on.
    """
    reach = rule.number("oxygen_reach")
    return joint_low(panel, rule, lambda o2: np.abs(o2 - AIR_O2) < reach, "ambient")

"""用电模型: kW of the demo meters minute by minute, with the stories of `power_stories.csv`.

As the other models: a number depends on seed, meter and minute alone, so any stretch can be made
again. Before and after its stories a plant runs without a stop.
"""

from dataclasses import dataclass

import numpy as np

from farsight.lab.model.load import beijing_hour
from farsight.lab.model.noise import Floats, Hours, autoregressive, key_of, normal

#: Share of the daily swing of a plant that never stops.
_SWING = 0.06
_SLOW = 0.97


@dataclass(frozen=True)
class PowerStory:
    """用电情景: a meter runs at a share of its power in the unix minutes [start, end)."""

    start: int
    end: int
    share: float


@dataclass(frozen=True)
class DemoMeter:
    """演示电表 of one outlet's plant."""

    meter_id: str
    outlet_id: str
    use: str
    facility: str
    running_kw: float
    noise: float
    stories: tuple[PowerStory, ...] = ()


def power_kw(meter: DemoMeter, minutes: Hours, seed: int) -> Floats:
    """Return kW at unix minutes, which must be evenly spaced within a call."""
    key = key_of(seed, meter.meter_id)
    hours = np.arange(minutes[0] // 60, minutes[-1] // 60 + 1)
    slow = autoregressive(key_of(key, "slow"), hours, _SLOW)[minutes // 60 - hours[0]]
    swing = _SWING * np.cos((beijing_hour(minutes // 60) - 14) * np.pi / 12)
    fast = 0.3 * normal(key_of(key, "fast"), minutes)
    share = np.ones(len(minutes))
    for story in meter.stories:
        share[(minutes >= story.start) & (minutes < story.end)] *= story.share
    level: Floats = np.maximum(0.1, 1 + swing + meter.noise * (slow + fast))
    return level * share * meter.running_kw

"""生产负荷: load of a unit hour by hour, with its rhythm, its stops and its start-ups."""

from typing import cast

import numpy as np

from farsight.lab.model.noise import Floats, Hours, autoregressive, key_of, normal, uniform
from farsight.lab.model.profiles import PlantProfile

_BLOCK = 24 * 30  # hours; at most one stop in a block
_DAWN, _NOON, _DUSK = (-0.6, -0.8, -0.9, -1.0, -0.9, -0.7), (0.5, 0.4, 0.4, 0.5), (0.6, 0.7, 0.8)
_SHAPE = np.array(  # share of the daily swing by Beijing hour: low before dawn, peaks at 10 and 20
    [*_DAWN, -0.3, 0.2, 0.6, 0.9, 1.0, 0.8, *_NOON, *_DUSK, 0.9, 1.0, 0.7, 0.2, -0.3]
)
START_UP_HOURS = 4


def beijing_hour(hours: Hours) -> Hours:
    """Return the hour of the Beijing day of each absolute hour (hours since 1970, UTC)."""
    return (hours + 8) % 24


def _weekend(hours: Hours) -> Floats:
    # 1970-01-01 was a Thursday; +3 makes Monday 0.
    return ((((hours + 8) // 24 + 3) % 7) >= 5).astype(np.float64)


def since_stop(seed_key: int, profile: PlantProfile, hours: Hours) -> tuple[Floats, Floats]:
    """Return (stopped 0/1, hours since the last start, large when long ago).

    Each block of 30 days holds at most one stop whose place and length come from the block's
    number, and which ends inside the block.
    """
    block = hours // _BLOCK
    chance = profile.stops_a_year * _BLOCK / 8766.0
    has_stop = uniform(key_of(seed_key, "stop"), block) < chance
    length = np.round(profile.stop_hours * np.exp(0.5 * normal(key_of(seed_key, "len"), block)))
    length = np.minimum(length, _BLOCK / 2)
    room = _BLOCK - length - START_UP_HOURS
    begin = block * _BLOCK + np.floor(uniform(key_of(seed_key, "at"), block) * room)
    stopped = has_stop & (hours >= begin) & (hours < begin + length)
    running = np.where(has_stop & (hours >= begin + length), hours - begin - length, 1e6)
    return stopped.astype(np.float64), cast(Floats, running)


def load_share(seed_key: int, profile: PlantProfile, hours: Hours) -> Floats:
    """Return the load as a share of design, 0 while stopped."""
    rhythm = profile.daily * _SHAPE[beijing_hour(hours)] - profile.weekend * _weekend(hours)
    wander = profile.load_noise * autoregressive(key_of(seed_key, "load"), hours, profile.load_slow)
    load = np.clip(profile.base_load + rhythm + wander, 0.45, 1.08)
    stopped, running = since_stop(seed_key, profile, hours)
    ramp = np.clip(0.4 + 0.6 * running / START_UP_HOURS, 0.0, 1.0)
    return load * ramp * (1.0 - stopped)

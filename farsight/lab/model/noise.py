"""Random numbers by counter: the same (key, hour) gives the same number in every process.

A stateful generator would tie a value to where the run began. Here the hour is hashed
(splitmix64), so any stretch of time can be computed on its own.
"""

import hashlib
from typing import cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Hours = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_CUT = 0.005  # an autoregressive memory below this share is dropped


def key_of(*parts: object) -> int:
    """Return a 64-bit key for the named stream, stable over processes and Python versions."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    x = (x ^ (x >> np.uint64(30))) * _MIX_1
    x = (x ^ (x >> np.uint64(27))) * _MIX_2
    return x ^ (x >> np.uint64(31))


def uniform(key: int, hours: Hours) -> Floats:
    """Return one number in (0, 1) for each absolute hour."""
    state = hours.astype(np.uint64) * _GOLDEN + np.uint64(key)
    return (_mix(_mix(state)) >> np.uint64(11)).astype(np.float64) * 2.0**-53 + 2e-17


def normal(key: int, hours: Hours) -> Floats:
    """Return one standard normal number for each absolute hour (Box-Muller)."""
    radius = np.sqrt(-2.0 * np.log(uniform(key, hours)))
    return radius * np.cos(2.0 * np.pi * uniform(key ^ 0x5DEECE66D, hours))


def autoregressive(key: int, hours: Hours, phi: float) -> Floats:
    """Return AR(1) noise of unit variance at consecutive hours.

    Written as a moving average with the memory cut where it has faded: the value of an hour
    then depends on a fixed number of hours before it, not on where the array begins.
    """
    memory = int(np.ceil(np.log(_CUT) / np.log(phi)))
    weights = phi ** np.arange(memory + 1)
    before = np.arange(hours[0] - memory, hours[0], dtype=np.int64)
    shocks = normal(key, np.concatenate([before, hours]))
    return cast(Floats, np.convolve(shocks, weights / np.linalg.norm(weights), mode="valid"))


def decaying_pulses(key: int, hours: Hours, rate: float, tail: float, decay: float) -> Floats:
    """Return heavy-tailed upsets 扰动: Pareto pulses that start rarely and fade away.

    `rate` pulses an hour on average, Pareto exponent `tail` (smaller = heavier), each hour keeps
    the share `decay` of the one before.
    """
    memory = int(np.ceil(np.log(_CUT) / np.log(decay)))
    before = np.arange(hours[0] - memory, hours[0], dtype=np.int64)
    when = np.concatenate([before, hours])
    starts = uniform(key, when) < rate
    size = np.minimum(uniform(key ^ 0xA5A5A5A5, when) ** (-1.0 / tail) - 1.0, 20.0)
    return cast(Floats, np.convolve(starts * size, decay ** np.arange(memory + 1), mode="valid"))

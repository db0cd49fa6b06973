"""造假与超标情景: what a story of `scenarios.csv` does to an outlet's values.

Each pattern is one function over the hours it covers. Names follow the laboratory's catalogue:
sample bottle D01, constant value D02, replay D03, diluted sample D07; exceedance, silence and a
cold furnace are no falsification.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farsight.lab.model.noise import Floats, Hours, key_of, normal

SILENT = "silent"
REPLAY = "replay"
"""The values of `amount` days before, digit by digit, of the factors named."""
DILUTED = "dilute"
"""Air is drawn into the sampling line: `amount` is its share of the sample."""
_AIR_O2_PERCENT = 20.9
_OXYGEN, _MOISTURE, _GAS_TEMPERATURE = "a19001", "a01014", "a01012"
COLD_SAMPLES = 70
"""Half minutes at the start of the hour in which a furnace is too cold: seven five-minute means."""
_HOUR_SAMPLES = 120
_WARM_DEGC = 930.0
Letters = NDArray[np.str_]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Cheat:
    """情景: one pattern on some factors of one outlet in absolute hours [start, end).

    `amount` is a share of the factor's limit (of a replay days, of a dilution the share of air),
    `noise` the relative standard deviation of what is shown, `key` the noise stream.
    """

    factors: tuple[str, ...]
    pattern: str
    start: int
    end: int
    amount: float
    noise: float
    key: int

    def covers(self, hours: Hours) -> Mask:
        """Return which hours the pattern covers."""
        return (hours >= self.start) & (hours < self.end)


def _exceed(cheat: Cheat, factor: str, limit: float, hours: Hours) -> Floats:
    """超标: a real exceedance, honestly reported; each hour at a multiple of the limit."""
    return cheat.amount * limit * (1.0 + cheat.noise * normal(key_of(cheat.key, factor), hours))


def _bottle(cheat: Cheat, factor: str, limit: float, hours: Hours) -> Floats:
    """样品瓶 (D01): the probe stands in a bottle; each 2 h analysis differs by its noise alone."""
    analysis = hours - hours % 2
    return cheat.amount * limit * (1.0 + cheat.noise * normal(key_of(cheat.key, factor), analysis))


def _constant(cheat: Cheat, factor: str, limit: float, hours: Hours) -> Floats:  # noqa: ARG001
    """恒值 (D02): the same digits every hour."""
    return np.full(len(hours), cheat.amount * limit)


def _cold(cheat: Cheat, factor: str, limit: float, hours: Hours) -> Floats:  # noqa: ARG001
    """炉温偏低: the hour's mean with its first part at `amount` degC, the rest as hot as ever."""
    share = COLD_SAMPLES / _HOUR_SAMPLES
    return np.full(len(hours), cheat.amount * share + _WARM_DEGC * (1.0 - share))


PATTERNS: dict[str, Callable[[Cheat, str, float, Hours], Floats]] = {
    "exceed": _exceed,
    "bottle": _bottle,
    "constant": _constant,
    "cold": _cold,
}

KNOWN = {*PATTERNS, SILENT, REPLAY, DILUTED}
"""Patterns that a story may name."""


def keep_running(cheats: Sequence[Cheat], hours: Hours) -> Mask:
    """Return the hours in which a story needs the plant to run: a standstill would hide it."""
    inside = np.zeros(len(hours), dtype=np.bool_)
    for cheat in cheats:
        if cheat.pattern != SILENT:
            inside |= cheat.covers(hours)
    return inside


def apply_cheats(
    cheats: Sequence[Cheat],
    limits: Mapping[str, float],
    to_measured: Floats,
    hours: Hours,
    *,
    shown: dict[str, Floats],
    flag: dict[str, Letters],
    honest: Callable[[Hours], Mapping[str, Floats]],
) -> None:
    """Overwrite what is shown inside each cheat's hours and call it normal (flag N).

    An exceedance is stated as a converted value and comes back through `to_measured`; the other
    patterns are what the analyser itself shows. A bottle stays in during the daily check too.
    `honest` gives what is shown in any hours, begun with an analyser's cycle, without a cheat.
    """
    for cheat in cheats:
        inside = cheat.covers(hours)
        if cheat.pattern == SILENT or not inside.any():
            continue
        if cheat.pattern == DILUTED:
            _dilute(cheat, inside, shown)
        past = honest(hours - round(24 * cheat.amount)) if cheat.pattern == REPLAY else {}
        for factor in cheat.factors:
            if cheat.pattern == REPLAY:
                shown[factor][inside] = past[factor][inside]
            elif cheat.pattern != DILUTED:
                limit = limits.get(factor, np.nan)
                values = PATTERNS[cheat.pattern](cheat, factor, limit, hours[inside])
                scale = to_measured[inside] if cheat.pattern == "exceed" else 1.0
                shown[factor][inside] = values * scale
            flag[factor][inside] = "N"


def _dilute(cheat: Cheat, inside: Mask, shown: dict[str, Floats]) -> None:
    """抽空气: gases, moisture and temperature fall by the share of air, oxygen nears air's."""
    for factor in {*cheat.factors, _MOISTURE, _GAS_TEMPERATURE} - {_OXYGEN}:
        shown[factor][inside] *= 1.0 - cheat.amount
    oxygen = shown[_OXYGEN][inside]
    shown[_OXYGEN][inside] = oxygen + cheat.amount * (_AIR_O2_PERCENT - oxygen)


def steady(cheats: Sequence[Cheat], factor: str, hours: Hours) -> Mask:
    """Return the hours in which nothing moves inside the hour either (恒值)."""
    inside = np.zeros(len(hours), dtype=np.bool_)
    for cheat in cheats:
        if cheat.pattern == "constant" and factor in cheat.factors:
            inside |= cheat.covers(hours)
    return inside


def cold_at(cheats: Sequence[Cheat], factor: str, hour: int) -> float | None:
    """Return the temperature of the cold part of an hour, degC; None = the furnace is hot."""
    for cheat in cheats:
        if cheat.pattern == "cold" and factor in cheat.factors and cheat.start <= hour < cheat.end:
            return cheat.amount
    return None


def silent(cheats: Sequence[Cheat], hours: Hours) -> Mask:
    """Return the hours in which the logger sends nothing (断线)."""
    inside = np.zeros(len(hours), dtype=np.bool_)
    for cheat in cheats:
        if cheat.pattern == SILENT:
            inside |= cheat.covers(hours)
    return inside

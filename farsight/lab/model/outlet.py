"""排放口模型: everything one outlet's logger reports, hour by hour.

Order of cause: load -> oxygen, flow, temperature -> converted concentrations -> measured ones (back
through the oxygen) -> the instrument's cycle and resolution -> the converted value as the logger
computes it again from what it measured. Cheats change the measured value, as they do in life.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from farsight.lab.model.cheats import (
    COLD_SAMPLES,
    Cheat,
    Letters,
    apply_cheats,
    cold_at,
    keep_running,
    steady,
)
from farsight.lab.model.concentration import checked, measured
from farsight.lab.model.detail import SAMPLES, extremes, pattern
from farsight.lab.model.identity import Identity
from farsight.lab.model.load import START_UP_HOURS, load_share, since_stop
from farsight.lab.model.noise import Floats, Hours
from farsight.lab.model.profiles import FactorProfile, factor_profiles
from farsight.lab.model.surroundings import DECIMALS, OXYGEN, TEXTURE, oxygen, surroundings

NO_CONVERSION_O2 = 19.0
"""Above this oxygen content (volume %) a converted value means nothing and is not reported."""
CYCLE = 2
"""Longest measuring cycle of an analyser, hours; blocks are computed from a multiple of it."""


@dataclass(frozen=True)
class HourBlock:
    """小时数据 of consecutive hours: reported means, extremes, converted means and flags."""

    hours: Hours
    mean: dict[str, Floats]
    low: dict[str, Floats]
    high: dict[str, Floats]
    converted: dict[str, Floats]  # NaN where no conversion is reported
    flag: dict[str, Letters]

    def since(self, first: int) -> "HourBlock":
        """Return the part from the absolute hour `first`."""
        cut = int(np.searchsorted(self.hours, first))

        def part(values: dict[str, Floats]) -> dict[str, Floats]:
            return {factor: column[cut:] for factor, column in values.items()}

        return HourBlock(
            hours=self.hours[cut:],
            mean=part(self.mean),
            low=part(self.low),
            high=part(self.high),
            converted=part(self.converted),
            flag={factor: letters[cut:] for factor, letters in self.flag.items()},
        )


@dataclass(frozen=True)
class OutletModel:
    """One outlet: who it is, what it measures, its strictest upper limit a factor, its cheats."""

    who: Identity
    factors: Sequence[str]
    limits: Mapping[str, float]
    ref_o2: float
    cheats: Sequence[Cheat] = field(default=())

    def block(self, first: int, count: int) -> HourBlock:
        """Return `count` hours from the absolute hour `first` (hours since 1970, UTC)."""
        begin = first - first % CYCLE
        return self._report(np.arange(begin, first + count, dtype=np.int64)).since(first)

    def row(self, factor: str) -> FactorProfile | None:
        """Return the profile of a modelled pollutant, None for an accompanying parameter."""
        return factor_profiles().get((self.who.process, factor))

    def decimals(self, factor: str) -> int:
        """Return how many digits after the point the instrument shows."""
        row = self.row(factor)
        return round(-np.log10(row.resolution)) if row else DECIMALS.get(factor, 2)

    def half_minutes(self, factor: str, hour: int, mean: float) -> Floats:
        """Return the 120 half-minute values of one hour round its mean, rounded as shown."""
        texture = self._texture(factor, np.array([hour], dtype=np.int64))[0]
        level = np.full(SAMPLES, mean)
        if (cold := cold_at(self.cheats, factor, hour)) is not None:
            level[:COLD_SAMPLES] = cold
            level[COLD_SAMPLES:] = (mean * SAMPLES - cold * COLD_SAMPLES) / (SAMPLES - COLD_SAMPLES)
        values = level * (1.0 + texture * pattern(self.who.key("detail", factor), hour))
        return cast(Floats, np.round(values, self.decimals(factor)))

    def _texture(self, factor: str, hours: Hours) -> Floats:
        """Return the relative spread inside each hour."""
        row = self.row(factor)
        spread = row.detail if row else TEXTURE[factor]
        return cast(Floats, np.where(steady(self.cheats, factor, hours), 0.0, spread))

    def _report(self, hours: Hours) -> HourBlock:
        load = self._load(hours)
        shown = self._honest(hours)
        to_measured = self._to_measured(shown[OXYGEN])
        flag = self._flags(hours, load)
        apply_cheats(
            self.cheats, self.limits, to_measured, hours,
            shown=shown, flag=flag, honest=self._honest,
        )  # fmt: skip
        mean = {f: np.round(shown[f], self.decimals(f)) for f in self.factors}
        return self._with_extremes(hours, mean, flag)

    def _load(self, hours: Hours) -> Floats:
        profile = self.who.profile
        load = load_share(self.who.key("plant"), profile, hours)
        return np.where(keep_running(self.cheats, hours) & (load < 0.5), profile.base_load, load)

    def _honest(self, hours: Hours) -> dict[str, Floats]:
        """Return what is shown where nobody cheats; whole analyser cycles."""
        load = self._load(hours)
        shown = surroundings(self.who, hours, load)
        shown[OXYGEN] = np.round(oxygen(self.who, hours, load), self.decimals(OXYGEN))
        to_measured = self._to_measured(shown[OXYGEN])
        for factor in self.factors:
            if row := self.row(factor):
                limit = self.limits[factor]
                shown[factor] = measured(
                    self.who, row, limit, hours, load=load, to_measured=to_measured
                )
        return shown

    def _to_measured(self, o2: Floats) -> Floats:
        """Return what turns a converted value into one at the oxygen of the hour."""
        return (21.0 - o2) / (21.0 - self.ref_o2) if self.ref_o2 else np.ones(len(o2))

    def _flags(self, hours: Hours, load: Floats) -> dict[str, Letters]:
        """Return flag C at a check, F while stopped and at the very start, else N."""
        _, running = since_stop(self.who.key("plant"), self.who.profile, hours)
        starting = (running < START_UP_HOURS) & (load < 0.6 * self.who.profile.base_load)
        flag = {}
        for factor in self.factors:
            letters = np.full(len(hours), "N", dtype="<U1")
            if row := self.row(factor):
                letters[checked(self.who, row, hours)] = "C"
            letters[(load <= 0) | starting] = "F"
            flag[factor] = letters
        return flag

    def _with_extremes(
        self, hours: Hours, mean: dict[str, Floats], flag: dict[str, Letters]
    ) -> HourBlock:
        low, high, converted = {}, {}, {}
        for factor in self.factors:
            least, most = extremes(self.who.key("detail", factor), hours)
            texture = self._texture(factor, hours)
            low[factor] = np.round(mean[factor] * (1.0 + texture * least), self.decimals(factor))
            high[factor] = np.round(mean[factor] * (1.0 + texture * most), self.decimals(factor))
            if self.ref_o2 and factor in self.limits:
                converted[factor] = convert(mean[factor], mean[OXYGEN], self.ref_o2)
        return HourBlock(hours, mean, low, high, converted, flag)


def convert(measured_value: Floats, o2: Floats, ref_o2: float) -> Floats:
    """Return 折算浓度 c x (21 - O2ref)/(21 - O2), NaN where oxygen is near that of air.

    Source: GB 13223-2011, GB 4915-2013, GB 18485-2014; same unit as `measured_value`.
    """
    divisor = np.where(o2 < NO_CONVERSION_O2, 21.0 - o2, np.nan)
    return cast(Floats, np.round(measured_value * (21.0 - ref_o2) / divisor, 3))

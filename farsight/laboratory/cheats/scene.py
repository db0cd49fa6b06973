"""造假现场: the stretch of one station that a cheat changes, and how it may change it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from farsight.laboratory.station import Channel, Station
from services.detect.kernels.series import Floats
from services.detect.screening.roles import Role, role_of

_MAD = 1.4826


@dataclass
class Scene:
    """What a cheat works on: cells [begin, end) of `factor`; what it did is in `touched`."""

    station: Station
    factor: str
    begin: int
    end: int
    random: np.random.Generator
    parameters: Mapping[str, float]
    partner: Station | None = None
    """Another outlet of the same enterprise, where the cheat needs one."""
    touched: list[tuple[Station, str, int, int]] = field(default_factory=list)

    @property
    def channel(self) -> Channel:
        """Of the factor."""
        return self.station.channels[self.factor]

    @property
    def window(self) -> slice:
        """The stretch."""
        return slice(self.begin, self.end)

    @property
    def length(self) -> int:
        """Cells of the stretch."""
        return self.end - self.begin

    def part(self, factor: str | None = None) -> Floats:
        """Honest values of the stretch."""
        return self.station.channels[factor or self.factor].value[self.window].copy()

    def history(self, factor: str | None = None) -> Floats:
        """Values before the stretch that were received."""
        value = self.station.channels[factor or self.factor].value[: self.begin]
        return value[np.isfinite(value)]

    def hour(self) -> Floats:
        """Hour of the day, with fractions, of each cell of the stretch."""
        return np.arange(self.begin, self.end) * self.station.step_min / 60 % 24

    def normal(self, size: int | None = None) -> Floats:
        """Standard normal numbers, one a cell."""
        return self.random.standard_normal(self.length if size is None else size)

    def put(self, value: Floats, factor: str | None = None, *, grid: float | None = None) -> None:
        """Show these values in the stretch: on the own grid and cycle; gaps of the record stay."""
        name = factor or self.factor
        channel = self.station.channels[name]
        own, cycle = channel.grid_and_cycle()
        shown = np.round(value / (grid or own)) * (grid or own)
        held = np.arange(self.length) // cycle * cycle
        shown = np.where(np.isfinite(channel.value[self.window]), shown[held], np.nan)
        channel.value[self.window] = np.round(shown, 5)
        self.touch(name)

    def touch(
        self, factor: str, *, begin: int | None = None, end: int | None = None,
        station: Station | None = None,
    ) -> None:  # fmt: skip
        """Label a stretch of a factor as changed; the whole stretch by default."""
        change = (
            station or self.station,
            factor,
            self.begin if begin is None else begin,
            self.end if end is None else end,
        )
        if change not in self.touched:
            self.touched.append(change)

    def line(self) -> list[str]:
        """Factors on the sampling line of the factor: all pollutants of the station."""
        return self.station.factors(Role.POLLUTANT)

    def convert_again(self) -> None:
        """Converted values of the stretch as the logger computes them from what it now shows."""
        for factor in self.station.factors(Role.CONVERTED):
            raw = self.station.channels.get(factor.removesuffix("_zs"))
            oxygen = self.station.factors(Role.OXYGEN)
            if raw is None or not oxygen:
                continue
            converted, o2 = self.station.channels[factor], self.station.channels[oxygen[0]]
            now = raw.value[self.window] * self.ratio(factor)
            divisor = np.maximum(21.0 - o2.value[self.window], 0.5)
            grid, _ = converted.grid_and_cycle()
            converted.value[self.window] = np.round(np.round(now / divisor / grid) * grid, 5)

    def ratio(self, factor: str) -> float:
        """21 minus reference oxygen, as the history of a converted factor shows it."""
        raw = self.station.channels[factor.removesuffix("_zs")].value[: self.begin]
        oxygen = self.station.channels[self.station.factors(Role.OXYGEN)[0]].value[: self.begin]
        converted = self.station.channels[factor].value[: self.begin]
        with np.errstate(divide="ignore", invalid="ignore"):
            each = converted * (21.0 - oxygen) / raw
        each = each[np.isfinite(each)]
        return float(np.median(each)) if len(each) else 15.0


def spread(value: Floats) -> float:
    """Robust standard deviation of values without gaps; 0 of none."""
    return float(_MAD * np.median(np.abs(value - np.median(value)))) if len(value) else 0.0


def is_pollutant(factor: str) -> bool:
    """Whether a factor is a concentration with a limit."""
    return role_of(factor) is Role.POLLUTANT

"""模拟站点: clean stations of the demo province's own model, with every accompanying factor."""

from collections.abc import Iterator

import numpy as np

from farsight.lab.model.identity import Identity
from farsight.lab.model.outlet import OutletModel
from farsight.lab.model.profiles import factor_profiles
from farsight.laboratory.station import Channel, Station
from services.detect.kernels.series import Floats

_GAS = ("a19001", "a00000", "a01012", "a01014")
_LIMITS = {"w01018": 50.0, "w21003": 5.0, "w21011": 0.5, "w21001": 15.0}
_GAS_LIMIT = 50.0
_REF_O2 = 11.0
#: Hour at which the model begins: 2024-01-01 00:00 Beijing.
_FIRST_HOUR = 1_704_067_200 // 3600 - 8


def simulated_stations(count: int, days: int, seed: int) -> Iterator[Station]:
    """So many hourly stations of the modelled processes in turn."""
    processes = sorted({process for process, _ in factor_profiles()})
    for number in range(count):
        process = processes[number % len(processes)]
        factors = [factor for p, factor in factor_profiles() if p == process]
        gas = any(factor.startswith("a") for factor in factors)
        model = OutletModel(
            who=Identity(f"SIM{number:04d}", process, seed),
            factors=[*factors, *(_GAS if gas else ("w00000",))],
            limits={factor: _LIMITS.get(factor, _GAS_LIMIT) for factor in factors},
            ref_o2=_REF_O2 if gas else 0.0,
        )
        yield _station(model, factors, days)


def _station(model: OutletModel, limited: list[str], days: int) -> Station:
    block = model.block(_FIRST_HOUR, days * 24)
    channels = {}
    for factor, value in block.mean.items():
        limit = _limit(model, factor, value) if factor in limited else np.nan
        letters = np.where(block.flag[factor] == "N", "", block.flag[factor])
        channels[factor] = Channel(np.asarray(value, dtype=float), letters.astype("<U1"), limit)
    for factor, value in block.converted.items():
        channels[f"{factor}_zs"] = Channel.of(value, _limit(model, factor, value))
    random = np.random.default_rng([model.who.seed, *model.who.outlet_id.encode()])
    _add_power(channels, random)
    _add_inlet(channels, random)
    return Station(model.who.outlet_id, 60, channels, model.who.outlet_id, "", "simulated")


def _limit(model: OutletModel, factor: str, value: Floats) -> float:
    """The model's limit, above all that the model emits: a clean station does not exceed."""
    return max(model.limits[factor], round(float(np.nanmax(value)) * 1.05, 2))


def _add_power(channels: dict[str, Channel], random: np.random.Generator) -> None:
    """Production power that flow follows, and treatment power that follows production."""
    flow = next((channels[f].value for f in ("a00000", "w00000") if f in channels), None)
    if flow is None:
        return
    load = flow / max(float(np.nanmedian(flow)), 1e-9)
    production = 400 * load * np.exp(_wander(len(load), 0.03, random))
    treatment = (12 + 28 * np.clip(load, 0, None)) * np.exp(_wander(len(load), 0.04, random))
    channels["elec_prod"] = Channel.of(np.round(production, 1))
    channels["elec_treat"] = Channel.of(np.round(treatment, 2))


def _add_inlet(channels: dict[str, Channel], random: np.random.Generator) -> None:
    """Inlet COD, of which the outlet shows what treatment left some hours later."""
    if "w01018" not in channels:
        return
    outlet, late = _unmarked(channels["w01018"]), int(random.integers(4, 12))
    removal = random.uniform(0.8, 0.92) + 0.2 * _wander(len(outlet), 0.05, random)
    inlet = np.roll(outlet, -late) / (1 - np.clip(removal, 0.5, 0.96))
    channels["w01018_in"] = Channel.of(np.repeat(np.round(inlet[::2], 1), 2)[: len(outlet)])


def _unmarked(channel: Channel) -> Floats:
    """Values with those of checks and stops replaced by the last ordinary one."""
    usable = (channel.flag == "") & np.isfinite(channel.value)
    last = np.maximum.accumulate(np.where(usable, np.arange(len(usable)), 0))
    value: Floats = channel.value[last]
    return value


def _wander(cells: int, width: float, random: np.random.Generator) -> Floats:
    """First-order noise of a standard deviation, memory of five cells."""
    value = random.standard_normal(cells)
    for cell in range(1, cells):
        value[cell] = 0.8 * value[cell - 1] + 0.6 * value[cell]
    return value * width

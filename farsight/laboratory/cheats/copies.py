"""复制类手法: replayed stretches, copied factors, outlets and meters."""

import numpy as np

from farsight.laboratory.cheats.scene import Scene, spread
from services.detect.kernels.series import Floats
from services.detect.screening.roles import Role


def replay(scene: Scene) -> str:
    """数据回放 (D03): an earlier stretch, digit by digit, a whole number of days before."""
    value, days = _earlier(scene)
    _show(scene, value)
    return f"lag {days} d"


def replay_scaled(scene: Scene) -> str:
    """缩放回放 (D03): an earlier stretch, scaled, with a little noise."""
    value, days = _earlier(scene)
    own = scene.parameters["times"]
    scene.put(np.maximum(value * own + 0.01 * spread(scene.history()) * scene.normal(), 0.0))
    return f"x{own:.2f} lag {days} d"


def _earlier(scene: Scene) -> tuple[Floats, int]:
    day = scene.station.per_day
    least = -(-scene.length // day)
    most = max(least, min((scene.begin - 1) // day, int(scene.parameters["days"])))
    days = int(scene.random.integers(least, most + 1))
    source = scene.channel.value[scene.begin - days * day : scene.end - days * day]
    return np.where(np.isfinite(source), source, np.nanmedian(source)), days


def _show(scene: Scene, value: Floats) -> None:
    """Exactly these digits; gaps of the record stay."""
    there = np.isfinite(scene.part())
    scene.channel.value[scene.window] = np.where(there, value, np.nan)
    scene.touch(scene.factor)


def factor_copy(scene: Scene) -> str:
    """因子互拷 (D15): another factor of the outlet, times a constant."""
    others = [f for f in scene.line() if f != scene.factor]
    other = others[int(scene.random.integers(len(others)))]
    ratio = float(np.median(scene.history()) / max(np.median(scene.history(other)), 1e-9))
    ratio = float(f"{ratio:.2g}")  # people choose round factors
    _show(scene, np.round(scene.part(other) * ratio, 5))
    return f"{other} x{ratio:g}"


def same_outlets(scene: Scene) -> str:
    """两口同数 (D16): the other outlet of the enterprise shows this one's values."""
    partner = scene.partner
    if partner is None:
        return ""
    value, told = scene.part(), "exact"
    kind = scene.parameters["kind"]
    grid, _ = partner.channels[scene.factor].grid_and_cycle()
    if kind < 0.25:
        times = scene.random.uniform(0.9, 1.1)
        value, told = np.round(np.round(value * times / grid) * grid, 5), f"x{times:.2f}"
    elif kind < 0.4:
        late = scene.station.cells_of(1)
        value, told = np.r_[value[late:], value[-late:]], "one hour off"
    partner.channels[scene.factor].value[scene.window] = value
    scene.touch(scene.factor)
    scene.touch(scene.factor, station=partner)
    return told


def power_copy(scene: Scene) -> str:
    """用电曲线复制 (D33): the treatment meter hangs on the production feeder."""
    production = scene.station.factors(Role.PRODUCTION_POWER)[0]
    ratio = float(np.median(scene.history()) / max(np.median(scene.history(production)), 1e-9))
    scene.put(scene.part(production) * ratio)
    return f"x{ratio:.3g} of {production}"

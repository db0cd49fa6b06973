"""水平类手法: clipping, wrong ranges, drift, changed parameters; spikes, rises, exceedance."""

import numpy as np

from farsight.laboratory.cheats.scene import Scene, spread
from services.detect.kernels.series import Floats


def clip(scene: Scene) -> str:
    """限幅 (D04): emission rises, and whatever is above the limit is shown just below it."""
    risen = scene.part() * scene.parameters["rise"]
    past = scene.history()
    some = risen[np.isfinite(risen)]
    limit = max(float(np.quantile(some, scene.parameters["quantile"])), float(past.max()) * 1.001)
    if (some > limit).mean() < 0.08:  # nothing to clip: the rise was not enough
        risen *= limit / np.quantile(some, 0.75)
    _limit(scene, limit)
    low = scene.parameters["band"]
    shown = limit * scene.random.uniform(low, 0.998, scene.length)
    grid, _ = scene.channel.grid_and_cycle()
    scene.put(np.minimum(np.where(risen > limit, shown, risen), limit - grid))
    return f"from {low:.3f} of the limit"


def range_low(scene: Scene) -> str:
    """量程过低 (D05): peaks stop at the top of a measuring range that is too small."""
    value = scene.part() * scene.parameters["rise"]
    top = float(np.nanquantile(value, scene.parameters["quantile"]))
    _limit(scene, top * 1.3)
    scene.put(np.minimum(value, top))
    return f"top {top:.4g}"


def range_high(scene: Scene) -> str:
    """量程过大 (D39): a range far above the level; low values lose their digits or read zero."""
    step = spread(scene.history()) * scene.parameters["steps"]
    value = scene.part()
    scene.put(np.where(value < step, 0.0, value), grid=step)
    return f"step {step:.3g}"


def drift(scene: Scene) -> str:
    """漂移 (D14): a slope that is left, or used."""
    share = scene.parameters["share"] * (-1 if scene.parameters["down"] > 0.3 else 1)
    shown = scene.part() * (1 + share * np.linspace(0, 1, scene.length))
    _above(scene, shown)
    scene.put(shown)
    return f"{share:+.2f}"


def scale_step(scene: Scene) -> str:
    """斜率修改 (D06): everything is multiplied from one moment on."""
    scene.put(scene.part() * scene.parameters["share"])
    return f"x{scene.parameters['share']:.2f}"


def offset_step(scene: Scene) -> str:
    """截距修改 (D06): the same amount is taken off every value, never below zero."""
    off = float(np.median(scene.history())) * scene.parameters["share"]
    scene.put(np.maximum(scene.part() - off, 0.0))
    return f"-{off:.3g}"


def spike(scene: Scene) -> str:
    """尖峰: a few values far away."""
    past = scene.history()
    height = max(spread(np.diff(past)), 0.25 * spread(past)) * scene.parameters["height"]
    shown = scene.part() + height
    _above(scene, shown)
    scene.put(shown)
    return f"{height:.3g}"


def steep_rise(scene: Scene) -> str:
    """陡增: a rise within two hours that stays."""
    past = scene.history()
    ramp = np.minimum(np.arange(1, scene.length + 1) / scene.station.cells_of(1.5), 1)
    height = np.median(past) * (scene.parameters["times"] - 1) + 3 * spread(past)
    shown = scene.part() + ramp * height
    _above(scene, shown)
    scene.put(shown)
    return f"x{scene.parameters['times']:.1f}"


def exceed(scene: Scene) -> str:
    """超标: honestly shown values above the limit."""
    limit = scene.channel.limit
    if not limit > 0:
        limit = float(scene.history().max()) * 1.05
        _limit(scene, limit)
    shown = limit * scene.parameters["times"] * (1 + 0.03 * scene.normal())
    scene.put(np.maximum(shown, limit * 1.02))
    return f"x{scene.parameters['times']:.2f}"


def _limit(scene: Scene, limit: float) -> None:
    """Set the limit; what lies above it outside the stretch is taken out, so that it stays honest.

    The station of the case has another limit than that of the record.
    """
    channel = scene.channel
    channel.limit = round(limit, 5)
    outside = channel.value.copy()
    outside[scene.window] = np.nan
    channel.value[outside > limit] = np.nan


def _above(scene: Scene, shown: Floats) -> None:
    """Lift a limit that the cheat would cross: the case is no exceedance."""
    if scene.channel.limit > 0 and np.isfinite(shown).any():
        scene.channel.limit = max(scene.channel.limit, round(float(np.nanmax(shown)) * 1.05, 5))

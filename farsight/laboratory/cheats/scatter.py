"""离散类手法: bottle, held value, rounding, typed digits, generated noise."""

import numpy as np

from farsight.laboratory.cheats.scene import Scene, spread
from services.detect.kernels.series import Bools, Floats


def constant(scene: Scene) -> str:
    """恒值 (D02): the last value before the stretch is held."""
    held = scene.history()[-1]
    scene.put(np.full(scene.length, held))
    return f"{held:g}"


def bottle(scene: Scene) -> str:
    """挂瓶 (D01): the line stands in a bottle; what is left is the analyser's own noise.

    With `line` above one half all pollutants of the station hang on that line and collapse too.
    """
    return _bottle(scene, np.ones(scene.length, dtype=bool))


def bottle_part_of_day(scene: Scene) -> str:
    """分时段挂瓶 (D01): the line is in the bottle from one hour of the day to another."""
    begin, hours = scene.parameters["from_h"] // 1, scene.parameters["hours"] // 1
    inside = (scene.hour() - begin) % 24 < hours
    told = _bottle(scene, inside)
    return f"{begin:g}h+{hours:g}h {told}"


def _bottle(scene: Scene, inside: Bools) -> str:
    own = scene.parameters
    level = own["level"]
    factors = scene.line() if own["line"] > 0.5 else [scene.factor]
    for factor in factors or [scene.factor]:
        shown = np.median(scene.history(factor)) * level
        grid, _ = scene.station.channels[factor].grid_and_cycle()
        noise = max(own["noise"] * abs(shown), 0.5 * grid)
        drift = own["ageing"] * np.linspace(0, 1, scene.length)  # a sample in a bottle ages
        value = shown * (1 - drift) + noise * scene.normal()
        scene.put(np.where(inside, value, scene.part(factor)), factor)
    return f"x{level:.2f}" + (f" {len(factors)} factors" if len(factors) > 1 else "")


def rounded(scene: Scene) -> str:
    """取整 (D17): values are written down coarser than the instrument shows."""
    own, _ = scene.channel.grid_and_cycle()
    wanted = max(spread(scene.history()) * scene.parameters["share"], 4 * own)
    decade = 10.0 ** np.floor(np.log10(wanted))
    grid = decade * min((1, 2, 5, 10), key=lambda c: abs(c - wanted / decade))
    scene.put(scene.part(), grid=grid)
    return f"grid {grid:g}"


def typed_digits(scene: Scene) -> str:
    """人为尾数 (D17): last digits as people type them, zeros, fives and eights before others."""
    own, _ = scene.channel.grid_and_cycle()
    weights = np.array([4, 1, 2, 1, 1, 4, 2, 1, 3, 1], dtype=float)
    digit = scene.random.choice(10, size=scene.length, p=weights / weights.sum())
    typed = scene.random.random(scene.length) < scene.parameters["share"]
    value = scene.part()
    tens = np.floor(value / (10 * own)) * 10 * own
    scene.put(np.where(typed, tens + digit * own, value))
    return f"share {scene.parameters['share']:.2f}"


def generator(scene: Scene) -> str:
    """随机数发生器 (D18): independent noise in the usual band; no memory, no rhythm of the day."""
    past = scene.history()
    level = np.quantile(past, scene.parameters["quantile"])
    width = spread(past) * scene.parameters["width"]
    scene.put(_inside(level + width * scene.normal(), past))
    return f"sd {width:.3g}"


def sine(scene: Scene) -> str:
    """信号发生器 (D18): a smooth wave with a little noise."""
    past = scene.history()
    period = scene.station.cells_of(scene.parameters["period_h"])
    wave = np.sin(2 * np.pi * np.arange(scene.length) / period)
    width = spread(past) * scene.parameters["width"]
    scene.put(_inside(np.median(past) + width * (wave + 0.05 * scene.normal()), past))
    return f"{scene.parameters['period_h']:.0f} h"


def _inside(value: Floats, past: Floats) -> Floats:
    return np.clip(value, past.min(), past.max())

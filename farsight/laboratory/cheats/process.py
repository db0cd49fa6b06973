"""工况类手法: inlet against outlet, treatment switched off, flow lowered, blocked lines."""

import numpy as np

from farsight.laboratory.cheats.scene import Scene
from services.detect.kernels.series import Bools
from services.detect.screening.roles import Role


def inlet_equals_outlet(scene: Scene) -> str:
    """进出水相同 (D23): the inlet analyser drinks treated water."""
    inlet, outlet = _ends(scene)
    times = scene.parameters["times"] * (1 + 0.03 * scene.normal())
    scene.put(scene.part(outlet) * times, inlet)
    return "inlet as outlet"


def outlet_lowered(scene: Scene) -> str:
    """出水压低 (D23): the outlet is shown at a fraction while the inlet stays."""
    _, outlet = _ends(scene)
    scene.put(scene.part(outlet) * scene.parameters["share"], outlet)
    return f"outlet x{scene.parameters['share']:.2f}"


def inlet_raised(scene: Scene) -> str:
    """进水抬高 (D23): the inlet is shown high, so that removal looks good."""
    inlet, _ = _ends(scene)
    scene.put(scene.part(inlet) * scene.parameters["times"], inlet)
    return f"inlet x{scene.parameters['times']:.2f}"


def _ends(scene: Scene) -> tuple[str, str]:
    inlets = [f for f in scene.station.factors(Role.INLET) if f.removesuffix("_in") in
              scene.station.channels]  # fmt: skip
    inlet = inlets[int(scene.random.integers(len(inlets)))]
    return inlet, inlet.removesuffix("_in")


def treatment_off(scene: Scene) -> str:
    """治污未开 (D24): production runs, treatment draws a fraction of its power."""
    running = _busy(scene)
    share = scene.parameters["share"]
    scene.put(np.where(running, scene.part() * share, scene.part()))
    _label_runs(scene, running)
    return f"x{share:.2f}"


def treatment_idle(scene: Scene) -> str:
    """空转治污 (D25): fan without pump: low and flat power, whatever production does."""
    running = _busy(scene)
    level = float(np.median(scene.history())) * scene.parameters["share"]
    flat = level * (1 + 0.01 * scene.normal())
    scene.put(np.where(running, flat, scene.part()))
    _label_runs(scene, running)
    return f"flat x{scene.parameters['share']:.2f}"


def _busy(scene: Scene) -> Bools:
    production = scene.station.factors(Role.PRODUCTION_POWER)[0]
    return scene.part(production) > np.median(scene.history(production))


def _label_runs(scene: Scene, running: Bools) -> None:
    """Label from the first to the last changed cell."""
    at = np.flatnonzero(running)
    scene.touched.clear()
    if len(at):
        begin = scene.begin + int(at[0])
        scene.touch(scene.factor, begin=begin, end=scene.begin + int(at[-1]) + 1)


def flow_lowered(scene: Scene) -> str:
    """流量压低 (D26/D27): the flow coefficient is lowered while the plant runs on."""
    scene.put(scene.part() * scene.parameters["share"])
    return f"x{scene.parameters['share']:.2f}"


def night_discharge(scene: Scene) -> str:
    """夜间偷排 (D22): flow and load go up at night only."""
    night = (scene.hour() >= 22) | (scene.hour() < 5)
    times = scene.parameters["times"]
    for factor in [scene.factor, *scene.station.factors(Role.FLOW)[:1]]:
        value = scene.part(factor)
        scene.put(np.where(night, value * times, value), factor)
    return f"nights x{times:.2f}"


def furnace_sections(scene: Scene) -> str:
    """炉温造假 (D36): the upper thermocouple repeats the middle one, some tenths off."""
    sections = scene.station.factors(Role.FURNACE)
    other = next(factor for factor in sections if factor != scene.factor)
    scene.put(scene.part(other) + 0.1 * np.round(scene.normal()))
    return f"as {other}"


def slow_response(scene: Scene) -> str:
    """采样管堵塞或旁通 (D38): values answer late and smeared."""
    lag = scene.station.cells_of(scene.parameters["hours"])
    value = scene.channel.value[max(0, scene.begin - 4 * lag) : scene.end]
    filled = np.where(np.isfinite(value), value, np.nanmedian(value))
    smooth = np.empty_like(filled)
    level = filled[0]
    for cell, now in enumerate(filled.tolist()):  # first-order response with time constant `lag`
        level += (now - level) / (lag + 1)
        smooth[cell] = level
    scene.put(smooth[-scene.length :])
    return f"{scene.parameters['hours']:.0f} h"

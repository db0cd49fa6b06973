"""化学关系类手法: air, nitrogen or zero gas in the sample, forged oxygen, diluted water."""

import numpy as np

from farsight.laboratory.cheats.scene import Scene
from services.detect.screening.roles import Role

_AIR_O2 = 20.9
_AMBIENT_DEGC, _AMBIENT_MOISTURE = 22.0, 1.5


def dilution(scene: Scene) -> str:
    """稀释采样 (D07): ambient air is drawn in: dry gases fall, oxygen rises towards that of air."""
    share = scene.parameters["share"]
    oxygen = scene.station.factors(Role.OXYGEN)[0]
    for factor in scene.line():
        scene.put(scene.part(factor) * (1 - share), factor)
    scene.put(scene.part(oxygen) + share * (_AIR_O2 - scene.part(oxygen)), oxygen)
    for factor, air in _surroundings(scene):
        scene.put(scene.part(factor) + share * (air - scene.part(factor)), factor)
    scene.convert_again()
    return f"air {share:.2f}"


def nitrogen(scene: Scene) -> str:
    """通氮气 (D09): nitrogen at the probe: pollutants and oxygen fall alike."""
    share = scene.parameters["share"]
    for factor in [*scene.line(), *scene.station.factors(Role.OXYGEN)]:
        scene.put(scene.part(factor) * (1 - share), factor)
    scene.convert_again()
    return f"nitrogen {share:.2f}"


def oxygen_low(scene: Scene) -> str:
    """氧含量造假 (D08): oxygen is shown lower, so that the converted value falls."""
    low = scene.parameters["percent"]
    oxygen = scene.station.factors(Role.OXYGEN)[0]
    scene.put(np.maximum(scene.part(oxygen) - low, 0.5), oxygen)
    scene.convert_again()
    return f"O2 -{low:.1f}"


def conversion_mismatch(scene: Scene) -> str:
    """折算不符 (D08): the converted value that is sent is lower than what conversion gives."""
    scene.put(scene.part() * scene.parameters["share"])
    return f"x{scene.parameters['share']:.2f}"


def ambient(scene: Scene) -> str:
    """拔管 (D10): the probe hangs in the open air."""
    oxygen = scene.station.factors(Role.OXYGEN)[0]
    for factor in scene.line():
        grid, _ = scene.station.channels[factor].grid_and_cycle()
        scene.put(np.abs(1.5 * grid * scene.normal()), factor)
    scene.put(_AIR_O2 + 0.05 * scene.normal(), oxygen)
    for factor, air in _surroundings(scene):
        scene.put(air * (1 + 0.02 * scene.normal()), factor)
    scene.convert_again()
    return "ambient air"


def zero_gas(scene: Scene) -> str:
    """通零气 (D09): zero gas from a bottle: everything near zero, oxygen too, no mark."""
    for factor in [*scene.line(), *scene.station.factors(Role.OXYGEN)]:
        grid, _ = scene.station.channels[factor].grid_and_cycle()
        scene.put(np.abs(1.5 * grid * scene.normal()) + grid, factor)
    scene.convert_again()
    return "zero gas"


def cod_remover(scene: Scene) -> str:
    """COD去除剂 (D19): COD alone falls; what depends on the same water stays."""
    scene.put(scene.part() * scene.parameters["share"])
    return f"x{scene.parameters['share']:.2f}"


def effluent_dilution(scene: Scene) -> str:
    """稀释排放 (D20): clean water before the monitor: flow up, every concentration down."""
    times = scene.parameters["times"]
    for factor in [*scene.line(), *scene.station.factors(Role.CONDUCTIVITY)]:
        scene.put(scene.part(factor) / times, factor)
    flow = scene.station.factors(Role.FLOW)[0]
    scene.put(scene.part(flow) * times, flow)
    return f"x{times:.2f}"


def _surroundings(scene: Scene) -> list[tuple[str, float]]:
    moisture = [(f, _AMBIENT_MOISTURE) for f in scene.station.factors(Role.MOISTURE)]
    return moisture + [(f, _AMBIENT_DEGC) for f in scene.station.factors(Role.TEMPERATURE)]

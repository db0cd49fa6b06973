"""设备类手法: parameters changed without a record, checks that fail one way or never at all."""

import numpy as np

from farsight.laboratory.cheats.scene import Scene


def parameter_change(scene: Scene) -> str:
    """参数修改 (D06): the slope is changed without a record; values fall with it."""
    share = scene.parameters["share"]
    scene.put(scene.part() * share)
    scene.station.parameters += [
        (scene.factor, scene.begin, "slope", share, False),
        (scene.factor, scene.end, "slope", 1.0, False),
    ]
    return f"slope {share:.2f}"


def check_error(scene: Scene) -> str:
    """零点量程漂移 (D14): values and span checks drift the same way and nothing is corrected."""
    share = scene.parameters["share"]
    bend = 1 - share * np.linspace(0, 1, scene.length)
    scene.put(scene.part() * bend)
    scene.station.checks = [
        (f, cell, kind, expected,
         measured * float(bend[cell - scene.begin])
         if f == scene.factor and kind == "span" and scene.begin <= cell < scene.end
         else measured)
        for f, cell, kind, expected, measured in scene.station.checks
    ]  # fmt: skip
    return f"-{share:.2f}"


def qc_too_perfect(scene: Scene) -> str:
    """质控作弊 (D31): every check meets its standard to the last digit but one."""
    scene.station.checks = [
        (f, cell, kind, expected,
         expected * (1 + 0.0005 * float(scene.random.standard_normal()))
         if f == scene.factor and scene.begin <= cell < scene.end
         else measured)
        for f, cell, kind, expected, measured in scene.station.checks
    ]  # fmt: skip
    scene.touch(scene.factor)
    return "all within 0.1 %"

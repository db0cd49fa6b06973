"""时间类手法: gaps, marks and calibrations on bad hours; a clock that was changed."""

import numpy as np

from farsight.laboratory.cheats.scene import Scene
from services.detect.kernels.series import Bools


def night_gaps(scene: Scene) -> str:
    """夜间断数 (D11): pollutants are missing for some hours each night; flow goes on."""
    begin, hours = scene.parameters["from_h"] // 1, scene.parameters["hours"] // 1
    gone = (scene.hour() - begin) % 24 < hours
    for factor in scene.line():
        scene.station.channels[factor].value[scene.window][gone] = np.nan
    at = scene.begin + np.flatnonzero(gone)
    scene.touch(scene.factor, begin=int(at[0]), end=int(at[-1]) + 1)
    return f"{hours:g} h a night"


def gaps_on_bad_hours(scene: Scene) -> str:
    """选择性缺数 (D11): the data link fails whenever values are high."""
    bad = _bad(scene)
    for factor in scene.line():
        scene.station.channels[factor].value[scene.window][bad] = np.nan
    _label(scene, bad)
    return f"{int(bad.sum())} cells"


def marks_on_bad_hours(scene: Scene) -> str:
    """标记滥用 (D12): hours of high values are marked as maintenance."""
    bad = _bad(scene)
    scene.channel.flag[scene.window][bad] = "M"
    _label(scene, bad)
    return f"{int(bad.sum())} marked"


def calibrations_on_bad_hours(scene: Scene) -> str:
    """校准时机 (D13): a calibration of an hour is begun when values are highest, once a day."""
    value = scene.part()
    bad = np.zeros(scene.length, dtype=bool)
    day, hour = scene.station.per_day, scene.station.cells_of(1)
    for begin in range(0, scene.length - day + 1, day):
        part = value[begin : begin + day]
        if np.isfinite(part).any():
            peak = begin + int(np.nanargmax(part))
            bad[peak : peak + hour] = True
    scene.channel.flag[scene.window][bad] = "C"
    _label(scene, bad)
    return f"{int(bad.sum())} cells"


def clock_shift(scene: Scene) -> str:
    """时间错位 (D28): the logger's clock is set back: rhythm and links come hours late."""
    late = scene.station.cells_of(scene.parameters["hours"])
    for factor in scene.station.channels if scene.parameters["all"] > 0.5 else [scene.factor]:
        value = scene.station.channels[factor].value
        value[scene.window] = value[scene.begin - late : scene.end - late].copy()
        scene.touch(factor)
    return f"{scene.parameters['hours']:.0f} h"


def _bad(scene: Scene) -> Bools:
    """The highest hours of the stretch, in which the plant emits more than before."""
    value = scene.part() * scene.parameters["rise"]
    scene.put(value)
    scene.touched.clear()
    bad: Bools = value > np.nanquantile(value, 1 - scene.parameters["share"])
    return bad


def _label(scene: Scene, bad: Bools) -> None:
    at = scene.begin + np.flatnonzero(bad)
    scene.touch(scene.factor, begin=int(at[0]), end=int(at[-1]) + 1)

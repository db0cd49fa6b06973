"""Outlets with a hundred days of hours, honest or replayed, for tests of the night's screening."""

from datetime import UTC, datetime

import numpy as np

from services.chassis.partition import partition_of
from services.detect.app.sweep import sweep
from services.detect.domain.grid import day_start
from tests.integration.detect_rig import Rig, batch_of, limit_record, outlet_record
from tests.unit.detect.screening.panels import wandering

COD, NH3 = "w01018", "w21003"
NOW = datetime.now(UTC)
#: The Beijing midnight that ends the last whole day.
END = day_start(int(NOW.timestamp()) // 3600)
HOURS = 100 * 24
REPLAYED = slice(HOURS - 80, HOURS - 20)


def outlet(name: str) -> str:
    """An outlet of a plant of its own."""
    return f"91130402SC{name:0>8}-DA001"


def know(rig: Rig, *names: str, division="130402") -> None:
    """Register outlets with a limit for each factor."""
    for name in names:
        limits = [limit_record(outlet(name), factor, 900.0) for factor in (COD, NH3)]
        rig.know([outlet_record(outlet(name), division=division), *limits])


def story(seed: int, *, cheats: bool) -> dict[str, np.ndarray]:
    """A hundred days; a cheat copies sixty hours of both factors from a month before."""
    values = wandering(2, HOURS, seed)
    if cheats:
        source = slice(REPLAYED.start - 720, REPLAYED.stop - 720)
        values[:, REPLAYED] = values[:, source]
    return {COD: values[0], NH3: values[1]}


def send(rig: Rig, name: str, values, end=END) -> None:
    """Hand hours in, the last of them before hour slot `end`."""
    code = outlet(name)
    first = end - HOURS
    frames = [
        (code, (first + hour) * 3600, {f: (float(v[hour]), np.nan) for f, v in values.items()})
        for hour in range(HOURS)
        if np.isfinite(values[COD][hour])
    ]
    rig.take(batch_of(frames, partition_of(code, 8)))


def screen(rig: Rig, now=NOW) -> int:
    """Go on with sweeps; gives the outlets that were done."""
    return sweep(rig.detector, now, 0.0, 0)

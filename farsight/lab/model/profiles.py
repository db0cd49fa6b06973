"""Reads what the model knows of each process: two small tables beside this file."""

import csv
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class PlantProfile:
    """生产负荷: how load, oxygen, flow and stops of one process behave.

    Loads are shares of design load; o2 in volume %; flow in m3/s (gas) or L/s (water); `*_slow` is
    the lag-1 autocorrelation of the hourly noise; o2_slope is %-points per unit of load.
    """

    process: str
    base_load: float
    daily: float
    weekend: float
    load_noise: float
    load_slow: float
    o2_mean: float
    o2_slope: float
    o2_noise: float
    flow: float
    temperature: float
    stops_a_year: float
    stop_hours: float


@dataclass(frozen=True)
class FactorProfile:
    """污染因子: how one concentration of one process behaves.

    `level` is the usual value as a share of the strictest limit, `cv` its coefficient of variation,
    `slow` the lag-1 autocorrelation of the slow part, `resolution` the analyser's last digit,
    `cycle_hours` its measuring cycle, `detail` the relative spread inside an hour, `check`
    how often it is checked with a standard (flag C).
    """

    process: str
    factor: str
    kind: str
    level: float
    cv: float
    slow: float
    load_exponent: float
    resolution: float
    cycle_hours: int
    upset_rate: float
    upset_scale: float
    detail: float
    check: str


def _read(name: str, shape: type[Any]) -> list[Any]:
    casts: dict[str, Any] = {field.name: field.type for field in fields(shape)}
    with (_HERE / name).open(encoding="utf-8", newline="") as file:
        return [shape(**{k: casts[k](v) for k, v in row.items()}) for row in csv.DictReader(file)]


@cache
def plant_profiles() -> dict[str, PlantProfile]:
    """Return the plant profiles by process."""
    return {row.process: row for row in _read("plants.csv", PlantProfile)}


@cache
def factor_profiles() -> dict[tuple[str, str], FactorProfile]:
    """Return the factor profiles by (process, factor)."""
    return {(row.process, row.factor): row for row in _read("profiles.csv", FactorProfile)}

"""因子角色: what a factor is to the tests: a pollutant, a flow, oxygen, power."""

import csv
from enum import Enum
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "roles.csv"
_INLET, _CONVERTED = "_in", "_zs"


class Role(Enum):
    """因子角色 of a series."""

    POLLUTANT = "pollutant"  # a concentration that has a limit
    CONVERTED = "converted"  # 折算浓度 of a pollutant
    INLET = "inlet"  # of a pollutant, before treatment
    BOUNDED = "bounded"  # pH, redox, dissolved oxygen, temperature of water: smooth or bounded
    FLOW = "flow"  # discharge or gas flow
    OXYGEN = "oxygen"
    TEMPERATURE = "temperature"
    MOISTURE = "moisture"
    PRESSURE = "pressure"
    PRODUCTION_POWER = "production_power"
    TREATMENT_POWER = "treatment_power"
    LOAD = "load"  # production, MW, steam
    FURNACE = "furnace"  # furnace temperature
    CONDUCTIVITY = "conductivity"


@cache
def _table() -> dict[str, Role]:
    lines = _FILE.read_text(encoding="utf-8").splitlines()
    return {row["factor"]: Role(row["role"]) for row in csv.DictReader(lines)}


def role_of(factor: str) -> Role:
    """Role of a factor: by `roles.csv`, else by suffix (_in, _zs), else a pollutant.

    >>> role_of("COD_in"), role_of("a19001"), role_of("whatever")
    (<Role.INLET: 'inlet'>, <Role.OXYGEN: 'oxygen'>, <Role.POLLUTANT: 'pollutant'>)
    """
    if (known := _table().get(factor)) is not None:
        return known
    if factor.endswith(_INLET):
        return Role.INLET
    return Role.CONVERTED if factor.endswith(_CONVERTED) else Role.POLLUTANT

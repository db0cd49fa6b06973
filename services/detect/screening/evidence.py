"""证据值: a rate of false episodes as a p-value of an outlet-day, and that as an e-value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from services.detect.kernels.series import Floats

_DAYS_A_YEAR = 365.25


@dataclass(frozen=True)
class Family:
    """信息类别: a kind of information that tests read; tests of one family are one witness."""

    id: str
    """As rules name it in `family`: scatter, copy, level, chemistry, process, timing, device."""
    name_zh: str
    cap: float
    """Most that the family adds to the joint log10 e-value of an outlet."""
    source: str


class Families:
    """类别表 of a pack."""

    def __init__(self, rows: Iterable[Family]) -> None:
        self._rows: Mapping[str, Family] = {row.id: row for row in rows}

    def cap(self, family: str) -> float:
        """Most that a family adds, natural log; unbounded for one that is not in the table."""
        row = self._rows.get(family)
        return row.cap * float(np.log(10.0)) if row else np.inf

    def name_zh(self, family: str) -> str:
        """Name as people read it; an unknown family names itself."""
        row = self._rows.get(family)
        return row.name_zh if row else family


def p_value(per_station_year: Floats) -> Floats:
    """p值: chance that an honest outlet shows such a sign on a given day.

    Formula: p = 1 - exp(-rate / 365.25), signs of honest data taken as a Poisson process.

    >>> round(float(p_value(np.array(0.15))), 6)
    0.000411
    """
    p: Floats = -np.expm1(-np.asarray(per_station_year, dtype=float) / _DAYS_A_YEAR)
    return p


def log_e(p: Floats) -> Floats:
    """e值 (natural log) of p-values: the mean of eps p^(eps-1) over eps in (0, 1).

    Formula: e(p) = (1 - p + p ln p) / (p ln(p)^2). Its mean under the null is 1 for a uniform p, so
    1/e bounds the chance of a false alarm, and e-values of independent tests may be multiplied.
    Paper: Vovk & Wang, E-values: calibration, combination and applications (2021).

    >>> round(float(log_e(np.array(1e-4))), 2)
    4.77
    """
    p = np.clip(p, 1e-300, 1.0 - 1e-6)
    log_p = np.log(p)
    found: Floats = np.log1p(p * (log_p - 1)) - log_p - 2 * np.log(-log_p)
    return found

"""证据值: a rate of false episodes as a p-value of an outlet-day, and that as an e-value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from services.detect.kernels.series import Floats

DAYS_A_YEAR = 365.25
#: How much more often signs of two families meet at honest outlets than independent ones would:
#: 67 seen, 35 expected of 539 signs on 60 clean station-years (own rate 0.5 a station-year).
_DEPENDENCE = 2.0
#: Grid on which e-values are turned back into p-values: ln p from 1e-260 to nearly 1.
_LOG_P = np.concatenate([np.linspace(-600.0, -30.0, 571), np.linspace(-30.0, -0.05, 1200)[1:]])


@dataclass(frozen=True)
class Family:
    """信息类别: a kind of information that tests read; tests of one family are one witness."""

    id: str
    """As rules name it in `family`: scatter, copy, level, chemistry, process, timing, device."""
    name_zh: str
    cap: float
    """Most (log10) that the family adds to the evidence of another one."""
    source: str
    decisive: float = np.inf
    """Evidence (log10 e) from which on a sign of the family makes a clue alone."""


@dataclass(frozen=True)
class Share:
    """告警份额: how much of the dial a test may use, beside 1 of every other test."""

    test: str
    share: float
    source: str


class Families:
    """类别表 of a pack."""

    def __init__(self, rows: Iterable[Family]) -> None:
        self._rows: Mapping[str, Family] = {row.id: row for row in rows}

    def cap(self, family: str) -> float:
        """Most that a family adds, natural log; nothing for one that is not in the table."""
        row = self._rows.get(family)
        return row.cap * float(np.log(10.0)) if row else 0.0

    def decisive(self, family: str) -> float:
        """Evidence (natural log) from which on one sign makes a clue alone; infinite = never."""
        row = self._rows.get(family)
        return row.decisive * float(np.log(10.0)) if row else np.inf

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
    p: Floats = -np.expm1(-np.asarray(per_station_year, dtype=float) / DAYS_A_YEAR)
    return p


def log_e(p: Floats) -> Floats:
    """e值 (natural log) of p-values: the mean of eps p^(eps-1) over eps in (0, 1).

    Formula: e(p) = (1 - p + p ln p) / (p ln(p)^2). Its mean under the null is 1 for a uniform p, so
    1/e bounds the chance of a false alarm, and e-values of independent tests may be multiplied.
    Paper: Vovk & Wang, E-values: calibration, combination and applications (2021).

    >>> round(float(log_e(np.array(1e-4))), 2)
    4.77
    """
    return _log_e(np.log(np.clip(p, 1e-260, 0.95)))


def p_of(log_e_value: Floats) -> Floats:
    """p值 that alone would have this e-value (natural log): the way back from joint evidence.

    >>> round(float(p_of(log_e(np.array(0.002)))), 6)
    0.002
    """
    logs = _log_e(_LOG_P)  # falls as p rises
    p: Floats = np.exp(np.interp(-np.asarray(log_e_value, dtype=float), -logs, _LOG_P))
    return p


def joined(own: float, others: Iterable[float], tests: int) -> float:
    """联合证据 (natural log): an e-value times the mean of what the tests of other families say.

    Formula: E = e_own (1 + sum over families of e_f / (2 tests)), e_f the strongest of a family.
    Under the null the e-value of each test has mean 1 at most, so the factor has mean 2 at most:
    choosing the test that happens to agree is paid for. The 2 beside `tests` is measured: on clean
    series signs of two families meet twice as often as if they were independent. What is left of
    it is the same for every sign and is settled by the measured joint rate.
    """
    total = 0.0
    for one in others:
        total = np.logaddexp(total, one - np.log(_DEPENDENCE * max(tests, 1)))
    return float(own + total)


def _log_e(log_p: Floats) -> Floats:
    p = np.exp(log_p)
    found: Floats = np.log1p(p * (log_p - 1.0)) - log_p - 2.0 * np.log(-log_p)
    return found

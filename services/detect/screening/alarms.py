"""告警: what the signs of all tests come to, outlet by outlet, at a stated rate of false alarms."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from services.detect.domain.rule import RuleBook
from services.detect.screening.evidence import Families, log_e, p_value
from services.detect.screening.panel import Panel
from services.detect.screening.rates import RateTable
from services.detect.screening.sign import Sign

if TYPE_CHECKING:
    from services.detect.packs.pack import Pack


@dataclass(frozen=True)
class Basis:
    """判定依据 of alarms: rules, measured rates, families."""

    book: RuleBook
    rates: RateTable
    families: Families

    @classmethod
    def of(cls, pack: "Pack") -> "Basis":
        """What a rule pack says."""
        return cls(pack.book, RateTable(pack.test_rates), Families(pack.test_families))


@dataclass(frozen=True)
class Alarm:
    """告警: signs of one outlet that together are beyond the asked rate.

    It could be raised as soon as cell `end - 1` was in: whoever lists its signs gives them that
    moment, whenever each of them ended.
    """

    row: int
    """Of the leading sign."""
    test: str
    """Of the leading sign: that which makes the alarm now."""
    begin: int
    """First cell of all signs."""
    end: int
    """Cell after the leading sign."""
    per_station_year: float
    """Joint rate: alarms of honest data with this much evidence, all tests together."""
    log_e: float
    """Natural log of the joint e-value."""
    signs: tuple[Sign, ...]
    """Leading sign first, then those that support it, strongest first."""
    families: tuple[str, ...]
    """Kinds of information that speak, sorted; two or more make a clue 线索."""


def alarms(
    panel: Panel, signs: Iterable[Sign], basis: Basis, per_station_year: float
) -> list[Alarm]:
    """告警 of all signs at a dial: false alarms a station-year, all tests together.

    A test that was never measured raises nothing.
    """
    by_test: dict[str, list[Sign]] = {}
    for sign in signs:
        by_test.setdefault(sign.test, []).append(sign)
    found: list[Alarm] = []
    for test, mine in sorted(by_test.items()):
        scores = np.array([sign.score for sign in mine])
        rates = basis.rates.per_station_year(test, panel.step_min, scores) * len(by_test)
        weights = log_e(p_value(rates))
        family = basis.book.versions(test)[-1].family
        found.extend(
            Alarm(s.row, test, s.begin, s.end, float(rate), float(weight), (s,), (family,))
            for s, rate, weight in zip(mine, rates, weights, strict=True)
            if rate <= per_station_year
        )
    return sorted(found, key=lambda alarm: (alarm.end, alarm.row, alarm.test))

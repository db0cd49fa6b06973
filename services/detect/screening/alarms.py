"""告警: what the signs of all tests come to, outlet by outlet, at a stated rate of false alarms."""

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from services.detect.domain.rule import RuleBook
from services.detect.screening.evidence import DAYS_A_YEAR, Families, joined, log_e, p_of, p_value
from services.detect.screening.panel import Panel
from services.detect.screening.rates import FUSED, RateTable
from services.detect.screening.sign import Sign

if TYPE_CHECKING:
    from services.detect.packs.pack import Pack

#: 姊妹因子: name under which the same family in another factor of the line stands in `families`.
SISTER = "sister"
#: Signs belong together when no more than a day lies between their windows.
_NEAR_H = 24.0
#: A supporting sign is named beside the leading one when honest data show it no more often, a
#: station-year. All tests together at this rate meet a given five days by chance in one of ten.
_NAMED_RATE = 0.5
#: Analysers of one line are quiet together when the plant is: half of a sister's evidence counts.
_SISTER_SHARE = 0.5


@dataclass(frozen=True)
class Basis:
    """判定依据 of alarms: rules, measured rates, families."""

    book: RuleBook
    rates: RateTable
    families: Families
    shares: Mapping[str, float] = field(default_factory=dict)
    """Share of the dial by test; 1 for those that are not here."""

    @classmethod
    def of(cls, pack: "Pack") -> "Basis":
        """What a rule pack says."""
        shares = {row.test: row.share for row in pack.test_shares}
        rates, families = RateTable(pack.test_rates), Families(pack.test_families)
        return cls(pack.book, rates, families, shares)


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
    """Kinds of information that speak, sorted, `sister` among them."""
    decisive: bool = False
    """Whether the leading sign is beyond the chance level of the whole network."""

    @property
    def is_clue(self) -> bool:
        """线索: two independent signs, or a decisive one; else a data-quality finding."""
        return self.decisive or len(self.families) > 1


@dataclass(frozen=True)
class _Weighed:
    """A sign with what it is worth alone."""

    sign: Sign
    family: str
    line: tuple[str, str]
    rate: float
    log_e: float


def alarms(
    panel: Panel, signs: Iterable[Sign], basis: Basis, per_station_year: float
) -> list[Alarm]:
    """告警 of all signs at a dial: false alarms a station-year, all tests together.

    Each sign is weighed by its measured rate, joined with what other families (and the same family
    in a sister factor of the line) say of the outlet at that time, and the joint evidence turned
    into a rate: the measured one (`fused` in rates.csv), else that of its e-value shared among all
    tests that ran. A test that was never measured raises nothing and supports nothing.
    """
    by_outlet: dict[str, list[_Weighed]] = {}
    for one in _weighed(panel, signs, basis):
        by_outlet.setdefault(one.line[0], []).append(one)
    found: list[Alarm] = []
    tests = basis.rates.tests(panel.step_min)
    for mine in by_outlet.values():
        mine.sort(key=lambda one: (one.sign.end, one.sign.row, one.sign.test, one.sign.begin))
        ends = [one.sign.end for one in mine]
        for at, one in enumerate(mine):
            first = bisect.bisect_right(ends, one.sign.begin - panel.cells_of(_NEAR_H))
            found.append(_alarm(one, mine[first : at + 1], basis.families, tests))
    raised = _with_rates(found, panel, basis)
    ordered = sorted(raised, key=lambda alarm: (alarm.end, alarm.row, alarm.test, alarm.begin))
    return [alarm for alarm in ordered if alarm.per_station_year <= per_station_year]


def _weighed(panel: Panel, signs: Iterable[Sign], basis: Basis) -> Iterator[_Weighed]:
    """Signs of measured tests with their own rates and e-values."""
    by_test: dict[str, list[Sign]] = {}
    for sign in signs:
        by_test.setdefault(sign.test, []).append(sign)
    for test, mine in sorted(by_test.items()):
        scores = np.array([sign.score for sign in mine])
        rates = basis.rates.per_station_year(test, panel.step_min, scores)
        weights = log_e(p_value(rates)) + np.log(basis.shares.get(test, 1.0))
        family = basis.book.versions(test)[-1].family
        for sign, rate, weight in zip(mine, rates.tolist(), weights.tolist(), strict=True):
            if np.isfinite(rate):
                yield _Weighed(sign, family, _line(panel, sign.row), rate, weight)


def _line(panel: Panel, row: int) -> tuple[str, str]:
    """Outlet and sampling line of a row."""
    return panel.keys[row].outlet_id, panel.line[row] if panel.line else ""


def _alarm(one: _Weighed, near: Sequence[_Weighed], families: Families, tests: int) -> Alarm:
    """What a sign comes to with all signs of its outlet that were known and near when it ended."""
    best = _best(one, near)
    others = [
        min(other.log_e * (_SISTER_SHARE if name == SISTER else 1.0), families.cap(other.family))
        for name, other in best.items()
    ]
    named = {name: other for name, other in best.items() if other.rate <= _NAMED_RATE}
    support = sorted(named.values(), key=lambda other: -other.log_e)
    signs = (one.sign, *(other.sign for other in support))
    return Alarm(
        row=one.sign.row,
        test=one.sign.test,
        begin=min(sign.begin for sign in signs),
        end=one.sign.end,
        per_station_year=np.nan,
        log_e=joined(one.log_e, others, tests),
        signs=signs,
        families=tuple(sorted({one.family, *named})),
        decisive=one.log_e >= families.decisive(one.family),
    )


def _best(one: _Weighed, near: Sequence[_Weighed]) -> dict[str, _Weighed]:
    """The strongest sign of each other family, and of the own one in a sister factor."""
    best: dict[str, _Weighed] = {}
    for other in near:
        name = other.family
        if name == one.family:
            if other.sign.row == one.sign.row or other.line != one.line:
                continue
            name = SISTER
        if name not in best or other.log_e > best[name].log_e:
            best[name] = other
    return best


def _with_rates(found: Sequence[Alarm], panel: Panel, basis: Basis) -> list[Alarm]:
    """Alarms with their joint rates: as measured, else by the e-value and the number of tests."""
    if not found:
        return []
    evidence = np.array([alarm.log_e for alarm in found])
    rates = basis.rates.per_station_year(FUSED, panel.step_min, evidence)
    shared = -np.log1p(-p_of(evidence)) * DAYS_A_YEAR * basis.rates.tests(panel.step_min)
    rates = np.where(np.isfinite(rates), rates, shared)
    return [
        replace(alarm, per_station_year=rate)
        for alarm, rate in zip(found, rates.tolist(), strict=True)
    ]

"""筛查一遍: all tests over all panels, and what they come to at the asked rate of false alarms."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from farsight.screen.folder import Table
from services.detect.domain.rule import Rule
from services.detect.packs.pack import Pack
from services.detect.screening.alarms import Alarm, Basis, alarms
from services.detect.screening.panel import Panel
from services.detect.screening.run import days_of_history, needs_days, run_tests, tests_in
from services.detect.screening.sign import Sign

Tell = Callable[[str], None]
_MINUTES_A_YEAR = 525_960


@dataclass(frozen=True)
class Found:
    """What was found in one panel."""

    panel: Panel
    signs: list[Sign]
    alarms: list[Alarm]


@dataclass(frozen=True)
class NotEvaluated:
    """未评估: series that a test could not judge for want of own history."""

    test: str
    needs_days: float
    series: tuple[tuple[str, str], ...]
    """Station and factor of each."""


@dataclass(frozen=True)
class Screened:
    """筛查结果 of a table."""

    table: Table
    basis: Basis
    pack: str
    per_station_year: float
    found: list[Found]
    not_evaluated: list[NotEvaluated]
    unmeasured: tuple[str, ...]
    """Tests whose rate of false alarms was never measured: they raise nothing."""
    failed: dict[str, str] = field(default_factory=dict)
    """Tests that ended in an error, with what it said."""
    seconds: dict[str, float] = field(default_factory=dict)
    """By test. For people: no part of the report, which is the same for the same data."""

    @property
    def station_years(self) -> float:
        """Years that all stations cover together."""
        return sum(station_years(one.panel) for one in self.found)


def screen(table: Table, pack: Pack, per_station_year: float, tell: Tell) -> Screened:
    """筛查 a table by every test of a pack; `tell` hears the name of each test as it begins."""
    basis, tests = Basis.of(pack), tests_in(pack.book)
    seconds = dict.fromkeys(tests, 0.0)
    failed: dict[str, str] = {}
    found = []
    for panel in table.panels:
        signs: list[Sign] = []
        for test in tests:
            tell(test)
            began = time.perf_counter()
            signs += run_tests(
                panel, pack.book, [test], lambda t, error: failed.update({t: repr(error)})
            )
            seconds[test] += time.perf_counter() - began
        found.append(Found(panel, signs, alarms(panel, signs, basis, per_station_year)))
    rules = [pack.book.versions(test)[-1] for test in tests]
    return Screened(
        table=table,
        basis=basis,
        pack=f"{pack.id}@{pack.version}",
        per_station_year=per_station_year,
        found=found,
        not_evaluated=[one for rule in rules for one in _not_evaluated(rule, table.panels)],
        unmeasured=_unmeasured(basis, table.panels, tests),
        failed=failed,
        seconds=seconds,
    )


def station_years(panel: Panel) -> float:
    """Years from first to last value, over all stations."""
    cells = sum(
        max(0, int(panel.end[rows].max() - panel.first[rows].min()))
        for rows in panel.rows_of.values()
    )
    return cells * panel.step_min / _MINUTES_A_YEAR


def _not_evaluated(rule: Rule, panels: Iterable[Panel]) -> Iterable[NotEvaluated]:
    needed = needs_days(rule)
    series = []
    for panel in panels:
        short = np.nonzero(days_of_history(panel) < needed)[0].tolist()
        series += [(panel.keys[row].outlet_id, panel.keys[row].factor) for row in short]
    if series:
        yield NotEvaluated(rule.id, needed, tuple(series))


def _unmeasured(basis: Basis, panels: Iterable[Panel], tests: Iterable[str]) -> tuple[str, ...]:
    steps = {panel.step_min for panel in panels}
    anything = np.array([0.0])
    return tuple(
        test
        for test in tests
        if all(np.isnan(basis.rates.per_station_year(test, step, anything)[0]) for step in steps)
    )

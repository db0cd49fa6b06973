"""核查结果: what checks of real cases found out, as precision by test."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from farsight.backtest.history import CONFIRMED, REFUTED, Label
from farsight.laboratory.intervals import wilson
from services.chassis.errors import InputRejected


@dataclass(frozen=True)
class Outcome:
    """One finding of a closed case."""

    rule_id: str
    confirmed: bool


@dataclass(frozen=True)
class Precision:
    """准确率 of one test: confirmed findings among those that somebody checked."""

    rule_id: str
    checked: int
    confirmed: int

    @property
    def share(self) -> float:
        """Confirmed share."""
        return self.confirmed / self.checked

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share."""
        return wilson(self.confirmed, self.checked)


def read_outcomes(path: Path) -> list[Outcome]:
    """Lines of a labels file of docs/backtest.md: `verdict` confirmed or refuted, `rule_id`."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = list(enumerate(csv.DictReader(lines), 2))
    for line, row in rows:
        if row.get("verdict") not in {CONFIRMED, REFUTED}:
            raise InputRejected(f"{path.name}:{line}: verdict is not confirmed or refuted")
    return [Outcome(row.get("rule_id") or "", row["verdict"] == CONFIRMED) for _, row in rows]


def outcomes_of(labels: Iterable[Label]) -> list[Outcome]:
    """Outcomes of what a platform keeps; one a finding, however many factors it names."""
    once = {(x.outlet_id, x.rule_id, x.start, x.matter): x.verdict == CONFIRMED for x in labels}
    return [Outcome(rule_id, confirmed) for (_, rule_id, _, _), confirmed in once.items()]


def precision(outcomes: Sequence[Outcome]) -> list[Precision]:
    """By test, the most checked first."""
    tests = {outcome.rule_id for outcome in outcomes}
    found = []
    for test in tests:
        mine = [outcome.confirmed for outcome in outcomes if outcome.rule_id == test]
        found.append(Precision(test, len(mine), sum(mine)))
    return sorted(found, key=lambda one: (-one.checked, one.rule_id))

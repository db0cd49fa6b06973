"""Reference data of law 法律依据 that gates ask: violations, ranges of fines, thresholds.

The law changed on 2026-08-15. An act is judged by the law of its day, unless the new law, in force
when it is decided, is lighter (Code art 1057, Penalty Law art 37): first the maximum is compared,
then the minimum.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.chassis.identity import covers


@dataclass(frozen=True)
class Range:
    """罚款幅度 in whole yuan, both ends included."""

    least: int
    most: int

    @property
    def weight(self) -> tuple[int, int]:
        """What heavier means: the maximum first, then the minimum."""
        return self.most, self.least


@dataclass(frozen=True)
class Basis:
    """处罚依据: the articles that apply, and what they allow. `version`: old | code."""

    violation: str
    zh: str
    article: str
    normal: Range
    serious: Range | None
    version: str

    def range_of(self, *, serious: bool) -> Range:
        """The range for the gravity; a law without a serious one has only the normal one."""
        return self.serious if serious and self.serious else self.normal


@dataclass(frozen=True)
class Violation:
    """违法行为 with its basis before and since the Code; None = none that the table knows."""

    key: str
    zh: str
    old: Basis | None
    code: Basis | None
    old_from: dt.date | None
    source: str
    confidence: str


@dataclass(frozen=True)
class Threshold:
    """What a place counts as heavy; the amount None = no amount is."""

    amount: int | None
    measures: frozenset[str]


@dataclass(frozen=True)
class Local:
    """Rows of one parameter; the longest division that covers the place counts."""

    rows: Sequence[Mapping[str, Any]] = ()

    def of(self, division: str) -> Mapping[str, Any]:
        """The row for a place; the row without a division is the default."""
        fitting = [r for r in self.rows if not r["division"] or covers(r["division"], division)]
        return max(fitting, key=lambda row: len(str(row["division"]).rstrip("0")), default={})


@dataclass(frozen=True)
class Law:
    """What the release knows of the law beside its clocks; read once from `data/`."""

    violations: Mapping[str, Violation] = field(default_factory=dict)
    code_in_force: dt.date = dt.date.max
    hearing: Local = Local()
    discussion: Local = Local()
    legal_review: Local = Local()
    mitigation: Local = Local()
    participants: int = 3
    first_time_years: int = 0
    limitation_years: Mapping[str, int] = field(default_factory=dict)

    def basis_for(
        self,
        violation: str,
        act_date: dt.date,
        decided_on: dt.date | None = None,
        *,
        serious: bool = False,
    ) -> Basis | None:
        """The basis for an act of that day that is decided on that day (default: the same).

        None where the table has no range for it: the officer has to find the basis himself, and
        the table has to be completed first.
        """
        known = self.violations.get(violation)
        if known is None:
            return None
        if act_date >= self.code_in_force:
            return known.code
        then = known.old if known.old_from is None or act_date >= known.old_from else None
        if then is None or known.code is None or (decided_on or act_date) < self.code_in_force:
            return then
        new, old = known.code.range_of(serious=serious), then.range_of(serious=serious)
        return known.code if new.weight < old.weight else then

    def larger_fine(self, division: str, party: str) -> int | None:
        """较大数额罚款 for a person or a legal person; the amount itself counts as larger."""
        row = self.hearing.of(division)
        return row.get("person" if party == "person" else "legal")

    def heavy(self, division: str) -> Threshold:
        """From where a case has to be discussed collectively."""
        return _threshold(self.discussion.of(division))

    def reviewed_from(self, division: str) -> Threshold:
        """From where a decision needs legal review whatever the case is."""
        return _threshold(self.legal_review.of(division))

    def least_mitigated(self, division: str, minimum: int) -> int:
        """How low a mitigated fine may go below the minimum."""
        share = self.mitigation.of(division).get("least_share")
        return 0 if share is None else int(Decimal(share) * minimum)


def _threshold(row: Mapping[str, Any]) -> Threshold:
    return Threshold(row.get("amount"), frozenset(row.get("measures", ())))


NO_LAW = Law()


def read_violations(lines: Iterable[str]) -> dict[str, Violation]:
    """The rows of `legal_basis.csv`; `ValueError` names the row that cannot be read."""
    return {row["violation"]: _violation(row) for row in csv.DictReader(lines)}


def _violation(row: Mapping[str, str]) -> Violation:
    try:
        return Violation(
            key=row["violation"],
            zh=row["zh"],
            old=_basis(row, "old"),
            code=_basis(row, "code"),
            old_from=dt.date.fromisoformat(row["old_from"]) if row["old_from"] else None,
            source=row["source"],
            confidence=row["confidence"],
        )
    except ValueError as fault:
        raise ValueError(f"violation {row['violation']}: {fault}") from fault


def _basis(row: Mapping[str, str], version: str) -> Basis | None:
    normal = _range(row, f"{version}_")
    if normal is None or not row[f"{version}_basis"]:
        return None
    serious = _range(row, f"{version}_serious_")
    return Basis(row["violation"], row["zh"], row[f"{version}_basis"], normal, serious, version)


def _range(row: Mapping[str, str], prefix: str) -> Range | None:
    least, most = row[f"{prefix}min"], row[f"{prefix}max"]
    if not least and not most:
        return None
    if not 0 < int(least) <= int(most):
        raise ValueError(f"{prefix}min {least} and {prefix}max {most} are no range")
    return Range(int(least), int(most))


def read_law(
    lines: Iterable[str], rules: Mapping[str, Any], limitation_years: Mapping[str, int]
) -> Law:
    """`legal_basis.csv` and `penalty.yaml`, with the years of limitation from the clock table."""
    return Law(
        violations=read_violations(lines),
        code_in_force=dt.date.fromisoformat(rules["code_in_force"]),
        hearing=Local(rules["hearing"]),
        discussion=Local(rules["discussion"]),
        legal_review=Local(rules["legal_review"]),
        mitigation=Local(rules["mitigation"]),
        participants=rules["participants"],
        first_time_years=rules["first_time_years"],
        limitation_years=limitation_years,
    )

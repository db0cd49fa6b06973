"""规则: a rule in its versions, and the book of all rules."""

import datetime as dt
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.chassis.clock import BEIJING
from services.chassis.errors import InputRejected
from services.detect.domain.series_key import CONVERTED, measured_factor


@dataclass(frozen=True)
class LegalBasis:
    """法律依据 of a rule."""

    instrument: str
    clause: str
    source: str
    confidence: str


@dataclass(frozen=True)
class Wording:
    """措辞: sentences with named fields; what was seen, what would have silenced it."""

    seen: str
    silenced_by: str
    fragments: Mapping[str, str]
    """Parts of a sentence that are there only sometimes; `withdrawn` is a sentence of its own."""


@dataclass(frozen=True)
class Rule:
    """One version of a rule."""

    id: str
    version: str
    in_force_from: dt.date
    in_force_to: dt.date | None
    family: str
    pattern: str
    confidential: bool
    legal_basis: LegalBasis
    statistic: str
    statistic_unit: str | None
    """Unit of the statistic; None = the unit of the limit or factor."""
    parameters: Mapping[str, Any]
    wording: Wording

    @cached_property
    def first_hour(self) -> int:
        """First hour slot in force: Beijing midnight of `in_force_from`."""
        return hour_of(self.in_force_from)

    @cached_property
    def end_hour(self) -> int:
        """First hour slot no longer in force."""
        return hour_of(self.in_force_to) if self.in_force_to else 2**40

    def number(self, name: str) -> float:
        """A numeric parameter."""
        return float(self.parameters[name])

    def hours(self, name: str) -> int:
        """A parameter that counts hours or things."""
        return int(self.parameters[name])


@dataclass(frozen=True)
class Factor:
    """监测因子 as people read it."""

    name_zh: str
    unit: str


@dataclass(frozen=True)
class ClueRule:
    """线索规则: when findings of sister factors make a clue, and how it reads."""

    id: str
    version: str
    rules: tuple[str, ...]
    min_overlap_h: int
    pattern: Mapping[str, str]
    legal_basis: LegalBasis
    wording: str
    words: Mapping[str, str]


@dataclass(frozen=True)
class FamilyClueRule:
    """线索规则: when findings of different kinds of information make a clue, and how it reads."""

    id: str
    version: str
    within_h: int
    legal_basis: LegalBasis
    wording: str
    words: Mapping[str, str]


class RuleBook:
    """All versions of all rules, the clue rules, and the names of factors."""

    def __init__(
        self,
        rules: list[Rule],
        clue_rule: ClueRule,
        factors: Mapping[str, Factor],
        family_clue: FamilyClueRule | None = None,
    ) -> None:
        self.clue_rule = clue_rule
        self.family_clue = family_clue
        self._versions: dict[str, list[Rule]] = {}
        for rule in sorted(rules, key=lambda r: (r.id, r.in_force_from)):
            self._versions.setdefault(rule.id, []).append(rule)
        for versions in self._versions.values():
            for old, new in itertools.pairwise(versions):
                if old.end_hour > new.first_hour:
                    raise InputRejected(f"rule {old.id}: versions {old.version} and {new.version}"
                                        " are in force on the same day")  # fmt: skip
        self.factors = factors

    def versions(self, rule_id: str) -> list[Rule]:
        """All versions of a rule, oldest first."""
        return self._versions.get(rule_id, [])

    def at(self, rule_id: str, hour: int) -> Rule:
        """The version in force in an hour; the last one where none was."""
        versions = self._versions[rule_id]
        return next((r for r in versions if r.first_hour <= hour < r.end_hour), versions[-1])

    def factor(self, code: str) -> Factor:
        """Name and unit of a factor; an unknown code names itself.

        A code with `_zs` is the converted concentration 折算浓度 that came beside the measured one.
        """
        known = self.factors.get(code)
        if known is None and code.endswith(CONVERTED):
            measured = self.factor(measured_factor(code))
            return Factor(f"{measured.name_zh}（折算）", measured.unit)
        return known or Factor(code, "")

    @property
    def all_versions(self) -> list[Rule]:
        """All versions of all rules, by id and age."""
        return [rule for versions in self._versions.values() for rule in versions]

    @property
    def ids(self) -> list[str]:
        """All rule ids."""
        return list(self._versions)


def day_hour(day: str) -> int:
    """Hour slot of the Beijing midnight of an ISO date. Raises ValueError for another text."""
    return hour_of(dt.date.fromisoformat(day))


def hour_of(day: dt.date) -> int:
    """Hour slot of a Beijing midnight."""
    midnight = dt.datetime.combine(day, dt.time(), BEIJING)
    return int(midnight.timestamp()) // 3600

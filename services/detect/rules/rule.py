"""规则: one version of a rule, checked when it is read."""

import csv
import datetime as dt
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from importlib import resources
from typing import Any

import yaml

from services.chassis.clock import BEIJING
from services.chassis.errors import InputRejected


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
        return _hour_of(self.in_force_from)

    @cached_property
    def end_hour(self) -> int:
        """First hour slot no longer in force."""
        return _hour_of(self.in_force_to) if self.in_force_to else 2**40

    def number(self, name: str) -> float:
        """A numeric parameter."""
        return float(self.parameters[name])

    def hours(self, name: str) -> int:
        """A parameter that counts hours or things."""
        return int(self.parameters[name])


#: Parameters each rule must have, and no others: a misspelt name is an error, not a default.
_COMMON_PATTERN = {
    "judged_flags", "not_factors", "o2_guard_percent", "o2_factor", "flow_factors",
    "min_history_days", "merge_within_h", "close_after_h", "false_alarms_per_series_year",
}  # fmt: skip
SCHEMA: Mapping[str, set[str]] = {
    "hourly_exceedance": {
        "judged_flags", "o2_guard_percent", "o2_initial_percent", "o2_factor", "comparison",
        "minutes_each", "valid_minutes", "merge_within_h", "close_after_h",
    },
    "constant_value": _COMMON_PATTERN
    | {"alpha", "tail_factor", "min_hours", "min_cycles", "max_gap_h", "max_repeat_share"},
    "low_variance_part_of_day": _COMMON_PATTERN | {"part_h", "z", "hits", "within_h"},
    "silence": {"warning_h", "dispatch_h", "report_every_h"},
}  # fmt: skip


def read_rule(text: str, name: str) -> Rule:
    """Read one rule file. Raises InputRejected naming the file and what is wrong in it."""
    try:
        raw = yaml.safe_load(text)
        _same(set(raw), {f.name for f in fields(Rule)}, "keys", name)
        rule = Rule(
            **{
                **raw,
                "legal_basis": LegalBasis(**raw["legal_basis"]),
                "wording": Wording(**raw["wording"]),
            }
        )
    except (yaml.YAMLError, TypeError) as error:
        raise InputRejected(f"rule file {name}: {error}") from error
    _check(rule, name)
    return rule


def read_clue_rule(text: str, name: str) -> "ClueRule":
    """Read the clue rule. Raises InputRejected naming the file and what is wrong in it."""
    try:
        raw = yaml.safe_load(text)
        _same(set(raw), {f.name for f in fields(ClueRule)}, "keys", name)
        changed = {"legal_basis": LegalBasis(**raw["legal_basis"]), "rules": tuple(raw["rules"])}
        rule = ClueRule(**{**raw, **changed})
    except (yaml.YAMLError, TypeError) as error:
        raise InputRejected(f"rule file {name}: {error}") from error
    _same(set(rule.rules), set(rule.pattern), "patterns", name)
    _same(set(rule.rules), set(rule.words), "words", name)
    return rule


def _check(rule: Rule, name: str) -> None:
    """Check what the types do not say."""
    if rule.id not in SCHEMA:
        raise InputRejected(f"rule file {name}: no kernel for rule {rule.id!r}")
    _same(set(rule.parameters), set(SCHEMA[rule.id]), "parameters", name)
    dates = [rule.in_force_from, rule.in_force_to or dt.date.max]
    if not all(isinstance(day, dt.date) for day in dates) or dates[0] >= dates[1]:
        raise InputRejected(f"rule file {name}: in_force_from must be a date before in_force_to")
    if not isinstance(rule.version, str) or not isinstance(rule.confidential, bool):
        raise InputRejected(f"rule file {name}: version is text, confidential is true or false")
    if rule.legal_basis.confidence not in {"sure", "likely", "unsure"}:
        raise InputRejected(f"rule file {name}: confidence is sure, likely or unsure")


def _same(got: set[str], wanted: set[str], what: str, name: str) -> None:
    if got != wanted:
        missing, odd = sorted(wanted - got), sorted(got - wanted)
        raise InputRejected(f"rule file {name}: {what} missing {missing}, unknown {odd}")


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


class RuleBook:
    """All versions of all rules, the clue rule, and the names of factors."""

    def __init__(
        self, rules: list[Rule], clue_rule: ClueRule, factors: Mapping[str, Factor]
    ) -> None:
        self.clue_rule = clue_rule
        self._versions: dict[str, list[Rule]] = {}
        for rule in sorted(rules, key=lambda r: (r.id, r.in_force_from)):
            self._versions.setdefault(rule.id, []).append(rule)
        for versions in self._versions.values():
            for old, new in itertools.pairwise(versions):
                if old.end_hour > new.first_hour:
                    raise InputRejected(f"rule {old.id}: versions {old.version} and {new.version}"
                                        " are in force on the same day")  # fmt: skip
        self._factors = factors

    def versions(self, rule_id: str) -> list[Rule]:
        """All versions of a rule, oldest first."""
        return self._versions.get(rule_id, [])

    def at(self, rule_id: str, hour: int) -> Rule:
        """The version in force in an hour; the last one where none was."""
        versions = self._versions[rule_id]
        return next((r for r in versions if r.first_hour <= hour < r.end_hour), versions[-1])

    def factor(self, code: str) -> Factor:
        """Name and unit of a factor; an unknown code names itself."""
        return self._factors.get(code, Factor(code, ""))

    @property
    def ids(self) -> list[str]:
        """All rule ids."""
        return list(self._versions)


def load_rules() -> RuleBook:
    """Read the rule files of the package."""
    folder = resources.files("services.detect.rules")
    files = sorted(f.name for f in folder.iterdir() if f.name.endswith(".yaml"))
    rules = [read_rule(folder.joinpath(n).read_text(encoding="utf-8"), n) for n in files]
    table = folder.joinpath("factors.csv").read_text(encoding="utf-8").splitlines()
    factors = {r["code"]: Factor(r["name_zh"], r["unit"]) for r in csv.DictReader(table)}
    clue = "sister_factors.yaml"
    clue_rule = read_clue_rule(folder.joinpath("clues", clue).read_text(encoding="utf-8"), clue)
    return RuleBook(rules, clue_rule, factors)


def day_hour(day: str) -> int:
    """Hour slot of the Beijing midnight of an ISO date. Raises ValueError for another text."""
    return _hour_of(dt.date.fromisoformat(day))


def _hour_of(day: dt.date) -> int:
    """Hour slot of a Beijing midnight."""
    midnight = dt.datetime.combine(day, dt.time(), BEIJING)
    return int(midnight.timestamp()) // 3600

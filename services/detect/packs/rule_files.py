"""规则文件: reads `rules/*.yaml` and `clues/*.yaml` of a pack. A new rule needs a SCHEMA line."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import fields

import yaml

from services.chassis.errors import InputRejected
from services.detect.domain.rule import ClueRule, LegalBasis, Rule, Wording

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


def read_clue_rule(text: str, name: str) -> ClueRule:
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
    if rule.parameters.get("comparison", "full_value") not in {"full_value", "rounded_value"}:
        raise InputRejected(f"rule file {name}: comparison is full_value or rounded_value")
    if "withdrawn" not in rule.wording.fragments:
        raise InputRejected(f"rule file {name}: wording.fragments lacks withdrawn")
    if rule.legal_basis.confidence not in {"sure", "likely", "unsure"}:
        raise InputRejected(f"rule file {name}: confidence is sure, likely or unsure")


def _same(got: set[str], wanted: set[str], what: str, name: str) -> None:
    if got != wanted:
        missing, odd = sorted(wanted - got), sorted(got - wanted)
        raise InputRejected(f"rule file {name}: {what} missing {missing}, unknown {odd}")

"""规则文件: reads `rules/*.yaml` and `clues/*.yaml` of a pack. A new rule needs a SCHEMA line."""

import math
import string
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from services.detect.domain.rule import ClueRule, FamilyClueRule, Rule, Wording
from services.detect.packs.schema import build, refusal
from services.detect.packs.tables import read_yaml

_SHIPPED = Path(__file__).parent / "base"
_SCREENS = _SHIPPED / "screens"

#: Parameters each rule must have, and no others: a misspelt name is an error, not a default.
_COMMON_PATTERN = {
    "judged_flags", "not_factors", "o2_guard_percent", "o2_factor", "flow_factors",
    "min_history_days", "merge_within_h", "close_after_h", "false_alarms_per_series_year",
}  # fmt: skip
_EPISODE = {"merge_within_h", "close_after_h"}
SCHEMA: Mapping[str, set[str]] = {
    **dict.fromkeys(
        (
            "hourly_exceedance", "near_limit", "projected_daily_mean", "pool_usage",
            "suspect_values", "daily_exceedance", "mswi_daily_exceedance", "mswi_low_temperature",
            "ultra_low_share", "hour_mismatch", "mark_conflict",
            "treatment_off", "treatment_idle", "order_not_met",
        ),
        _EPISODE,
    ),
    "minute_over_limit": _EPISODE | {"in_a_row"},
    "mswi_month": _EPISODE | {"hits", "within_h"},
    "mark_abuse": _EPISODE | {"p", "marked_over", "window_days"},
    "constant_value": _COMMON_PATTERN
    | {"alpha", "tail_factor", "min_hours", "min_cycles", "max_gap_h", "max_repeat_share"},
    "low_variance_part_of_day": _COMMON_PATTERN | {"part_h", "z", "hits", "within_h"},
    "silence": {"warning_h", "dispatch_h", "report_every_h"},
}  # fmt: skip

#: Parameters that are not numbers.
_TEXTS = {"judged_flags", "o2_factor"}
_LISTS = {"not_factors", "flow_factors"}


@lru_cache(maxsize=256)
def read_rule(body: bytes, name: str) -> Rule:
    """Read one rule file. Raises InputRejected naming file, field, what is wrong, what to do."""
    rule = build(Rule, read_yaml(body, name), name)
    wanted = _parameters(rule.id)
    if wanted is None:
        known = ", ".join((*SCHEMA, *sorted(path.stem for path in _SCREENS.glob("*.yaml"))))
        raise refusal(name, "id", f"no kernel for rule {rule.id!r}", f"choose one of {known}")
    _same(rule.parameters, wanted, "parameters", name)
    for parameter, value in rule.parameters.items():
        _check_parameter(parameter, value, name)
    if rule.in_force_to is not None and rule.in_force_from >= rule.in_force_to:
        raise refusal(name, "in_force_from", "is not before in_force_to", "correct one of them")
    if "withdrawn" not in rule.wording.fragments:
        raise refusal(name, "wording.fragments", "lacks withdrawn", "add the sentence")
    _check_wording(rule, name)
    return rule


def _parameters(rule_id: str) -> set[str] | None:
    """Parameters that a rule must have: of a test for falsified data, those it is shipped with."""
    if (wanted := SCHEMA.get(rule_id)) is not None:
        return wanted
    path = _SCREENS / f"{rule_id}.yaml"
    if not path.exists():
        return None
    return set(build(Rule, read_yaml(path.read_bytes(), path.name), path.name).parameters)


def read_clue_rule(body: bytes, name: str) -> ClueRule:
    """Read the clue rule. Raises InputRejected naming file, field, what is wrong, what to do."""
    rule = build(ClueRule, read_yaml(body, name), name)
    _same(rule.pattern, set(rule.rules), "pattern", name)
    _same(rule.words, set(rule.rules), "words", name)
    unknown = sorted(_names(rule.wording, name) - _names(_shipped_clue(), name))
    if unknown:
        raise refusal(name, "wording", f"names unknown fields {unknown}", "take them out")
    return rule


def read_family_clue(body: bytes, name: str) -> FamilyClueRule:
    """Read the rule of several families. Raises InputRejected naming file, field and remedy."""
    rule = build(FamilyClueRule, read_yaml(body, name), name)
    unknown = sorted(_names(rule.wording, name) - {"factors", "start", "end", "what"})
    if unknown:
        raise refusal(name, "wording", f"names unknown fields {unknown}", "take them out")
    return rule


def _same(got: Iterable[str], wanted: set[str], field: str, name: str) -> None:
    missing, odd = sorted(wanted - set(got)), sorted(set(got) - wanted)
    if missing or odd:
        what = f"missing {missing}, unknown {odd}"
        raise refusal(name, field, what, "add what is missing, take out what is unknown")


def _check_parameter(parameter: str, value: Any, name: str) -> None:
    """Check the type of a parameter: judging must never stumble over one."""
    field = f"parameters.{parameter}"
    if parameter in _TEXTS:
        if not isinstance(value, str) or not value:
            raise refusal(name, field, f"{value!r} is no text", "write a text in quotes")
    elif parameter in _LISTS:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise refusal(name, field, f"{value!r} is no list of codes", "write [a19001, ...]")
    elif isinstance(value, bool) or not isinstance(value, (int, float)) or not _usable(value):
        raise refusal(name, field, f"{value!r} is no number", "write a number")


def _usable(number: float) -> bool:
    """Whether a number can stand for hours, shares or counts."""
    return -1e9 < number < 1e9 and math.isfinite(number)


def _check_wording(rule: Rule, name: str) -> None:
    """Check that sentences name only fields that this rule's sentences are given."""
    shipped = _shipped_wording(rule.id)
    for part, text in _sentences(rule.wording).items():
        known = _names(_sentences(shipped).get(part, ""), name) if shipped else _names(text, name)
        unknown = sorted(_names(text, name) - known)
        if unknown:
            what = f"names unknown fields {unknown}"
            remedy = f"use only {sorted(known)}"
            raise refusal(name, f"wording.{part}", what, remedy)
    missing = set(_sentences(shipped)) - set(_sentences(rule.wording)) if shipped else set()
    if missing:
        raise refusal(name, "wording.fragments", f"lacks {sorted(missing)}", "add the sentences")


def _sentences(wording: Wording) -> dict[str, str]:
    return {"seen": wording.seen, "silenced_by": wording.silenced_by, **wording.fragments}


def _names(text: str, name: str) -> set[str]:
    """Fields a sentence names. Raises InputRejected where it does not parse."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise refusal(name, "wording", f"{error}", "write {field}, and {{ for a brace") from error
    odd = [spec or conversion for _, field, spec, conversion in parts if spec or conversion]
    names = {field for _, field, _, _ in parts if field is not None}
    if odd or not all(one.isidentifier() for one in names):
        raise refusal(name, "wording", "has more than plain fields", "write {field} only")
    return names


@cache
def _shipped_wording(rule_id: str) -> Wording | None:
    """The sentences of a rule as shipped: their fields are those the describing code gives."""
    for path in (_SHIPPED / "rules" / f"{rule_id}.yaml", _SCREENS / f"{rule_id}.yaml"):
        if path.exists():
            return build(Rule, read_yaml(path.read_bytes(), path.name), path.name).wording
    return None


@cache
def _shipped_clue() -> str:
    path = _SHIPPED / "clues" / "sister_factors.yaml"
    return build(ClueRule, read_yaml(path.read_bytes(), path.name), path.name).wording

"""描述的字段与事实: what any rule's wording may name, and what is kept for the record."""

import hashlib
import json
import math

import numpy as np

from services.detect.domain import rule_ids as ids
from services.detect.domain.describe_judged import (
    FACTS,
    WORDS,
    Case,
    Facts,
    Words,
    no_facts,
    no_words,
)
from services.detect.domain.hits import BASIS_MINUTES, BASIS_NONE
from services.detect.domain.rule import Rule
from services.detect.domain.words import fragment, hour_text, number

_BASIS = {0: "none", 1: "hour mean and oxygen", 2: "ten-minute values"}


def words_of(case: Case) -> Words:
    """Fields that the wording of a rule may name."""
    hits, top, rule = case.hits, case.top, case.rule
    begin, end = case.finding.begin, case.finding.end
    # A concentration is shown as it was reported, an estimate of scatter by what it is good for.
    digits = 3 if rule.id == ids.LOW_VARIANCE else 6
    words: Words = {
        "factor": case.judged.known.book.factor(case.finding.key.factor).name_zh,
        "start": hour_text(int(hits["slot"][0])),
        "begin": hour_text(begin),
        "end": hour_text(end),
        "worst": hour_text(case.slot),
        "count": len(hits),
        "rest": fragment(rule, "rest", number=str(len(hits) - 1)) if len(hits) > 1 else "",
        "statistic": number(top["statistic"], digits),
        "threshold": number(top["threshold"]),
        "margin": number(abs(top["statistic"] - top["threshold"])),
        "value": number(top["value"], digits),
        "check": _check(top, rule, case.unit)
        if rule.id == ids.EXCEEDANCE
        else number(top["check"], digits),
        "unit": case.unit,
        "cycles": number(top["statistic"]),
        "needed": number(top["threshold"]),
        "hold": number(top["check"]),
        "deadline": hour_text(begin + int(_or_zero(top["threshold"]))),
        "back": "" if case.finding.open else fragment(rule, "back", time=hour_text(end)),
        **{
            name: number(rule.parameters[parameter])
            for name, parameter in (("part", "part_h"), ("within", "within_h"), ("hits", "hits"))
            if parameter in rule.parameters
        },
    }
    return words | WORDS.get(rule.id, no_words)(case)


def facts_of(case: Case) -> Facts:
    """For the record: pack, inputs and reason, what was reported and recomputed, parameters."""
    finding, top, rule = case.finding, case.top, case.rule
    timeline = case.judged.known.timeline
    packs = [pack.name for *_, pack in timeline.intervals(finding.begin, max(finding.end, 1))]
    facts: Facts = {
        "worst_hour": hour_text(case.slot),
        "hits": float(len(case.hits)),
        "rule_parameters": json.dumps(dict(rule.parameters)),
        "pack": ",".join(dict.fromkeys(packs)),
    }
    if finding.inputs:
        facts["inputs_sha256"] = hashlib.sha256(finding.inputs.encode()).hexdigest()
    if finding.reason:
        facts["reason"] = finding.reason
    if rule.id == ids.EXCEEDANCE:
        facts |= _checked(top)
    if case.limit is not None:
        facts |= {
            "limit_source": case.limit.source,
            "limit_ref_o2_percent": case.limit.ref_o2,
            "limit_basis": case.limit.basis,
            "limit_why": case.limit.why,
        }
    if rule.id == ids.CONSTANT:
        facts |= {"held_value": float(top["value"]), "analyser_cycle_h": float(top["check"])}
    if "false_alarms_per_series_year" in rule.parameters:
        facts["false_alarms_per_series_year"] = rule.number("false_alarms_per_series_year")
    return facts | FACTS.get(rule.id, no_facts)(case)


def _checked(top: np.void) -> Facts:
    """Reported and recomputed hour."""
    facts: Facts = {"reported": float(top["value"])}
    if math.isfinite(top["check"]):
        facts |= {
            "recomputed": float(top["check"]),
            "difference": float(top["value"] - top["check"]),
            "recomputed_from": _BASIS[int(top["basis"])],
        }
    return facts


def _check(top: np.void, rule: Rule, unit: str) -> str:
    """What the recomputed mean says beside the reported one."""
    if top["basis"] == BASIS_NONE or not math.isfinite(top["check"]):
        return ""
    name = "check_minutes" if top["basis"] == BASIS_MINUTES else "check_hour"
    return fragment(rule, name, number=number(top["check"]), unit=unit)


def _or_zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0

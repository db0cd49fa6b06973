"""描述: the words, counts and facts of a finding, from its hits alone."""

import json
import math
from dataclasses import dataclass

import numpy as np

from services.chassis.clock import beijing, from_unix
from services.detect.domain.block import Limit
from services.detect.domain.grid import day_start
from services.detect.domain.hits import BASIS_MINUTES, BASIS_NONE, Hits, worst
from services.detect.domain.judge import CONSTANT, EXCEEDANCE, LOW_VARIANCE, SILENCE
from services.detect.domain.reconcile import Kept
from services.detect.domain.rule import Rule, RuleBook

Facts = dict[str, str | float | bool]


@dataclass(frozen=True)
class Description:
    """What a finding says about itself."""

    rule: Rule
    statistic: float
    threshold: float
    unit: str
    seen: str
    silenced_by: str
    count: int
    count_today: int
    count_7_days: int
    peak_multiple: float
    facts: Facts


def describe(finding: Kept, book: RuleBook, limit: Limit | None) -> Description:
    """描述: fill the rule's wording with what was found; times are Beijing hours of the data.

    `limit` is the one in force at the worst hour. The finding must have hits.
    """
    hits = finding.hits
    rule = book.at(finding.key.rule_id, int(hits["slot"][-1]))
    top = hits[worst(hits)]
    unit = limit.unit if limit else book.factor(finding.key.factor).unit
    multiple = _multiple(top, rule)
    words = _words(finding, top, rule, book, unit) | {
        "source": limit.source if limit else "",
        "multiple": _fragment(rule, "multiple", number=_number(multiple, 3))
        if math.isfinite(multiple)
        else "",
    }
    count, today, week = _counts(finding)
    return Description(
        rule=rule,
        statistic=float(top["statistic"]),
        threshold=float(top["threshold"]),
        unit=unit if rule.statistic_unit is None else rule.statistic_unit,
        seen=rule.wording.seen.format(**words),
        silenced_by=rule.wording.silenced_by.format(**words),
        count=count,
        count_today=today,
        count_7_days=week,
        peak_multiple=multiple,
        facts=_facts(hits, top, rule, limit),
    )


_BASIS = {0: "none", 1: "hour mean and oxygen", 2: "ten-minute values"}


def _words(
    finding: Kept, top: np.void, rule: Rule, book: RuleBook, unit: str
) -> dict[str, str | int]:
    """Fields that any wording may name."""
    hits = finding.hits
    begin, end = finding.begin, finding.end
    # A concentration is shown as it was reported, an estimate of scatter by what it is good for.
    digits = 3 if rule.id == LOW_VARIANCE else 6
    return {
        "factor": book.factor(finding.key.factor).name_zh,
        "start": hour_text(int(hits["slot"][0])),
        "begin": hour_text(begin),
        "end": hour_text(end),
        "worst": hour_text(int(top["slot"])),
        "count": len(hits),
        "rest": _fragment(rule, "rest", number=str(len(hits) - 1)) if len(hits) > 1 else "",
        "statistic": _number(top["statistic"], digits),
        "threshold": _number(top["threshold"]),
        "margin": _number(abs(top["statistic"] - top["threshold"])),
        "value": _number(top["value"], digits),
        "check": _check(top, rule, unit)
        if rule.id == EXCEEDANCE
        else _number(top["check"], digits),
        "unit": unit,
        "cycles": _number(top["statistic"]),
        "needed": _number(top["threshold"]),
        "hold": _number(top["check"]),
        "deadline": hour_text(begin + int(_or_zero(top["threshold"]))),
        "back": "" if finding.open else _fragment(rule, "back", time=hour_text(end)),
        **{
            name: _number(rule.parameters[parameter])
            for name, parameter in (("part", "part_h"), ("within", "within_h"), ("hits", "hits"))
            if parameter in rule.parameters
        },
    }


def _fragment(rule: Rule, name: str, **words: str) -> str:
    """A part of a sentence that the rule may not have."""
    return rule.wording.fragments.get(name, "").format(**words)


def _check(top: np.void, rule: Rule, unit: str) -> str:
    """What the recomputed mean says beside the reported one."""
    if top["basis"] == BASIS_NONE or not math.isfinite(top["check"]):
        return ""
    name = "check_minutes" if top["basis"] == BASIS_MINUTES else "check_hour"
    return _fragment(rule, name, number=_number(top["check"]), unit=unit)


def _multiple(top: np.void, rule: Rule) -> float:
    """超标倍数 (c - L) / L above an upper limit; NaN for anything else."""
    above = rule.id == EXCEEDANCE and top["statistic"] > top["threshold"] > 0
    return float((top["statistic"] - top["threshold"]) / top["threshold"]) if above else math.nan


def _counts(finding: Kept) -> tuple[int, int, int]:
    """Hits in the span, in the natural day of its end, and in the seven days before its end.

    Silence counts the silent hours: it has one hit, however long.
    """
    starts = finding.hits["slot"]
    if finding.key.rule_id == SILENCE:
        starts = np.arange(finding.begin, finding.end)
    day = day_start(finding.end - 1)
    week = finding.end - 7 * 24
    return len(starts), int((starts >= day).sum()), int((starts >= week).sum())


def _facts(hits: Hits, top: np.void, rule: Rule, limit: Limit | None) -> Facts:
    """For the record: what was reported, what was recomputed, and with which parameters."""
    facts: Facts = {
        "worst_hour": hour_text(int(top["slot"])),
        "hits": float(len(hits)),
        "rule_parameters": json.dumps(dict(rule.parameters)),
    }
    if rule.id == EXCEEDANCE:
        facts |= {"reported": float(top["value"]), "comparison": str(rule.parameters["comparison"])}
        if math.isfinite(top["check"]):
            facts |= {
                "recomputed": float(top["check"]),
                "difference": float(top["value"] - top["check"]),
                "recomputed_from": _BASIS[int(top["basis"])],
            }
    if limit is not None:
        facts |= {"limit_source": limit.source, "limit_ref_o2_percent": limit.ref_o2}
    if rule.id == CONSTANT:
        facts |= {"held_value": float(top["value"]), "analyser_cycle_h": float(top["check"])}
    if "false_alarms_per_series_year" in rule.parameters:
        facts["false_alarms_per_series_year"] = rule.number("false_alarms_per_series_year")
    return facts


def withdrawn_text(finding: Kept, book: RuleBook) -> str:
    """What a finding says whose hits fell away."""
    return book.versions(finding.key.rule_id)[-1].wording.fragments["withdrawn"]


def hour_text(slot: int) -> str:
    """An hour in Beijing time; 24:00 of a day is 00 of the next."""
    at = beijing(from_unix(slot * 3600))
    return f"{at.year}年{at.month}月{at.day}日{at.hour:02d}时"


def _number(value: float, digits: int = 6) -> str:
    """At most so many significant digits, no exponent for the numbers that occur."""
    return f"{float(value):.{digits}g}" if math.isfinite(value) else "—"


def _or_zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0

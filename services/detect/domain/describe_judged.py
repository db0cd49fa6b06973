"""描述 of findings from judgements: the fields and facts that only one rule or two have."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from services.detect.domain import rule_ids as ids
from services.detect.domain.block import Limit
from services.detect.domain.hits import Hits
from services.detect.domain.judge_pool_usage import Use, uses_of
from services.detect.domain.judged import Judged
from services.detect.domain.reconcile import Kept
from services.detect.domain.rule import Rule
from services.detect.domain.series_key import SeriesKey
from services.detect.domain.words import day_text, month_text, number, percent
from services.detect.judgement.marks import MarkRevision
from services.detect.judgement.parameters import FurnaceRule
from services.detect.judgement.periods import day_of
from services.detect.packs.select import find

Facts = dict[str, str | float | bool]
Words = dict[str, str | int]

_MONTH_DAYS = 30
_DAY_H = 24


class Case(NamedTuple):
    """What is described: a finding, its worst hit, and what it was judged by."""

    finding: Kept
    judged: Judged
    rule: Rule
    top: np.void
    limit: Limit | None
    unit: str
    multiple: float

    @property
    def hits(self) -> Hits:
        """Hits of the finding."""
        return self.finding.hits

    @property
    def slot(self) -> int:
        """First hour of the worst hit."""
        return int(self.top["slot"])


def days_in_row(hits: Hits) -> int:
    """连续天数: the most days one after another among hits of a day each."""
    slots = np.unique(hits["slot"])
    runs = np.split(slots, np.flatnonzero(np.diff(slots) > _DAY_H) + 1)
    return max(len(run) for run in runs)


def days_in_30(hits: Hits) -> int:
    """三十日内天数: the most days within any 30 days among hits of a day each."""
    slots = np.unique(hits["slot"])
    reach = np.searchsorted(slots, slots + _MONTH_DAYS * _DAY_H)
    return int((reach - np.arange(len(slots))).max())


def _daily_words(case: Case) -> Words:
    return {
        "first_day": day_text(int(case.hits["slot"][0])),
        "last_day": day_text(case.finding.end - 1),
        "worst_day": day_text(case.slot),
        "valid_hours": number(case.top["check"]),
    }


def _daily_facts(case: Case) -> Facts:
    return _exceedance_facts(case) | {
        "days_in_row": float(days_in_row(case.hits)),
        "days_in_30": float(days_in_30(case.hits)),
        "valid_hours": float(case.top["check"]),
    }


def _exceedance_facts(case: Case) -> Facts:
    """Both readings of the multiple (domain.md B.7), and the comparison with the limit."""
    facts: Facts = {"comparison": _comparison(case)}
    if math.isfinite(case.multiple):
        facts |= {"multiple": case.multiple, "multiple_full": case.multiple + 1.0}
    return facts


def _comparison(case: Case) -> str:
    """全数值 or 修约值比较, as the validity row of the worst hour says."""
    key = SeriesKey(case.finding.key.outlet_id, case.finding.key.factor)
    at = case.judged.row_of.get(key)
    if at is None:
        return ""
    rules = case.judged.part_at(case.slot).rules
    return rules.rules[int(rules.which[at])].comparison


def _furnace(case: Case) -> FurnaceRule | None:
    facts = case.judged.facts(case.finding.key.outlet_id)
    pack = case.judged.known.timeline.at(case.slot)
    return find(pack.furnaces, facts, "", day_of(case.slot))


def _cold_words(case: Case) -> Words:
    rule = _furnace(case)
    return _daily_words(case) | {
        "lowest": number(case.top["value"], 4),
        "bound": number(rule.bound_degc) if rule else "",
    }


def _cold_facts(case: Case) -> Facts:
    rule = _furnace(case)
    facts: Facts = {
        "excused": float(case.top["check"]),
        "days_in_row": float(days_in_row(case.hits)),
    }
    if math.isfinite(case.top["value"]):
        facts["lowest_degc"] = float(case.top["value"])
    return facts | ({"bound_degc": rule.bound_degc} if rule else {})


def _month_words(case: Case) -> Words:
    days = (day_of(int(slot)).day for slot in case.hits["slot"])
    return {
        "month": month_text(case.slot),
        "days": "、".join(f"{day}日" for day in days),
        "number": len(case.hits),
    }


def _month_facts(case: Case) -> Facts:
    """Low-temperature days are separate violations (MEE order 10): beside the count, not in it."""
    outlet, month = case.finding.key.outlet_id, day_of(case.slot).replace(day=1)
    days = case.judged.known.furnaces.get(outlet, {})
    low = sum(one.violation for day, one in days.items() if day.replace(day=1) == month)
    return {"month": month.isoformat()[:7], "low_temperature_days_known": float(low)}


def _near_words(case: Case) -> Words:
    return {
        "limit": number(case.top["check"]),
        "percent": percent(case.top["threshold"] / case.top["check"]),
        "run": case.slot + 1 - int(case.top["begin"]),
    }


def _minute_words(case: Case) -> Words:
    return {"in_a_row": case.rule.hours("in_a_row"), "longest": number(case.top["check"])}


def _pool(case: Case) -> Use | None:
    """The pool that stands worst at the worst hour."""
    uses = uses_of(case.judged).get(case.finding.key.outlet_id, [])
    return next((one for one in uses if one.hour == case.slot), None)


def _pool_words(case: Case) -> Words:
    use = _pool(case)
    facility = use.facility if use else ""
    return {
        "pool": use.pool.name_zh if use else "",
        "facility": f"（{facility}）" if facility else "",
        "period": use.period if use else "",
        "used": number(case.top["value"]),
        "cap": number(case.top["check"]),
        "percent": percent(case.top["statistic"]),
        "warn_percent": percent(case.top["threshold"]),
        "warn_hours": number(case.top["threshold"] * case.top["check"]),
    }


def _pool_facts(case: Case) -> Facts:
    use = _pool(case)
    return {
        "used_share": float(case.top["statistic"]),
        "used_hours": float(case.top["value"]),
        "cap_hours": float(case.top["check"]),
        "pool": use.pool.key if use else "",
        "facility": use.facility if use else "",
        "period": use.period if use else "",
    }


def _ultra_low_words(case: Case) -> Words:
    valid, within = float(case.top["value"]), float(case.top["check"])
    needed = math.ceil(case.top["threshold"] * valid - 1e-9) - within
    return {
        "month": month_text(case.slot),
        "limit": number(case.limit.upper) if case.limit else "",
        "percent": percent(case.top["statistic"]),
        "asked_percent": percent(case.top["threshold"]),
        "needed": number(needed),
    }


def _ultra_low_facts(case: Case) -> Facts:
    return {
        "valid_hours": float(case.top["value"]),
        "within_hours": float(case.top["check"]),
        "month": day_of(case.slot).isoformat()[:7],
    }


def _mismatch_facts(case: Case) -> Facts:
    return {"reported": float(case.top["value"]), "recomputed": float(case.top["check"])}


def _flag(case: Case) -> str:
    code = case.top["check"]
    return chr(int(code)) if code > 0 else "无"


def _conflict_facts(case: Case) -> Facts:
    """Which marks lie on the hours of the conflict."""
    first, end = case.finding.begin * 3600, case.finding.end * 3600
    marks = case.judged.marks.get(case.finding.key.outlet_id, ())
    return {"flag": _flag(case), "marks": _names(marks, first, end)}


def _abuse_words(case: Case) -> Words:
    return {
        "window": case.rule.hours("window_days"),
        "marked_over": number(case.top["value"]),
        "expected": number(case.top["check"], 3),
        "least": case.rule.hours("marked_over"),
        "p": number(case.top["statistic"], 2),
    }


def _abuse_facts(case: Case) -> Facts:
    end = case.finding.end * 3600
    marks = case.judged.marks.get(case.finding.key.outlet_id, ())
    return {
        "marked_over": float(case.top["value"]),
        "expected": float(case.top["check"]),
        "marks": _names(marks, end - case.rule.hours("window_days") * 86400, end),
    }


def no_words(case: Case) -> Words:
    """A rule without fields of its own."""
    del case
    return {}


def no_facts(case: Case) -> Facts:
    """A rule without facts of its own."""
    del case
    return {}


def _names(marks: tuple[MarkRevision, ...], first_s: int, end_s: int) -> str:
    inside = {m.mark_id for m in marks if m.start_s < end_s and first_s < m.end_s}
    return ",".join(sorted(inside))


WORDS: Mapping[str, Callable[[Case], Words]] = {
    ids.DAILY: _daily_words,
    ids.MSWI_DAILY: _daily_words,
    ids.MSWI_COLD: _cold_words,
    ids.MSWI_MONTH: _month_words,
    ids.NEAR_LIMIT: _near_words,
    ids.MINUTE_OVER: _minute_words,
    ids.POOL_USAGE: _pool_words,
    ids.ULTRA_LOW: _ultra_low_words,
    ids.MARK_CONFLICT: lambda case: {"flag": _flag(case)},
    ids.MARK_ABUSE: _abuse_words,
}

FACTS: Mapping[str, Callable[[Case], Facts]] = {
    ids.EXCEEDANCE: _exceedance_facts,
    ids.DAILY: _daily_facts,
    ids.MSWI_DAILY: _daily_facts,
    ids.MSWI_COLD: _cold_facts,
    ids.MSWI_MONTH: _month_facts,
    ids.POOL_USAGE: _pool_facts,
    ids.ULTRA_LOW: _ultra_low_facts,
    ids.HOUR_MISMATCH: _mismatch_facts,
    ids.MARK_CONFLICT: _conflict_facts,
    ids.MARK_ABUSE: _abuse_facts,
}

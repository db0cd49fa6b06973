"""用电疑似问题: hits of meter pairs and control orders, and what their findings say.

A hit is an hour. Of a pair: `statistic` = minutes in the hour, `value` and `check` = its first and
end minute. Of an order: `statistic` = kWh used, `value` = kWh allowed, `check` = baseline in kWh.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from services.chassis.clock import beijing, from_unix
from services.detect.domain.grid import day_start
from services.detect.domain.hits import NO_HITS, Hits, hits_of, worst
from services.detect.domain.reconcile import Kept
from services.detect.domain.rule import Rule
from services.detect.domain.words import day_text, hour_text, number, percent
from services.detect.judgement.control_order import OVER, Order, OrderHour
from services.detect.judgement.electricity import Pair, Span, minutes_by_hour
from services.detect.judgement.parameters import PowerRule

TREATMENT_OFF = "treatment_off"
TREATMENT_IDLE = "treatment_idle"
ORDER_NOT_MET = "order_not_met"
POWER_RULES = (TREATMENT_OFF, TREATMENT_IDLE, ORDER_NOT_MET)
_GROWS = 5
_LEVELS = {"yellow": "黄色", "orange": "橙色", "red": "红色"}
_MEASURES = {"stop": "停产", "limit": "限产"}

Facts = dict[str, str | float | bool]


@dataclass(frozen=True)
class Told:
    """What a finding says; its span in unix seconds."""

    start_s: int
    end_s: int
    statistic: float
    threshold: float
    seen: str
    silenced_by: str
    count: int
    count_today: int
    count_7_days: int
    facts: Facts


def span_hits(day: int, spans: Iterable[Span], bound: float) -> Hits:
    """用电命中: hours of a Beijing day with spans that count; `bound` in minutes."""
    rows = minutes_by_hour(span for span in spans if span.counts)
    if not rows:
        return NO_HITS
    hour, minutes, first, end = np.array(rows, dtype=np.int64).T
    slot = day * 24 - 8 + hour
    return hits_of(
        slot=slot, begin=slot, end=slot + 1, statistic=minutes, threshold=bound, value=first,
        check=end,
    )  # fmt: skip


def settled(spans: Iterable[Span], passed: int) -> tuple[Span, ...]:
    """时段 as a finding tells them: one that may still go on grows by whole five minutes.

    `passed` is the minute up to which the day is known. A finding that changed each minute would
    be told each minute.
    """
    return tuple(
        replace(one, end=one.start + one.minutes // _GROWS * _GROWS) if one.end == passed else one
        for one in spans
        if one.end != passed or one.minutes >= _GROWS
    )


def minutes_of(hit: np.void) -> tuple[int, int]:
    """First and end minute, in its hour, of a pair's hit."""
    return int(hit["value"]), int(hit["check"])


def order_hits(hours: Iterable[OrderHour], rule: PowerRule) -> Hits:
    """管控命中: hours over an order."""
    over = [one for one in hours if one.state == OVER]
    if not over:
        return NO_HITS
    slot = np.array([one.hour for one in over])
    return hits_of(
        slot=slot, begin=slot, end=slot + 1,
        statistic=[one.used_kwh for one in over],
        threshold=[bound_kwh(one.allowed_kwh, one.baseline_kwh, rule) for one in over],
        value=[one.allowed_kwh for one in over],
        check=[one.baseline_kwh for one in over],
    )  # fmt: skip


def bound_kwh(allowed: float, baseline: float, rule: PowerRule) -> float:
    """判定上限 of an hour in kWh: what is allowed and the tolerance."""
    return max(allowed + rule.order_tolerance * baseline, rule.min_p90_kw)


def tell_pair(
    finding: Kept, rule: Rule, power: PowerRule, pair: Pair, levels: Mapping[str, float]
) -> Told:
    """描述 of a pair's finding. `levels`: threshold of each meter in kW at its end.

    All three counts are minutes; `count_today` those of its worst natural day, so that a finding
    over several days shows the one that a trigger of minutes a day asks for (domain.md D.2).
    """
    hits = finding.hits
    minutes = hits["statistic"]
    worst_day, in_day = _worst_day(hits)
    bound = power.idle_minutes if rule.id == TREATMENT_IDLE else power.warning_minutes
    start_s = int(hits["slot"][0]) * 3600 + int(hits["value"][0]) * 60
    end_s = int(hits["slot"][-1]) * 3600 + int(hits["check"][-1]) * 60
    words = {
        "name": pair.name or pair.pair_id,
        "start": minute_text(start_s),
        "end": minute_text(end_s),
        "minutes": int(minutes.sum()),
        "day": day_text(worst_day * 24 - 8),
        "today": in_day,
        "levels": _levels(pair, levels),
        "warning": power.warning_minutes,
        "dispatch": power.dispatch_minutes,
        "idle": power.idle_minutes,
    }
    return Told(
        start_s=start_s,
        end_s=end_s,
        statistic=float(minutes.sum()),
        threshold=float(bound),
        seen=rule.wording.seen.format(**words),
        silenced_by=rule.wording.silenced_by.format(**words),
        count=int(minutes.sum()),
        count_today=in_day,
        count_7_days=int(minutes[hits["slot"] >= finding.end - 168].sum()),
        facts={
            "pair_id": pair.pair_id,
            "minutes": float(minutes.sum()),
            "minutes_today": float(in_day),
            "production_meters": ";".join(pair.production),
            "treatment_meters": ";".join(pair.treatment),
            "treatment_logic": pair.logic,
            "thresholds_kw": json.dumps({k: round(v, 3) for k, v in levels.items()}),
            **_rule_facts(rule, power),
        },
    )


def _worst_day(hits: Hits) -> tuple[int, int]:
    """The natural day with the most minutes, the latest of equals, and its minutes."""
    days = (hits["slot"] + 8) // 24
    by_day = {int(day): int(hits["statistic"][days == day].sum()) for day in np.unique(days)}
    worst_day = max(by_day, key=lambda day: (by_day[day], day))
    return worst_day, by_day[worst_day]


def tell_order(finding: Kept, rule: Rule, power: PowerRule, order: Order) -> Told:
    """描述 of an order's finding; the counts are hours."""
    hits = finding.hits
    top = hits[worst(hits)]
    words = {
        "source": order.source,
        "level": _LEVELS.get(order.level, order.level),
        "measure": _MEASURES.get(order.measure, order.measure),
        "start": hour_text(finding.begin),
        "end": hour_text(finding.end),
        "count": len(hits),
        "worst": hour_text(int(top["slot"])),
        "used": number(top["statistic"]),
        "allowed": number(top["value"]),
        "baseline": number(top["check"]),
        "share": percent(order.allowed_share),
        "bound": number(top["threshold"]),
        "tolerance": percent(power.order_tolerance),
    }
    return Told(
        start_s=finding.begin * 3600,
        end_s=finding.end * 3600,
        statistic=float(top["statistic"]),
        threshold=float(top["threshold"]),
        seen=rule.wording.seen.format(**words),
        silenced_by=rule.wording.silenced_by.format(**words),
        count=len(hits),
        count_today=int((hits["slot"] >= day_start(finding.end - 1)).sum()),
        count_7_days=int((hits["slot"] >= finding.end - 168).sum()),
        facts={
            "order_id": order.order_id,
            "measure": order.measure,
            "allowed_share": order.allowed_share,
            "hours_over": float(len(hits)),
            "excess_kwh": float((hits["statistic"] - hits["value"]).sum()),
            **_rule_facts(rule, power),
        },
    )


def minute_text(time_s: int) -> str:
    """A minute in Beijing time."""
    at = beijing(from_unix(time_s))
    return f"{at.year}年{at.month}月{at.day}日{at.hour:02d}:{at.minute:02d}"


def _levels(pair: Pair, levels: Mapping[str, float]) -> str:
    """Which power counted as running, and which as off."""
    above = "、".join(f"{name}高于{number(levels[name], 4)}千瓦" for name in pair.production)
    below = "、".join(f"{name}低于{number(levels[name], 4)}千瓦" for name in pair.treatment)
    return f"运行：{above}；停运：{below}"


def _rule_facts(rule: Rule, power: PowerRule) -> Facts:
    """With which parameters."""
    own = {k: v for k, v in vars(power).items() if isinstance(v, int | float)}
    return {"rule_parameters": json.dumps(dict(rule.parameters) | own), "power_rule": power.key}

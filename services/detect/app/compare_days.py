"""复算比对: what differs between two judgements of one day, in Chinese, by factor and field."""

import math
from collections.abc import Callable, Iterator, Sequence

from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.detect.judgement.model import HourState

#: States as people call them.
STATES = {
    HourState.MISSING: "缺失",
    HourState.VALID: "有效",
    HourState.FLAGGED: "仪器标识无效",
    HourState.MARKED: "标记无效",
    HourState.QC_FAILED: "质控不合格",
    HourState.SUSPECT: "可疑",
    HourState.EXEMPT: "工况豁免",
    HourState.STOPPED: "停运",
    HourState.GUARDED: "含氧量过高不折算",
    HourState.SHORT: "有效分钟不足",
}
_HOURLY = (
    ("received", "实测值"),
    ("converted", "折算值"),
    ("judged", "判定值"),
    ("check", "复核值"),
    ("exempted", "豁免值"),
    ("recomputed", "分钟重算值"),
)
_DAILY = (
    ("mean", "日均值"),
    ("valid_hours", "有效小时"),
    ("running_hours", "运行小时"),
    ("enough", "有效日"),
    ("day_over", "日均超标"),
    ("amount_kg", "排放量kg"),
    ("substituted_kg", "替代排放量kg"),
)
#: Sentences at most: a whole day of another limit would say the same 24 times.
_MOST = 60


def differences(
    old: pb.DayJudgement, new: pb.DayJudgement, name_of: Callable[[str], str]
) -> list[str]:
    """What differs, as "二氧化硫 05时 有效→标记无效". Empty where the content is the same."""
    return [*_heads(old, new), *_factors(old, new, name_of), *_rest(old, new)][:_MOST]


def _heads(old: pb.DayJudgement, new: pb.DayJudgement) -> Iterator[str]:
    pack = [f"{one.pack_id}@{one.pack_version}" for one in (old, new)]
    if pack[0] != pack[1]:
        yield f"规则包 {pack[0]}→{pack[1]}"
    if old.facts != new.facts:
        yield "登记信息（行业、工艺、特征等）不同"
    marks = [{f"{m.mark.mark_id}/{m.mark.revision}" for m in one.marks} for one in (old, new)]
    yield from (f"标记 {name} 不再计入" for name in sorted(marks[0] - marks[1]))
    yield from (f"标记 {name} 新计入" for name in sorted(marks[1] - marks[0]))


def _factors(
    old: pb.DayJudgement, new: pb.DayJudgement, name_of: Callable[[str], str]
) -> Iterator[str]:
    before = {one.factor: one for one in old.factors}
    after = {one.factor: one for one in new.factors}
    for code in sorted(before.keys() | after.keys()):
        name = name_of(code)
        if code not in after or code not in before:
            yield f"{name} {'仅原结果有' if code in before else '仅复算结果有'}"
        else:
            yield from (f"{name} {said}" for said in _factor(before[code], after[code]))


def _factor(old: pb.FactorDay, new: pb.FactorDay) -> Iterator[str]:
    limits = [" ".join(f"{_bound(one)}" for one in side.limits) for side in (old, new)]
    if limits[0] != limits[1]:
        yield f"限值 {limits[0] or '无'}→{limits[1] or '无'}"
    for hour, (a, b) in enumerate(zip(old.state, new.state, strict=False)):
        if a != b:
            yield f"{hour:02}时 {STATES[HourState(a)]}→{STATES[HourState(b)]}"
    for field, word in _HOURLY:
        yield from _hours(word, getattr(old, field), getattr(new, field))
    for hour, (a, b) in enumerate(zip(old.over, new.over, strict=False)):
        if a != b:
            yield f"{hour:02}时 小时{'超标→不超标' if a else '不超标→超标'}"
    for field, word in _DAILY:
        a, b = getattr(old, field), getattr(new, field)
        if a != b and not (math.isnan(a) and math.isnan(b)):
            yield f"{word} {_shown(a)}→{_shown(b)}"


def _hours(word: str, old: Sequence[float], new: Sequence[float]) -> Iterator[str]:
    for hour, (a, b) in enumerate(zip(old, new, strict=False)):
        if a != b and not (math.isnan(a) and math.isnan(b)):
            yield f"{hour:02}时 {word} {_shown(a)}→{_shown(b)}"


def _rest(old: pb.DayJudgement, new: pb.DayJudgement) -> Iterator[str]:
    if old.furnace.low != new.furnace.low or old.furnace.violation != new.furnace.violation:
        yield f"炉温低于限值的五分钟均值 {old.furnace.low}→{new.furnace.low}"
    pools = [{(p.pool, p.facility, p.period): p for p in one.pools} for one in (old, new)]
    for key in sorted(pools[0].keys() | pools[1].keys()):
        a, b = (side.get(key, pb.PoolUse()) for side in pools)
        if a.used_hours != b.used_hours:
            name = a.name_zh or b.name_zh
            yield f"{name} 已用 {_shown(a.used_hours)}→{_shown(b.used_hours)} 小时"


def _bound(limit: pb.AppliedLimit) -> str:
    kind = {"hourly": "小时", "daily": "日均"}.get(limit.averaging, limit.averaging)
    low = "" if math.isnan(limit.lower) else f"{_shown(limit.lower)}~"
    return f"{kind}{low}{_shown(limit.upper)}{limit.unit}"


def _shown(value: float) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    return "无" if math.isnan(value) else f"{value:.7g}"

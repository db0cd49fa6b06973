"""Why a deadline is where it is 期限推算依据: sentences in Chinese and English.

`deadline.due` decides; this module only words what it decided, so that an officer can defend the
date: the article, the starting day, each extension, each skipped or paused day, the roll.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.cases.domain.clocks import Clock, Kind, Unit
from services.chassis.calendar import Calendar
from services.chassis.clock import BEIJING

_DAY = dt.timedelta(days=1)


#: How the line begins that names who approved an extension; a plant does not see it.
APPROVER = "批准人："
#: Extensions by their key 延长的种类.
GRANTS = {
    "leader": "负责人批准",
    "collective": "集体讨论决定",
    "instalment": "暂缓或者分期缴纳",
    "check": "需要查证",
    "complex": "重大、复杂案件",
    "decided": "决定",
    "extended": "延长",
    "plant": "企业申请",
}
#: Why a clock stands still 中止事由, by key.
CAUSES = {
    "stay": "中止调查",
    "hearing": "听证",
    "announcement": "公告",
    "monitoring": "监测",
    "appraisal": "检验、鉴定",
    "expert_opinion": "专家评估",
    "service": "送达",
    "crime_pause": "刑事处理",
}


_DAYS = {
    "until": ("至 {}", "until"),
    "from": ("自 {} 起重新计算", "counted again from"),
    "on": ("期限定为 {}", "decided to end on"),
}


@dataclass(frozen=True)
class Grant:
    """批准的延长: an extension that was given; `until` only where the row leaves the day open."""

    key: str
    until: dt.date | None = None
    approved_by: str = ""
    approved_on: dt.date | None = None


@dataclass(frozen=True)
class Line:
    """One sentence of a derivation in both languages."""

    zh: str
    en: str


def basis(clock: Clock, length: int) -> Line:
    """The article, the starting event, the term and what is due."""
    assert clock.unit is not None
    term_zh, term_en = _term(clock, length)
    mark = "" if clock.statutory else "（内部工作时限，非法定）"
    note = "" if clock.statutory else " (operational term, no law)"
    return Line(
        f"{clock.article_zh}{mark}：{clock.start_zh}，{term_zh}，{clock.action_zh}。",
        f"{clock.source}{note}: {clock.start_en}; {term_en}: {clock.action_en}.",
    )


def _term(clock: Clock, length: int) -> tuple[str, str]:
    if clock.unit is Unit.CLOCK_TIME:
        moment = f"{length // 60:02d}:{length % 60:02d}"
        return f"次日{moment}前", f"by {moment} of the next day"
    zh = {Unit.HOUR: "小时", Unit.DAY: "日", Unit.MONTH: "个月", Unit.YEAR: "年"}[
        clock.unit or Unit.DAY
    ]
    unit = (clock.unit or Unit.DAY).value + ("" if length == 1 else "s")
    if clock.unit is Unit.DAY:
        zh = "个工作日" if clock.working else "日"
        unit = f"{'working' if clock.working else 'natural'} {unit}"
    before = clock.kind is Kind.BEFORE
    return f"{length}{zh}{'前' if before else ''}", f"{length} {unit}{' before' if before else ''}"


def begin(clock: Clock, start: dt.datetime) -> Line:
    """When counting begins."""
    if clock.unit is Unit.HOUR:
        return Line(f"起算：{minute(start)}。", f"Starts {minute(start)}; hours run through.")
    day = start.astimezone(BEIJING).date()
    return Line(f"起算日 {day}，当日不计入。", f"Starts {day}; the starting day is not counted.")


def granted(clock: Clock, grants: Sequence[Grant]) -> Iterable[Line]:
    """One line for each extension that was given."""
    for grant in grants:
        extension = next(one for one in clock.extensions if one.key == grant.key)
        what = f"+{extension.add}" if extension.add else f"={extension.instead}"
        what_zh = what
        if extension.decided:
            zh, en = _DAYS[extension.day]
            what, what_zh = f"{en} {grant.until}", zh.format(grant.until)
        name = GRANTS.get(grant.key, grant.key)
        yield Line(f"批准延长（{name}）：{what_zh}。", f"Extended ({grant.key}): {what}.")
        if grant.approved_by:
            day = f" {grant.approved_on}" if grant.approved_on else ""
            yield Line(
                f"{APPROVER}{grant.approved_by}{day}。",
                f"Approved by {grant.approved_by}{day and ' on' + day}.",
            )


def passed_over(
    rest: Sequence[dt.date], made_up: Sequence[dt.date], calendar: Calendar
) -> Iterable[Line]:
    """Rest days that were not counted, by name, and make-up workdays 调休上班 that were."""
    if rest:
        zh = "、".join(_spans(rest))
        en = ", ".join(_spans(rest, calendar.reason))
        yield Line(f"跳过休息日：{zh}。", f"Skipped rest days: {en}.")
    if made_up:
        spans = _spans(made_up)
        yield Line(
            f"调休上班日计入：{'、'.join(spans)}。",
            f"Make-up workdays, counted: {', '.join(spans)}.",
        )


def left_out(
    paused: Sequence[dt.date], causes: Callable[[dt.date], tuple[str, ...]]
) -> Iterable[Line]:
    """Days that were not counted because of a pause, with its cause."""
    if paused:
        zh = "、".join(_spans(paused, lambda day: "、".join(CAUSES.get(c, c) for c in causes(day))))
        en = ", ".join(_spans(paused, lambda day: ", ".join(causes(day))))
        yield Line(f"扣除中止期间：{zh}。", f"Paused, not counted: {en}.")


def _spans(days: Sequence[dt.date], name: Callable[[dt.date], str] | None = None) -> list[str]:
    """Neighbouring days of one name as `first..last (name)`."""
    groups: list[tuple[dt.date, dt.date, str]] = []
    for day in sorted(days):
        label = name(day) if name else ""
        if groups and day - groups[-1][1] == _DAY and groups[-1][2] == label:
            groups[-1] = (groups[-1][0], day, label)
        else:
            groups.append((day, day, label))
    return [
        (f"{a}" if a == b else f"{a}..{b}") + (f" ({label})" if label else "")
        for a, b, label in groups
    ]


def minute(moment: dt.datetime) -> str:
    """Beijing time to the minute."""
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")

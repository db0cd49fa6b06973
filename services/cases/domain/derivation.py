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


@dataclass(frozen=True)
class Grant:
    """批准的延长: an extension that was given; `until` only where the row leaves the day open."""

    key: str
    until: dt.date | None = None


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
        if extension.decided:
            what = f"until {grant.until}"
        yield Line(f"批准延长（{grant.key}）：{what}。", f"Extended ({grant.key}): {what}.")


def passed_over(
    rest: Sequence[dt.date], paused: Sequence[dt.date], calendar: Calendar
) -> Iterable[Line]:
    """What was not counted: rest days by name, and pauses."""
    if rest:
        zh = "、".join(_spans(rest))
        en = ", ".join(_spans(rest, calendar.reason))
        yield Line(f"跳过休息日：{zh}。", f"Skipped rest days: {en}.")
    if paused:
        spans = _spans(paused)
        yield Line(
            f"扣除中止期间：{'、'.join(spans)}。", f"Paused, not counted: {', '.join(spans)}."
        )


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

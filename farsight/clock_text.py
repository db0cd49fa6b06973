"""What `farsight clock` prints: a row of the table, an end, a count, a surcharge, a comparison."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from services.cases.domain.clocks import Clock
from services.cases.domain.counting import DayCount
from services.cases.domain.deadline import Due
from services.cases.domain.derivation import Line
from services.cases.domain.surcharge import Surcharge
from services.chassis.clock import BEIJING


def length(clock: Clock) -> str:
    """The term in a few words; the kind of a row that has none."""
    if clock.length is None or clock.unit is None:
        return clock.kind.value
    if clock.unit.value == "clock_time":
        return f"next day {clock.length // 60:02d}:{clock.length % 60:02d}"
    return f"{clock.length} {'working ' if clock.working else ''}{clock.unit.value}"


def row(clock: Clock) -> dict[str, object]:
    """A row of the table as JSON."""
    return {
        "key": clock.key,
        "kind": clock.kind.value,
        "start": clock.start_en,
        "action": clock.action_en,
        "length": length(clock),
        "extensions": [one.key for one in clock.extensions],
        "pauses": sorted(clock.pauses),
        "statutory": clock.statutory,
        "bound": clock.bound,
        "valid_from": clock.valid_from and clock.valid_from.isoformat(),
        "valid_to": clock.valid_to and clock.valid_to.isoformat(),
        "source": clock.source,
        "confidence": clock.confidence,
    }


def listed(clock: Clock) -> str:
    """A row of the table as a line."""
    return f"{clock.key:26} {length(clock):18} {clock.action_en}  [{clock.source}]"


def document(clock: Clock, lines: Iterable[Line], **more: object) -> dict[str, object]:
    """The answer as JSON: the row, `due` (null where nothing ends), the derivation."""
    lines = list(lines)
    return {
        **row(clock),
        "due": None,
        **more,
        "derivation": [line.en for line in lines],
        "derivation_zh": [line.zh for line in lines],
    }


def ending(answer: Due) -> dict[str, object]:
    """An end as JSON, in Beijing time."""
    return {
        "due": answer.at and answer.at.astimezone(BEIJING).isoformat(),
        "last_day": answer.last_day and answer.last_day.isoformat(),
        "provisional": answer.provisional,
    }


def counted(answer: DayCount) -> dict[str, object]:
    """Days that count, and their sum, as JSON."""
    return {"days": answer.days, "sum": answer.total}


def owed(answer: Surcharge) -> dict[str, object]:
    """A surcharge as JSON; amounts are text, in yuan."""
    return {
        "surcharge": {
            "per_day": str(answer.per_day),
            "days": answer.days,
            "days_not_counted": answer.not_counted,
            "amount": str(answer.amount),
            "full_on_day": answer.full_on_day,
        }
    }


def difference(published: Due, supposed: Due) -> tuple[Line, dict[str, object]]:
    """How a supposed calendar moves an end, as a line and as JSON."""
    if published.at is None or supposed.at is None:
        days = 0
    else:
        days = round((supposed.at - published.at) / dt.timedelta(days=1))
    was = published.last_day or ending(published)["due"]
    way = "later" if days > 0 else "earlier"
    words = f"{abs(days)} day{'s' * (abs(days) != 1)} {way}" if days else "the same"
    zh = f"{'晚' if days > 0 else '早'} {abs(days)} 日" if days else "不变"
    line = Line(
        f"按已公布的节假日安排：{was}；按假设安排：{zh}。",
        f"By the published calendar: {was}; by the supposed one: {words}.",
    )
    return line, {"published": ending(published), "moved_days": days}


def text(lines: Iterable[Line]) -> str:
    """Sentences for people, each in both languages."""
    return "\n".join(f"{line.en}\n    {line.zh}" for line in lines)

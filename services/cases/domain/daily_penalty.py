"""按日连续处罚: days and amount of a daily penalty, from the timeline of an order to correct.

Days run from the day after the order was served to the day the recheck found that the act goes on,
and add up over rechecks (MEP order 28 of 2014, art 17). A correction in between ends the count; a
new violation begins another (art 18). The amount a day is that of the original decision (art 19,
Code art 1060). What a seizure or a limit of production stopped is punished no more (art 20).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.cases.domain.matter import Event, Matter

#: Results of a recheck that mean 拒不改正 (art 13).
REFUSED = frozenset({"refused", "obstructed"})


@dataclass(frozen=True)
class Round:
    """一轮复查: the order was served, the recheck found the act going on."""

    served: dt.date
    found: dt.date

    @property
    def days(self) -> int:
        """计罚日数: the day of service does not count, the day of the finding does."""
        return max(0, (self.found - self.served).days)


@dataclass(frozen=True)
class Count:
    """计罚周期: the rounds without a correction between them.

    `began` is the day on which a repeated violation was found, None for the first count.
    """

    began: dt.date | None = None
    rounds: tuple[Round, ...] = ()


@dataclass(frozen=True)
class _Reading:
    """What the timeline said so far. `served` is the order that waits for its recheck."""

    counts: tuple[Count, ...] = (Count(),)
    served: dt.date | None = None
    daily: bool = False


def counts(matter: Matter) -> tuple[Count, ...]:
    """The counts of an order to correct, oldest first; only orders that warned of it count."""
    reading = _Reading()
    for event in matter.events:
        reading = _read(matter, reading, event)
    return reading.counts


def _read(matter: Matter, reading: _Reading, event: Event) -> _Reading:
    if event.act in {"begin", "order_again"}:
        warned = {stated(matter, event, name) for name in ("daily", "daily_warning")} == {"yes"}
        return replace(reading, daily=warned, served=None)
    if event.act == "rectification_order_served":
        return replace(reading, served=_day(matter, event, "served_on"))
    if event.act == "violated_again":
        began = _day(matter, event, "found_on")
        return replace(reading, counts=(*reading.counts, Count(began)), served=None)
    if event.act != "recheck" or reading.served is None:
        return reading
    found = _day(matter, event, "rechecked_on")
    if not reading.daily or stated(matter, event, "result") not in REFUSED or found is None:
        return replace(reading, served=None)
    *before, last = reading.counts
    grown = replace(last, rounds=(*last.rounds, Round(reading.served, found)))
    return replace(reading, counts=(*before, grown), served=None)


def stopped_on(matter: Matter) -> dt.date | None:
    """The day from which another measure stopped the discharge (art 20)."""
    event = matter.last("note_discharge_stopped")
    return None if event is None else _day(matter, event, "stopped_on")


def accumulated(rounds: Iterable[Round], stopped: dt.date | None = None) -> int:
    """累计计罚日数 of rounds; one that was found when the discharge had stopped counts nothing."""
    return sum(one.days for one in rounds if stopped is None or one.found < stopped)


def fine_daily(original: int, days: int) -> int:
    """按日连续处罚总额 in yuan = the original decision's amount x days (art 19).

    >>> fine_daily(385_000, 30)
    11550000
    """
    return original * days


@dataclass(frozen=True)
class Claim:
    """What may be punished up to a recheck: the count it is in, and its rounds not yet punished."""

    count: Count
    rounds: tuple[Round, ...]
    stopped: dt.date | None = None

    @property
    def days(self) -> int:
        """计罚日数."""
        return accumulated(self.rounds, self.stopped)


def claim(matter: Matter, settled: Iterable[dt.date], through: dt.date) -> Claim | None:
    """What a daily penalty up to the recheck of `through` holds; None without such a recheck.

    `settled` are the days up to which earlier daily penalties went.
    """
    done = frozenset(settled)
    for count in counts(matter):
        found = [one.found for one in count.rounds]
        if through in found:
            last = max((day for day in done if day in found), default=dt.date.min)
            rounds = tuple(one for one in count.rounds if last < one.found <= through)
            return Claim(count, rounds, stopped_on(matter))
    return None


def unpunished(matter: Matter, settled: Iterable[dt.date]) -> int:
    """Days of all counts for which no daily penalty was proposed."""
    done = tuple(settled)
    total = 0
    for count in counts(matter):
        if count.rounds:
            rest = claim(matter, done, count.rounds[-1].found)
            total += rest.days if rest else 0
    return total


def stated(matter: Matter, event: Event, name: str) -> str:
    """What a line says of a field, after its corrections 更正."""
    later = [
        one.fields["value"]
        for one in matter.events
        if one.act == "correct"
        and one.fields.get("seq") == str(event.seq)
        and one.fields.get("field") == name
    ]
    return later[-1] if later else event.fields.get(name, "")


def _day(matter: Matter, event: Event, name: str) -> dt.date | None:
    text = stated(matter, event, name)
    return dt.date.fromisoformat(text) if text else None

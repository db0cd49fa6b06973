"""Moments and spans of time for people: Beijing time, and how long something still has."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.clock import beijing, from_timestamp
from services.console.language import Translate

DAY_S = 86_400
#: Below this a due date is shown in the colour of "soon".
SOON = timedelta(hours=24)


def aware(moment: Timestamp | datetime | float | None) -> datetime | None:
    """Give an aware moment; None for nothing (a Timestamp of zero is one that was never set)."""
    if moment is None:
        return None
    if isinstance(moment, Timestamp):
        return from_timestamp(moment) if moment.seconds else None
    if isinstance(moment, datetime):
        return moment
    return datetime.fromtimestamp(moment, UTC)


def in_beijing(moment: Timestamp | datetime | float | None, form: str = "%Y-%m-%d %H:%M") -> str:
    """Write a moment in Beijing time; nothing gives a dash."""
    known = aware(moment)
    return beijing(known).strftime(form) if known else "—"


@dataclass(frozen=True)
class Countdown:
    """How long something still has: words, and a tone (`overdue`, `soon`, `calm`, `none`)."""

    words: str
    tone: str


def countdown(due: Timestamp | datetime | None, now: datetime, t: Translate) -> Countdown:
    """Tell how long is left until `due`, or how long ago it was."""
    moment = aware(due)
    if moment is None:
        return Countdown(t("countdown.none"), "none")
    left = moment - now
    if left <= timedelta(0):
        return Countdown(t("countdown.overdue", span=span_words(-left, t)), "overdue")
    return Countdown(
        t("countdown.left", span=span_words(left, t)), "soon" if left <= SOON else "calm"
    )


def span_words(span: timedelta, t: Translate) -> str:
    """Write a span with its two largest units; less than a minute counts as one."""
    minutes = max(1, math.floor(span.total_seconds() / 60))
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return t("span.days_hours", days=days, hours=hours)
    if hours:
        return t("span.hours_minutes", hours=hours, minutes=minutes)
    return t("span.minutes", minutes=minutes)


def ago_words(moment: Timestamp | datetime | float | None, now: datetime, t: Translate) -> str:
    """Write how long ago a moment was; nothing gives a dash."""
    known = aware(moment)
    if known is None:
        return "—"
    return t("span.ago", span=span_words(max(now - known, timedelta(0)), t))

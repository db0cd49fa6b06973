"""传输率: sums by level and period, with numerator and denominator, and whether they are final."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Session

from services.chassis.clock import BEIJING
from services.chassis.errors import InputRejected
from services.chassis.identity import Scope
from services.ingest import rate_store
from services.ingest.domain.completeness import DAY, HOUR, KINDS, Rules
from services.ingest.rate_store import Asked, RateRow

LEVELS = ("outlet", "enterprise", "county", "city", "province")


@dataclass(frozen=True, slots=True)
class Rate:
    """One row, and whether it may still change in its real-time version."""

    row: RateRow
    provisional: bool


def list_rates(
    session: Session, asked: Asked, level: str, rules: Rules, now: datetime
) -> tuple[list[Rate], Rate | None]:
    """Rates by key and period, and their sum (None where nothing was due)."""
    period = "" if asked.by_day else period_of(asked)
    rows = rate_store.rates(session, asked, level)
    total = rate_store.rates(session, replace(asked, by_day=False), "all")
    listed = [_rate(row, row.period or period, asked.kind, rules, now) for row in rows]
    sums = [_rate(row, period_of(asked), asked.kind, rules, now) for row in total]
    return listed, sums[0] if sums else None


def span_of(day: str, month: str) -> tuple[date, date]:
    """Days of a request, [first, end). Raises InputRejected unless exactly one is given."""
    if bool(day) == bool(month):
        raise InputRejected("one of day and month is needed")
    try:
        if day:
            first = date.fromisoformat(day)
            return first, first + timedelta(days=1)
        first = datetime.strptime(month, "%Y-%m").date()  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise InputRejected("a day is YYYY-MM-DD, a month YYYY-MM", day=day, month=month) from None
    return first, (first + timedelta(days=32)).replace(day=1)


def asked_for(
    day: str, month: str, scope: Scope, *, kind: int = 0, credit_code: str = "", days: bool = False
) -> Asked:
    """Put a request together. Raises InputRejected."""
    if kind and kind not in KINDS:
        raise InputRejected(f"reading kind {kind}")
    first, end = span_of(day, month)
    return Asked(kind or HOUR, first, end, scope, credit_code, by_day=days)


def period_of(asked: Asked) -> str:
    """Name of the whole period."""
    one_day = (asked.end - asked.first).days == 1
    return asked.first.isoformat() if one_day else asked.first.isoformat()[:7]


def _rate(row: RateRow, period: str, kind: int, rules: Rules, now: datetime) -> Rate:
    """A day is final from 13:00 of the next on, if all its hours are closed (domain.md B.6).

    A day later it is final in any case: an outlet registered during a day never has all its hours.
    """
    start = datetime.combine(row.last_day, time(), BEIJING).astimezone(UTC)
    published = rules.published_at(start)
    whole = row.hours >= (1 if kind == DAY else 24)
    final = now >= (published if whole else published + timedelta(days=1))
    return Rate(replace(row, period=period), provisional=not final)

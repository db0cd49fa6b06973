"""日汇总: validity and amounts by area, plant or operator, beside those of the period before."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected
from services.detect import sums_store
from services.detect.sums_store import Asked, Summed


@dataclass(frozen=True, slots=True)
class Sum:
    """One row, and what the same days of the period before came to."""

    row: Summed
    before_kg: float | None
    """Measured and substituted; None: not known."""


def list_sums(session: Session, asked: Asked, level: str) -> tuple[list[Sum], Summed | None]:
    """Sums by key (and factor), and all together (None where no day is judged).

    A month that still goes on is compared with as many days of the month before. Raises
    InputRejected where there are too many rows.
    """
    rows = sums_store.sums(session, asked, level)
    total = sums_store.sums(session, replace(asked, by_factor=False), "all")
    if not total:
        return [], None
    before: dict[tuple[str, str], float | None] = {}
    if asked.by_factor:
        earlier = period_before(asked, total[0].last_day)
        before = {(r.key, r.factor): _kg(r) for r in sums_store.sums(session, earlier, level)}
    return [Sum(row, before.get((row.key, row.factor))) for row in rows], total[0]


def period_before(asked: Asked, last_day: date) -> Asked:
    """The day before a day; of the month before, the days up to that of `last_day`."""
    end = asked.first
    if (asked.end - asked.first).days == 1:
        return replace(asked, first=end - timedelta(days=1), end=end)
    first = (end - timedelta(days=1)).replace(day=1)
    # A whole month is compared with a whole month, of however many days.
    if last_day + timedelta(days=1) < asked.end:
        end = min(end, first + timedelta(days=last_day.day))
    return replace(asked, first=first, end=end)


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


def _kg(row: Summed) -> float | None:
    """Measured and substituted kilograms together."""
    return None if row.amount_kg is None else row.amount_kg + (row.substituted_kg or 0.0)

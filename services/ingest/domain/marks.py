"""标记规则: which revision counts on which day, what is late, what overlaps. Pure.

A revision is never changed. On a day whose freeze is over (12:00 of the next day, announcement 21
of 2022, domain.md B.2) counts what had come before it; what comes later counts there only when the
authority accepts it. A rejection by the authority counts at any time, and what follows a rejection
is an objection that counts nowhere until it is accepted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from services.chassis.clock import BEIJING, beijing
from services.ingest.domain.outside import MarkRevision

ACTIVE, REJECTED, WITHDRAWN = "active", "rejected", "withdrawn"
ACCEPTED, REFUSED = "accepted", "refused"
NOT_MINE = 4
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class MarkTerms:
    """标记时限 (data/marks.csv). `freeze_hour` is an hour of the next Beijing day."""

    freeze_hour: int = 12
    longest: timedelta = timedelta(days=366)
    proof_bytes: int = 10 * 1024 * 1024
    csv_rows: int = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """A revision as it is kept: what it says, when it came, what was decided about it."""

    mark: MarkRevision
    received_at: datetime
    decision: str = ""  # accepted | refused | rejected, empty = none


Said = tuple[object, ...] | None
"""What a revision says of one day; None = nothing."""


def midnight(day: date) -> datetime:
    """Give the beginning of a Beijing day."""
    return datetime.combine(day, time(), BEIJING)


def freezes_at(day: date, terms: MarkTerms) -> datetime:
    """冻结时刻 of a Beijing day.

    >>> freezes_at(date(2026, 11, 21), MarkTerms()).isoformat()
    '2026-11-22T12:00:00+08:00'
    """
    return midnight(day + DAY) + timedelta(hours=terms.freeze_hour)


def newest_frozen(now: datetime, terms: MarkTerms) -> date:
    """Give the newest Beijing day whose freeze is over at `now`.

    >>> newest_frozen(datetime(2026, 11, 22, 11, 59, tzinfo=BEIJING), MarkTerms()).isoformat()
    '2026-11-20'
    """
    return (beijing(now) - timedelta(hours=terms.freeze_hour)).date() - DAY


def days_of(start: datetime, end: datetime) -> Iterator[date]:
    """Yield the Beijing days that [start, end) touches."""
    day = beijing(start).date()
    while midnight(day) < end:
        yield day
        day += DAY


def counting(revisions: Sequence[Kept], day: date, terms: MarkTerms) -> Kept | None:
    """Give what counts of a mark's revisions (in order) on a Beijing day; None = nothing yet."""
    found, rejected = None, False
    for one in revisions:
        if one.mark.status == REJECTED:
            found, rejected = one, True
        elif one.decision == ACCEPTED:
            found, rejected = one, False
        elif not rejected and one.received_at < freezes_at(day, terms):
            found = one
    return found


def is_late(new: Kept, earlier: Sequence[Kept], terms: MarkTerms) -> bool:
    """Whether a revision changes what is said of a frozen day, or follows a rejection.

    `earlier` are the mark's lower revisions in order. An extension of a running mark into days
    that are still open is not late.
    """
    if new.mark.status == REJECTED:
        return False
    if is_rejected(earlier):
        return True
    frozen = newest_frozen(new.received_at, terms)
    touched: set[date] = set()
    for one in (new, *earlier):
        end = min(one.mark.end_at, midnight(frozen + DAY))
        touched.update(days_of(one.mark.start_at, end))
    return any(said(new, day) != said(counting(earlier, day, terms), day) for day in touched)


def is_rejected(revisions: Sequence[Kept]) -> bool:
    """Whether the authority's rejection stands."""
    for one in reversed(revisions):
        if one.mark.status == REJECTED:
            return True
        if one.decision == ACCEPTED:
            return False
    return False


def said(kept: Kept | None, day: date) -> Said:
    """Give what a revision says of a Beijing day."""
    if kept is None or kept.mark.status != ACTIVE:
        return None
    mark, first = kept.mark, midnight(day)
    start, end = max(mark.start_at, first), min(mark.end_at, first + DAY)
    if start >= end:
        return None
    values = tuple(tuple(sorted(value.items())) for value in mark.manual_values)
    return (*kind_of(mark), frozenset(mark.factors), start, end, values)


def kind_of(mark: MarkRevision) -> tuple[int, int, str, str]:
    """Give what makes two marks of one outlet marks of one kind."""
    return mark.family, mark.subtype, mark.condition, mark.facility


def overlaps(new: MarkRevision, others: Iterable[Kept]) -> Kept | None:
    """Give another mark of the same kind, time and factor, None when there is none.

    `others` are the newest revisions of the outlet's marks. A rejected one still stands in the way:
    it is objected to by revising it, not by stating it again.
    """
    for other in others:
        mark = other.mark
        if (
            mark.mark_id != new.mark_id
            and mark.status != WITHDRAWN
            and other.decision != REFUSED
            and kind_of(mark) == kind_of(new)
            and mark.start_at < new.end_at
            and new.start_at < mark.end_at
            and (not mark.factors or not new.factors or {*mark.factors} & {*new.factors})
        ):
            return other
    return None


def same_statement(one: MarkRevision, other: MarkRevision) -> bool:
    """Whether two revisions say the same, whoever made them and when."""
    return _statement(one) == _statement(other)


def _statement(mark: MarkRevision) -> tuple[object, ...]:
    values: list[Mapping[str, object]] = list(mark.manual_values)
    return (
        *kind_of(mark),
        frozenset(mark.factors),
        mark.start_at,
        mark.end_at,
        mark.status,
        mark.reason,
        frozenset(mark.proof_ids),
        values,
    )

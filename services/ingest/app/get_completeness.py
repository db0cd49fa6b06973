"""完整性证书 of an outlet: fixed ones with what came after, and the hours that are still open."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected
from services.ingest import completeness_store, rate_store
from services.ingest.domain.balance import hour_of
from services.ingest.domain.completeness import DAY, ONE_HOUR, Certificate, Rules, day_start

LONGEST = timedelta(days=62)


@dataclass(frozen=True, slots=True)
class Completeness:
    """Rows of fixed certificates, and certificates counted as of now."""

    fixed: list[dict[str, Any]]
    open: list[Certificate]


def get_completeness(
    session: Session,
    outlet_id: str,
    start: datetime,
    end: datetime,
    *,
    kind: int,
    rules: Rules,
    now: datetime,
) -> Completeness:
    """Certificates of the hours in [start, end). Raises InputRejected for a span over 62 days."""
    if not outlet_id or not start < end <= start + LONGEST:
        raise InputRejected("an outlet and a span of at most 62 days are needed")
    fixed = rate_store.certificates_between(session, outlet_id, kind, start, end)
    part = session.scalar(
        text("SELECT min(part) FROM monitor_point WHERE outlet_id = :o"), {"o": outlet_id}
    )
    if part is None:
        return Completeness(fixed, [])
    known = {(row["hour"], row["kind"]) for row in fixed}
    hours = _open_hours(start, min(end, now), now, rules)
    counted = [
        one.certificate
        for span, hour in hours
        for one in completeness_store.certificates_of(
            session, part, span, hour, rules, outlet_id=outlet_id
        )
    ]
    still = [
        one
        for one in counted
        if (one.place.hour, one.place.kind) not in known and kind in {0, one.place.kind}
    ]
    return Completeness(fixed, still)


def _open_hours(
    start: datetime, end: datetime, now: datetime, rules: Rules
) -> list[tuple[str, datetime]]:
    """Hours that began and whose grace still runs, and the same for days."""
    found = []
    hour = max(hour_of(start), hour_of(now - ONE_HOUR - rules.grace[3]) - ONE_HOUR)
    while hour < end:
        found.append((completeness_store.HOURLY, hour))
        hour += ONE_HOUR
    day = day_start(max(start, now - timedelta(days=1) - rules.grace[DAY]))
    while day < end:
        found.append((completeness_store.DAILY, day))
        day += timedelta(days=1)
    return found

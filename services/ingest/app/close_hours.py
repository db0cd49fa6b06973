"""完整性证书: fixes the certificates of the hours and days whose grace is over.

An hour closes partition by partition, and only when everything that arrived before its closing has
been settled: a backlog of ours must not be certified as a silence of the logger's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.chassis.db import Database
from services.ingest import completeness_store as store
from services.ingest import fill_store
from services.ingest.domain.balance import hour_of
from services.ingest.domain.completeness import ONE_HOUR, Rules, day_start

#: A partition in which nothing was settled for so long, and for which nothing waits, is settled.
QUIET = timedelta(seconds=120)
#: Closings of one call; the next timer goes on where this one stopped.
BURST = 48


@dataclass(frozen=True, slots=True)
class Closed:
    """One closing."""

    part: int
    span: str  # hour | day
    hour: datetime
    certificates: int


def close_hours(
    database: Database,
    rules: Rules,
    now: datetime,
    started_at: datetime,
    waits: Callable[[int], bool] = lambda _part: False,
) -> list[Closed]:
    """Close what is due, oldest first; gives the closings. `started_at` is this process's start.

    `waits` tells whether frames of a partition may still wait to be settled.
    """
    with database.transaction() as session:
        parts = store.progress(session)
    closed: list[Closed] = []
    for part in parts:
        for span in (store.HOURLY, store.DAILY):
            for hour in _closable(part, span, rules, now, started_at, waits):
                if len(closed) == BURST:
                    return closed
                found = _close(database, part.part, span, hour, rules=rules, now=now)
                closed += [found] if found else []
    return closed


def _closable(  # noqa: PLR0917 - one caller
    part: store.Progress,
    span: str,
    rules: Rules,
    now: datetime,
    started_at: datetime,
    waits: Callable[[int], bool],
) -> Iterator[datetime]:
    """Hours (days) after the last closed one whose grace is over and that are settled."""
    step, kind = store.SPANS[span], store.KIND_OF_SPAN[span]
    last = part.closed.get(span)
    hour = last + step if last else _first(part.since, span)
    quiet = now - max(part.settled_at or started_at, started_at) >= QUIET
    while (closes := rules.closed_at(hour, kind)) <= now:
        later = part.received_at is not None and part.received_at >= closes
        if not later and (not quiet or waits(part.part)):
            return
        yield hour
        hour += step


def _first(since: datetime, span: str) -> datetime:
    """First whole hour (Beijing day) after a moment."""
    if span == store.HOURLY:
        start = hour_of(since)
        return start if start == since else start + ONE_HOUR
    start = day_start(since)
    return start if start == since else start + store.SPANS[span]


def _close(
    database: Database, part: int, span: str, hour: datetime, *, rules: Rules, now: datetime
) -> Closed | None:
    with database.transaction() as session:
        if not store.begin_closing(session, part, span, hour, now):
            return None
        rows = store.certificates_of(session, part, span, hour, rules)
        store.keep_certificates(session, rows)
        outlets = len({one.certificate.place.outlet_id for one in rows})
        fill_store.recount_marked(session, part, hour)
        store.set_closed(session, part, span, hour, outlets)
        return Closed(part, span, hour, len(rows))

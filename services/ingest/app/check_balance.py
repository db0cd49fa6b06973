"""核对平衡: for each closed arrival hour, received = accepted + duplicate + refused = entries.

The balance counts what came apart from what became of it, and the ledger is written apart from
both: three counts of the same frames, so that a loss shows.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.chassis.clock import Now, utc_now
from services.chassis.db import Database
from services.ingest import balance_store
from services.ingest.domain.balance import hour_of

HOUR = timedelta(hours=1)
#: How far back an hour is looked at for the first time.
SPAN = timedelta(days=31)
#: Newest closed hours that are counted again each time: frames may come to them late.
AGAIN = 3


@dataclass(frozen=True, slots=True)
class HourCheck:
    """Three counts of one arrival hour's frames."""

    hour: datetime
    received: int
    accounted: int
    leaves: int

    @property
    def closed(self) -> bool:
        """Whether all agree."""
        return self.received == self.accounted == self.leaves


def check_hours(database: Database, *, now: Now = utc_now) -> list[HourCheck]:
    """Count the closed hours not counted yet and the newest few again; gives those counted."""
    end = hour_of(now())
    with database.transaction() as session:
        last = balance_store.last_checked(session)
        first = balance_store.first_hour(session, end - SPAN)
    if first is None:
        return []
    start = first if last is None else max(first, min(last + HOUR, end - AGAIN * HOUR))
    checks = []
    while start < end:
        with database.transaction() as session:
            counts = balance_store.count_hour(session, start, start + HOUR)
            balance_store.keep_check(session, start, now(), counts)
        checks.append(HourCheck(start, *counts))
        start += HOUR
    return checks

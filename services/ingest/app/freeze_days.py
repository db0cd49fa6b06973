"""冻结: at 12:00 of the next day what is marked for a day stands; one row and one event a day."""

from datetime import date, datetime

from sqlalchemy.orm import Session

from services.chassis.outbox import record_event
from services.ingest import mark_store as store
from services.ingest.domain.marks import DAY, MarkTerms, freezes_at, newest_frozen
from services.ingest.mark_wire import frozen_event


def freeze_days(session: Session, terms: MarkTerms, now: datetime) -> list[date]:
    """Freeze the days whose time is over and that nobody froze yet, in order.

    A new installation begins with yesterday or the day before: `DayFrozen` says that every earlier
    day is frozen too. Days that were missed are told one by one. The row is the lock: of two
    replicas one writes it.
    """
    newest = newest_frozen(now, terms)
    last = store.last_frozen(session)
    day = newest if last is None else last + DAY
    frozen: list[date] = []
    while day <= newest:
        at = freezes_at(day, terms)
        if store.add_freeze(session, day, at, now):
            record_event(session, frozen_event(day, at))
            frozen.append(day)
        day += DAY
    return frozen

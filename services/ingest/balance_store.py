"""Queries of the balance check."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.ingest.domain.balance import RECEIVED
from services.ingest.keeping_tables import BalanceCheckRow
from services.ingest.tables import BalanceRow, LedgerRow

#: An entry is filed under its arrival hour or a later one; a gate whose clock is ahead by so much
#: under an earlier one.
_AHEAD = timedelta(days=1)


def first_hour(session: Session, since: datetime) -> datetime | None:
    """The oldest hour with a count from `since` on."""
    return session.scalar(select(func.min(BalanceRow.hour)).where(BalanceRow.hour >= since))


def last_checked(session: Session) -> datetime | None:
    """The newest hour that was checked."""
    return session.scalar(select(func.max(BalanceCheckRow.hour)))


def count_hour(session: Session, start: datetime, end: datetime) -> tuple[int, int, int]:
    """(received, accounted for, ledger entries) of the frames that arrived in [start, end)."""
    words: dict[str, int] = {
        word: int(count)
        for word, count in session.execute(
            select(BalanceRow.word, func.sum(BalanceRow.count))
            .where(BalanceRow.hour >= start, BalanceRow.hour < end)
            .group_by(BalanceRow.word)
        )
    }
    leaves = session.scalar(
        select(func.count()).where(
            LedgerRow.received_at >= start,
            LedgerRow.received_at < end,
            LedgerRow.arrival_hour >= start - _AHEAD,
        )
    )
    received = words.pop(RECEIVED, 0)
    return received, sum(words.values()), leaves or 0


def keep_check(
    session: Session, hour: datetime, at: datetime, counts: tuple[int, int, int]
) -> None:
    """Write down what `count_hour` gave; a later look replaces it."""
    received, accounted, leaves = counts
    values = {"checked_at": at, "received": received, "accounted": accounted, "leaves": leaves}
    new = insert(BalanceCheckRow).values(hour=hour, **values)
    session.execute(new.on_conflict_do_update(index_elements=["hour"], set_=values))


def open_checks(session: Session, since: datetime) -> list[BalanceCheckRow]:
    """Hours from `since` on whose three counts do not agree, in order."""
    query = select(BalanceCheckRow).where(
        BalanceCheckRow.hour >= since,
        (BalanceCheckRow.received != BalanceCheckRow.accounted)
        | (BalanceCheckRow.received != BalanceCheckRow.leaves),
    )
    return list(session.scalars(query.order_by(BalanceCheckRow.hour)))

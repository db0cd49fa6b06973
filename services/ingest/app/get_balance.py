"""数据平衡 of a span: rows by owner and hour, and their sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected
from services.ingest import store

#: Counts listed singly in one answer; the total is over all of the span in any case.
ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Balance:
    """Counts by word: of each owner and hour (the newest ones of a long span), and of all."""

    rows: dict[tuple[str, datetime], dict[str, int]]
    total: dict[str, int]


def get_balance(
    session: Session, start: datetime, end: datetime, owners: Sequence[str] | None
) -> Balance:
    """The balance of the arrival hours in [start, end); `owners` None = everybody."""
    if start >= end:
        raise InputRejected("start must lie before end")
    rows: dict[tuple[str, datetime], dict[str, int]] = {}
    counts = store.balance_between(session, start, end, owners, limit=ROWS + 1)
    for owner, hour, word, count in counts[:ROWS]:
        rows.setdefault((owner, hour), {})[word] = count
    for owner, hour, _, _ in counts[ROWS:]:
        rows.pop((owner, hour), None)  # cut in the middle: half a row would look like a loss
    return Balance(rows, store.balance_total(session, start, end, owners))

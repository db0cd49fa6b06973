"""数据平衡 of a span: rows by owner and hour, and their sum."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected
from services.ingest import store


@dataclass(frozen=True, slots=True)
class Balance:
    """Counts by word: of each owner and hour, and of all."""

    rows: dict[tuple[str, datetime], dict[str, int]]
    total: dict[str, int]


def get_balance(
    session: Session, start: datetime, end: datetime, owners: Sequence[str] | None
) -> Balance:
    """The balance of the arrival hours in [start, end); `owners` None = everybody."""
    if start >= end:
        raise InputRejected("start must lie before end")
    rows: dict[tuple[str, datetime], dict[str, int]] = {}
    total: Counter[str] = Counter()
    for owner, hour, word, count in store.balance_between(session, start, end, owners):
        rows.setdefault((owner, hour), {})[word] = count
        total[word] += count
    return Balance(rows, dict(total))

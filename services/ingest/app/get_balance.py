"""数据平衡 of a span: rows by owner and hour, and their sum."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.clock import from_unix
from services.chassis.errors import InputRejected
from services.ingest import store

#: Counts listed singly in one answer; the total is over all of the span in any case.
ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Balance:
    """Counts by word: of each owner and hour of one page, and of all."""

    rows: dict[tuple[str, datetime], dict[str, int]]
    total: dict[str, int]
    next_page: str = ""  # token of the next page; empty = there is none


def get_balance(
    session: Session,
    start: datetime,
    end: datetime,
    owners: Sequence[str] | None,
    *,
    page: str = "",
) -> Balance:
    """The balance of the arrival hours in [start, end), newest first; `owners` None = everybody.

    Raises InputRejected for an empty span and for a token that is none of ours.
    """
    if start >= end:
        raise InputRejected("start must lie before end")
    rows: dict[tuple[str, datetime], dict[str, int]] = {}
    after = _place(page) if page else None
    counts = store.balance_between(session, start, end, owners, after=after, limit=ROWS + 1)
    for owner, hour, word, count in counts[:ROWS]:
        rows.setdefault((owner, hour), {})[word] = count
    for owner, hour, _, _ in counts[ROWS:]:
        rows.pop((owner, hour), None)  # cut in the middle: half a row would look like a loss
    cut = len(counts) > ROWS and rows
    next_page = _token(*list(rows)[-1]) if cut else ""
    return Balance(rows, store.balance_total(session, start, end, owners), next_page)


def _token(owner: str, hour: datetime) -> str:
    return f"{int(hour.timestamp())}|{owner}"


def _place(token: str) -> tuple[datetime, str]:
    seconds, bar, owner = token.partition("|")
    if not bar or not seconds.isdigit():
        raise InputRejected("page_token is not one of ours")
    return from_unix(int(seconds)), owner

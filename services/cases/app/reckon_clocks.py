"""Compute ends again when the calendar changed: firm once the release knows the holidays.

Two sweeps, both in bounded batches, each batch a transaction of its own:

- a *new release* of the calendar may move any end that is counted in days. Which release was
  swept last stands in the due rows (`CALENDAR`), so that a release is swept once, whatever number
  of replicas start with it, and a sweep goes on after a restart;
- *provisional* ends are looked at each hour. That catches a clock which an older replica started
  behind the sweep, and asks next to nothing: only ends before the first unpublished year count.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import Select, desc, select
from sqlalchemy.orm import Session

from services.cases import rules, store
from services.cases.app.attempts import system_attempt
from services.cases.app.perform import finish
from services.cases.domain import steps, timing
from services.cases.domain.clocks import Unit
from services.cases.domain.timing import Terms
from services.cases.tables import ClockRow, MatterRow
from services.chassis.clock import BEIJING
from services.chassis.due import record_due
from services.chassis.tables import DueRow

CALENDAR = "clock_calendar"
#: Clocks of one transaction: about a second's work when every one of them moves.
BATCH = 500
_LATER = dt.timedelta(minutes=1)
_Rows = Sequence[tuple[ClockRow, MatterRow]]
_OF_MATTER = select(ClockRow, MatterRow).join(MatterRow, MatterRow.matter_id == ClockRow.matter_id)
_IN_DAYS = frozenset({Unit.DAY, Unit.MONTH, Unit.YEAR})


def reckon_clocks(session: Session, now: dt.datetime) -> int:
    """Move provisional ends that the present calendar moves; gives their number.

    At most a batch of them: those that are left come the next time.
    """
    year = rules.terms().calendar.first_provisional(now.astimezone(BEIJING).year)
    known = dt.datetime(year, 1, 2, tzinfo=BEIJING)  # exclusive ends: 31 December ends on 1 January
    query = _OF_MATTER.where(
        ClockRow.provisional,
        ClockRow.ended_at.is_(None),
        ClockRow.due_at < known,
        ClockRow.key.in_(_keys_in_days()),
    ).order_by(ClockRow.due_at, ClockRow.clock_id)
    return _reckon_all(session, _fetch(session, query.limit(BATCH)), now)


def watch_calendar(session: Session, now: dt.datetime) -> None:
    """Arm the sweep when the last one was of another release. Replicas arm the same row."""
    release = rules.terms().calendar.release
    newest = _newest(session)
    if newest is None or newest.payload["release"] != release:
        run = newest.due_id if newest else 0
        record_due(session, CALENDAR, f"{run}/{release}", now, {"release": release, "after": ""})


def sweep_calendar(
    session: Session, key: str, payload: Mapping[str, object], now: dt.datetime
) -> int:
    """Compute a batch of open clocks in days again, arm the next; gives how many moved.

    A replica that still runs another release leaves the row to those that have this one, until
    somebody armed a sweep of another one.
    """
    after, release = str(payload["after"]), str(payload["release"])
    run = key.partition("/")[0]
    if release != rules.terms().calendar.release:
        newest = _newest(session)
        if newest is not None and newest.payload["release"] == release:
            record_due(session, CALENDAR, f"{key}+", now + _LATER, dict(payload))
        return 0
    rows = _open_in_days(session, after)
    moved = _reckon_all(session, rows, now)
    if len(rows) == BATCH:
        last = rows[-1][0].clock_id
        following: dict[str, object] = {"release": release, "after": last}
        record_due(session, CALENDAR, f"{run}/{release}/{last}", now, following)
    return moved


def _newest(session: Session) -> DueRow | None:
    """What was swept last, or is to be."""
    query = select(DueRow).where(DueRow.kind == CALENDAR).order_by(desc(DueRow.due_id))
    return session.scalar(query.limit(1))


def _open_in_days(session: Session, after: str) -> _Rows:
    query = _OF_MATTER.where(
        ClockRow.ended_at.is_(None), ClockRow.clock_id > after, ClockRow.key.in_(_keys_in_days())
    )
    return _fetch(session, query.order_by(ClockRow.clock_id).limit(BATCH))


def _fetch(session: Session, query: Select[ClockRow, MatterRow]) -> _Rows:
    return [(clock, head) for clock, head in session.execute(query)]


def _keys_in_days() -> list[str]:
    """Terms that a calendar can move; one that the table lost keeps the end it has."""
    return sorted({clock.key for clock in rules.clock_table() if clock.unit in _IN_DAYS})


def _reckon_all(session: Session, rows: _Rows, now: dt.datetime) -> int:
    """Move those that the calendar moves; gives their number.

    Terms are those of the matter's region and kind, made once for each of these.
    """
    known: dict[object, Terms] = {}
    moved = 0
    for clock, head in rows:
        there = (head.division, head.industry, head.item, head.level)
        if there not in known:
            known[there] = rules.terms_for(store.head_of(head))
        moved += _reckon(session, clock, known[there], now)
    return moved


def _reckon(session: Session, row: ClockRow, terms: Terms, now: dt.datetime) -> bool:
    """Move one clock; its matter is locked and loaded only when the end is another."""
    one = store.clock_of(row)
    if timing.reckoned_again(one, terms, now) == one:
        return False
    store.lock_family(session, row.matter_id)
    matter = store.load(session, row.matter_id, lock=True)
    clock = next((one for one in matter.clocks if one.clock_id == row.clock_id and one.open), None)
    if clock is None:
        return False
    base = timing.base_of(clock, matter.clocks)
    fresh = timing.reckoned_again(clock, terms, now, base)
    if fresh == clock:
        return False
    attempt = system_attempt(session, matter, now)
    step = steps.reckon(rules.life_cycle(matter.kind), attempt, fresh, terms)
    finish(session, step, attempt)
    return True

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

from sqlalchemy import desc, select
from sqlalchemy.orm import Session

from services.cases import rules, store
from services.cases.app.attempts import system_attempt
from services.cases.app.perform import finish
from services.cases.domain import steps, timing
from services.cases.domain.clocks import Unit
from services.cases.domain.matter import Running
from services.cases.tables import ClockRow
from services.chassis.clock import BEIJING
from services.chassis.due import record_due
from services.chassis.tables import DueRow

CALENDAR = "clock_calendar"
#: Clocks of one transaction: about a second's work when every one of them moves.
BATCH = 500
_LATER = dt.timedelta(minutes=1)
_IN_DAYS = frozenset({Unit.DAY, Unit.MONTH, Unit.YEAR})


def reckon_clocks(session: Session, now: dt.datetime) -> int:
    """Move provisional ends that the present calendar moves; gives their number.

    At most a batch of them: those that are left come the next time.
    """
    year = rules.terms().calendar.first_provisional(now.astimezone(BEIJING).year)
    known = dt.datetime(year, 1, 2, tzinfo=BEIJING)  # exclusive ends: 31 December ends on 1 January
    query = (
        select(ClockRow)
        .where(
            ClockRow.provisional,
            ClockRow.ended_at.is_(None),
            ClockRow.due_at < known,
            ClockRow.key.in_(_keys_in_days()),
        )
        .order_by(ClockRow.due_at, ClockRow.clock_id)
    )
    return sum(_reckon(session, row, now) for row in session.scalars(query.limit(BATCH)).all())


def watch_calendar(session: Session, now: dt.datetime) -> None:
    """Arm the sweep when the last one was of another release. Replicas arm the same row."""
    release = rules.terms().calendar.release
    newest = session.scalar(
        select(DueRow).where(DueRow.kind == CALENDAR).order_by(desc(DueRow.due_id)).limit(1)
    )
    if newest is None or newest.payload["release"] != release:
        run = newest.due_id if newest else 0
        record_due(session, CALENDAR, f"{run}/{release}", now, {"release": release, "after": ""})


def sweep_calendar(
    session: Session, key: str, payload: Mapping[str, object], now: dt.datetime
) -> int:
    """Compute a batch of open clocks in days again, arm the next; gives how many moved.

    A replica that still runs another release leaves the row to those that have this one.
    """
    after, release = str(payload["after"]), str(payload["release"])
    run = key.partition("/")[0]
    if release != rules.terms().calendar.release:
        record_due(session, CALENDAR, f"{key}+", now + _LATER, dict(payload))
        return 0
    rows = _open_in_days(session, after)
    moved = sum(_reckon(session, row, now) for row in rows)
    if len(rows) == BATCH:
        last = rows[-1].clock_id
        following: dict[str, object] = {"release": release, "after": last}
        record_due(session, CALENDAR, f"{run}/{release}/{last}", now, following)
    return moved


def _open_in_days(session: Session, after: str) -> Sequence[ClockRow]:
    query = select(ClockRow).where(
        ClockRow.ended_at.is_(None), ClockRow.clock_id > after, ClockRow.key.in_(_keys_in_days())
    )
    return session.scalars(query.order_by(ClockRow.clock_id).limit(BATCH)).all()


def _keys_in_days() -> list[str]:
    """Terms that a calendar can move; one that the table lost keeps the end it has."""
    return sorted({clock.key for clock in rules.clock_table() if clock.unit in _IN_DAYS})


def _reckon(session: Session, row: ClockRow, now: dt.datetime) -> bool:
    """Move one clock; its matter is locked and loaded only when the end is another."""
    if not _differs(store.clock_of(row), (), now):
        return False
    store.lock_family(session, row.matter_id)
    matter = store.load(session, row.matter_id, lock=True)
    clock = next((one for one in matter.clocks if one.clock_id == row.clock_id and one.open), None)
    if clock is None or not _differs(clock, matter.clocks, now):
        return False
    fresh = _again(clock, matter.clocks, now)
    attempt = system_attempt(session, matter, now)
    step = steps.reckon(rules.life_cycle(matter.kind), attempt, fresh, rules.terms())
    finish(session, step, attempt)
    return True


def _again(clock: Running, clocks: Sequence[Running], now: dt.datetime) -> Running:
    return timing.reckoned_again(clock, rules.terms(), now, timing.base_of(clock, clocks))


def _differs(clock: Running, clocks: Sequence[Running], now: dt.datetime) -> bool:
    """Whether the present calendar says something else; by itself where no others are given."""
    return _again(clock, clocks, now) != clock

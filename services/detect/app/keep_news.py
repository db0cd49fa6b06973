"""Keeps what judging rests on beside readings, and notes which outlets have to be judged again.

An event may reach any replica, a partition has one owner: so handlers only write rows, which the
owner works off (`work_off`). Rows and inbox entry commit together; repetition and order of events
do not matter, since the rows say "from this hour on" and judging is a function of what is stored.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.chassis.clock import BEIJING, from_timestamp
from services.chassis.errors import InputRejected
from services.chassis.log import get_logger
from services.chassis.partition import partition_of
from services.chassis.pb.detect.v1 import pack_pb2
from services.chassis.pb.ingest.v1 import mark_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import apply_records
from services.chassis.tables import ReplicaRow
from services.detect import judgement_store, mark_wire
from services.detect.app.directory import KINDS
from services.detect.judgement.periods import first_hour
from services.detect.judgement_tables import RejudgeRow

log = get_logger(__name__)

#: Back-fill comes in many batches; a frozen day is judged again when they had time to come.
BACKFILL_PATIENCE = timedelta(seconds=60)


def keep_records(
    session: Session, records: Iterable[registry_pb2.Record], partitions: int, now: datetime
) -> int:
    """Keep the registry copy; outlets whose limits or facts came are judged again (reason limit).

    From which day on follows from the limits in force: what is not changed by the news comes to the
    same judgement and gives no revision.
    """
    news = list(records)
    outlets: set[str] = set()
    plants: set[str] = set()
    for record in news:
        if record.kind == registry_pb2.RECORD_KIND_OUTLET:
            outlets.add(record.key)
        elif record.kind == registry_pb2.RECORD_KIND_LIMIT:
            outlets.add(record.limit.outlet_id)
        elif record.kind == registry_pb2.RECORD_KIND_ENTERPRISE:
            plants.add(record.key)
    kept = apply_records(session, news, KINDS)
    if kept:
        outlets |= _outlets_of(session, plants)
        ask(session, dict.fromkeys(outlets - {""}, 0), "limit", partitions, now)
    return kept


def keep_marks(
    session: Session, records: Iterable[mark_pb2.MarkRecord], partitions: int, now: datetime
) -> int:
    """标记: keep revisions and decisions; their outlets are judged again from the first hour on.

    Gives the outlets. Raises InputRejected for a record that can't be one.
    """
    rows = [mark_wire.mark_row(record) for record in records]
    since = judgement_store.save_marks(session, rows)
    decided = {row.outlet_id for row in rows if row.decided_us}
    for reason, mine in (
        ("objection", {o: h for o, h in since.items() if o in decided}),
        ("mark", {o: h for o, h in since.items() if o not in decided}),
    ):
        ask(session, mine, reason, partitions, now)
    return len(since)


def freeze_day(session: Session, event: mark_pb2.DayFrozen) -> bool:
    """冻结: note the day; the owner of each partition then judges it for all its outlets.

    Raises InputRejected for a text that is no day.
    """
    try:
        day = dt.date.fromisoformat(event.day)
    except ValueError as error:
        raise InputRejected(f"not a day: {event.day!r}") from error
    return judgement_store.freeze(session, day, from_timestamp(event.frozen_at))


def keep_snapshot(
    session: Session, page: mark_pb2.MarkSnapshotResponse, partitions: int, now: datetime
) -> int:
    """Keep a page of all marks that ingest knows, and the day up to which they are frozen."""
    if page.frozen_day:
        day = dt.date.fromisoformat(page.frozen_day)
        noon = datetime.combine(day + timedelta(days=1), dt.time(12), BEIJING)
        judgement_store.freeze(session, day, noon)
    return keep_marks(session, page.records, partitions, now)


def note_activation(
    session: Session, event: pack_pb2.PackActivated, partitions: int, now: datetime
) -> int:
    """启用: all outlets are judged again from the first day that the newest decision applies to.

    A roll-back names a pack that judged before too: only its newest decision is news.
    """
    newest = max(event.timeline, key=lambda one: one.activated_at.ToNanoseconds(), default=None)
    since = first_hour(dt.date.fromisoformat(newest.applies_from)) if newest else 0
    query = select(ReplicaRow.key).where(
        ReplicaRow.kind == registry_pb2.RECORD_KIND_OUTLET, ~ReplicaRow.deleted
    )
    outlets = list(session.scalars(query))
    ask(session, dict.fromkeys(outlets, since), "pack", partitions, now)
    log.info("pack_rejudges", pack=event.pack.pack_id, outlets=len(outlets), since_hour=since)
    return len(outlets)


def ask(
    session: Session,
    since: Mapping[str, int],
    reason: str,
    partitions: int,
    now: datetime,
    *,
    begun: bool = False,
) -> None:
    """Note that outlets are to be judged again, each from an hour on.

    A back-fill waits until it is probably over; work that has `begun` goes on at once.
    """
    due = now + (BACKFILL_PATIENCE if reason == "backfill" and not begun else timedelta())
    rows = [
        RejudgeRow(
            outlet_id=outlet_id,
            reason=reason,
            partition=partition_of(outlet_id, partitions),
            since_hour=hour,
            requested_at=now,
            due_at=due,
        )
        for outlet_id, hour in since.items()
    ]
    judgement_store.request_rejudge(session, rows)


def _outlets_of(session: Session, plants: set[str]) -> set[str]:
    """Outlets of enterprises, by the credit code that their ids begin with."""
    if not plants:
        return set()
    code = func.split_part(ReplicaRow.key, "-", 1)
    query = select(ReplicaRow.key).where(
        ReplicaRow.kind == registry_pb2.RECORD_KIND_OUTLET, code.in_(sorted(plants))
    )
    return set(session.scalars(query))

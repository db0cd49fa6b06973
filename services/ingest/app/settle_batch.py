"""批次入库: a reading batch into archive, ledger, readings and balance, in one transaction.

The raw bytes are on disk before the transaction begins to commit; a crash between leaves bytes that
no ledger row refers to. The inbox row commits with everything else, so a batch that comes again
changes nothing.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from gmssl_pyx import sm3_hash
from sqlalchemy.orm import Session

from services.chassis.clock import Now, from_unix, utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.inbox import first_time
from services.chassis.outbox import record_event
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest import completeness_store, ledger_store, store, wire
from services.ingest.app.keep_checks import keep_checks
from services.ingest.app.retired import Retired
from services.ingest.app.tally_pushes import tally_pushes
from services.ingest.archive import Archive
from services.ingest.domain import balance
from services.ingest.domain.completeness import arrived_after_closing
from services.ingest.domain.ledger import (
    ACCEPTED,
    DUPLICATE,
    REFUSED,
    FrameRecord,
    Place,
    arrival_hour,
)
from services.ingest.domain.readings import (
    RECEIVED,
    Key,
    Reading,
    ValueSet,
    compare,
    split_by_key,
)
from services.ingest.parquet_files import ParquetFiles
from services.ingest.rules import completeness_rules
from services.ingest.tables import HeadRow


@dataclass
class Settled:
    """What a batch came to: frames by outcome and deviating values."""

    frames: dict[str, int] = field(default_factory=dict)
    conflicts: int = 0
    repeated: bool = False  # the whole batch was here before


class SettleBatch:
    """The use case, with what it needs."""

    def __init__(
        self,
        database: Database,
        archive: Archive,
        *,
        files: ParquetFiles | None = None,
        now: Now = utc_now,
    ) -> None:
        self._database = database
        self._retired = Retired(files)
        self._archive = archive
        self._days = store.Days(database)
        self._now = now

    def __call__(self, batch: pb.ReadingBatch, consumer: str) -> Settled:
        """Settle a batch once for `consumer`. Raises InputRejected for a batch that is damaged."""
        frames = [wire.frame_from(frame) for frame in batch.frames]
        for frame in frames:
            if sm3_hash(frame.raw) != frame.sm3:
                raise InputRejected(f"batch {batch.batch_id}: a frame does not match its SM3")
        readings = wire.readings_from(batch, frames)
        now = self._now()
        places = self._archive.append(batch.partition, [frame.raw for frame in frames], now)
        spans = {(reading.key.kind, reading.key.data_time.date()) for reading in readings}
        self._days.ensure_readings(spans, now)
        with self._database.transaction() as session:
            if not first_time(session, consumer, batch.batch_id):
                return Settled(repeated=True)
            head = ledger_store.lock_head(session, batch.partition)
            self._retired.fetch_back(session, readings, now)
            outcomes = [frame.outcome for frame in frames]
            conflicts = _store_readings(session, head, readings, outcomes, now)
            keep_checks(session, batch.frames)
            self._append_ledger(session, head, frames, outcomes, places)
            _count(session, batch, frames, outcomes)
            newest = max((frame.received_at for frame in frames), default=now)
            completeness_store.note_settled(session, batch.partition, newest, now)
        words = {word: outcomes.count(word) for word in (ACCEPTED, DUPLICATE, REFUSED)}
        return Settled(words, conflicts)

    def _append_ledger(
        self,
        session: Session,
        head: HeadRow,
        frames: list[FrameRecord],
        outcomes: list[str],
        places: list[Place],
    ) -> None:
        now, last = self._now(), head.last_hour
        entries: list[ledger_store.Entry] = []
        for frame, outcome, place in zip(frames, outcomes, places, strict=True):
            last = arrival_hour(frame.received_at, now, last)
            leaf = head.next_leaf + len(entries)
            sha256 = hashlib.sha256(frame.raw).digest()
            entries.append((leaf, last, frame, outcome, place, sha256))
        # A table of its own transaction; made here because the hour depends on the locked head.
        self._days.ensure("ledger", {hour for _, hour, *_ in entries}, now)
        ledger_store.append_entries(session, head.part, entries)
        head.next_leaf += len(entries)
        head.last_hour = last


def _store_readings(
    session: Session, head: HeadRow, readings: list[Reading], outcomes: list[str], now: datetime
) -> int:
    """Store first values, keep versions; frames that bring nothing new become duplicates."""
    part, first_leaf = head.part, head.next_leaf
    came = [reading for reading in readings if reading.state == RECEIVED]
    firsts, later = split_by_key(came)
    stored = store.insert_readings(session, firsts, part, first_leaf)
    late = arrived_after_closing(firsts, stored, now, completeness_rules())
    completeness_store.note_late(session, late)
    waiting = [reading for reading in firsts if reading.key not in stored] + later
    present = store.lock_readings(session, [reading.key for reading in waiting])
    conflicts = 0
    for reading in waiting:
        leaf = first_leaf + reading.frame
        added, versions = _add_later(session, present, reading, part, leaf)
        conflicts += versions
        if not added and not versions:
            outcomes[reading.frame] = DUPLICATE
    for reading in readings:
        if reading.state != RECEIVED:
            leaf = first_leaf + reading.frame
            if not _add_beside(session, reading, part, leaf):
                outcomes[reading.frame] = DUPLICATE
    return conflicts


def _add_later(
    session: Session,
    present: dict[Key, dict[str, ValueSet]],
    reading: Reading,
    part: int,
    leaf: int,
) -> tuple[int, int]:
    """Add what a later reading brings; gives how many factors and versions were new."""
    values = present[reading.key]
    result = compare(values, reading.values)
    if result.added:
        values.update(result.added)
        store.replace_values(session, reading, values, result.added)
    versions = 0
    for deviation in result.deviations:
        number = _add_version(session, reading, deviation.factor, part=part, leaf=leaf)
        if number:
            record_event(session, wire.conflict_message(reading, deviation, number))
            versions += 1
    return len(result.added), versions


def _add_beside(session: Session, reading: Reading, part: int, leaf: int) -> int:
    """Keep corrected or exempted values beside what was received; gives how many were new.

    They are a platform's statement, not an alteration signal: no event, and never the first value.
    """
    new = [
        _add_version(session, reading, factor, part=part, leaf=leaf) for factor in reading.values
    ]
    return sum(number > 0 for number in new)


def _add_version(session: Session, reading: Reading, factor: str, *, part: int, leaf: int) -> int:
    """Keep a value as a further version; gives its number, 0 where it is known already."""
    known = store.versions_of(session, reading.key, factor)
    later = reading.values[factor]
    if any(state == reading.state and later.same_as(one) for state, one in known):
        return 0
    number = len(known) + 1
    store.add_version(session, reading, factor, number, part=part, leaf=leaf)
    return number


def _count(
    session: Session, batch: pb.ReadingBatch, frames: list[FrameRecord], outcomes: list[str]
) -> None:
    """Add to the balance: what came, from the message itself, and what became of it."""
    came = [
        balance.Account(
            balance.owner_of(frame.outlet_id, frame.peer),
            balance.hour_of(from_unix(frame.received_at_us / 1e6)),
        )
        for frame in batch.frames
    ]
    settled = [
        balance.Account(
            balance.owner_of(frame.outlet_id, frame.peer), balance.hour_of(frame.received_at)
        )
        for frame in frames
    ]
    words = [
        balance.refused(frame.reason) if outcome == REFUSED else outcome
        for frame, outcome in zip(frames, outcomes, strict=True)
    ]
    counts = balance.tally(came, [balance.RECEIVED] * len(came))
    counts.update(balance.tally(settled, words))
    store.add_to_balance(session, counts)
    tally_pushes(session, zip((frame.peer for frame in frames), words, strict=True))

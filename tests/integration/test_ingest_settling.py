"""Batches into archive, ledger, readings and balance, on a real PostgreSQL."""

import errno
import hashlib
import os
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from math import nan
from pathlib import Path

import pytest
from gmssl_pyx import sm3_hash
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError

from services.chassis.db import Database
from services.chassis.errors import InputRejected, NotFound
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.tables import OutboxRow
from services.ingest import ledger_store, store
from services.ingest.app.freeze_frames import freeze_frames
from services.ingest.app.get_balance import get_balance
from services.ingest.app.get_readings import get_readings
from services.ingest.app.seal_hours import seal_hours
from services.ingest.app.settle_batch import SettleBatch, Settled
from services.ingest.archive import Archive
from services.ingest.domain.balance import open_difference
from services.ingest.domain.ledger import Place, chain_hash
from services.ingest.domain.merkle import leaf_hash, node_hash
from services.ingest.gate.columns import BatchBuilder
from services.ingest.hj212.messages import FactorValues
from services.ingest.tables import LedgerRow, ReadingRow

NOW = datetime(2026, 11, 22, 3, 20, tzinfo=UTC)
HOUR = datetime(2026, 11, 22, 2, tzinfo=UTC)
QUEUE = "ingest.readings.p0"


class Bench:
    """A database, an archive and the use case; every test gets outlets of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.database = Database(url, "ingest")
        self.archive = Archive(folder, "test")
        self.now = NOW
        self.settle = SettleBatch(self.database, self.archive, now=lambda: self.now)
        self.outlet = f"91130400TEST{uuid.uuid4().hex[:6].upper()}-DA001"
        self.mn = uuid.uuid4().hex[:24].upper()

    def frame(self, raw: bytes = b"", **fields: object) -> pb.Frame:
        """An accepted hour frame of this bench's logger."""
        raw = raw or uuid.uuid4().bytes
        values: dict[str, object] = {
            "mn": self.mn,
            "outlet_id": self.outlet,
            "cn": "2061",
            "qn": "20261122110000000",
            "data_time_s": int(HOUR.timestamp()),
            "outcome": pb.OUTCOME_ACCEPTED,
            "raw": raw,
            "sm3": sm3_hash(raw),
            "received_at_us": int(NOW.timestamp() * 1e6),
            "peer": "10.0.0.9:4711",
            "raw_size": len(raw),
        }
        return pb.Frame(**{**values, **fields})  # type: ignore[arg-type]

    def batch(self, *frames: tuple[pb.Frame, list[FactorValues]], part: int = 0) -> pb.ReadingBatch:
        """Frames with their values, as the gate gathers them."""
        builder = BatchBuilder(part, "gate")
        for frame, values in frames:
            builder.add(frame, values, None)
        return builder.seal()

    def run(self, *frames: tuple[pb.Frame, list[FactorValues]], part: int = 0) -> Settled:
        """Settle a new batch of these frames."""
        return self.settle(self.batch(*frames, part=part), QUEUE)

    def counts(self) -> dict[str, int]:
        """The balance of this bench's outlet by word."""
        with self.database.transaction() as session:
            day = NOW.replace(hour=0)
            return get_balance(session, day, day + timedelta(days=1), [self.outlet]).total

    def readings(self, **options: bool) -> list[tuple[str, float, int]]:
        """(factor, value, version) that history gives for the hour."""
        with self.database.transaction() as session:
            found = get_readings(
                session, self.outlet, 3, HOUR, HOUR + timedelta(hours=1), **options
            )
        return [(factor, values.value, version) for factor, _, values, version in found]

    def rows(self, table: type) -> int:
        """Rows of this bench's outlet in a table."""
        with self.database.transaction() as session:
            query = select(func.count()).select_from(table).where(table.outlet_id == self.outlet)
            return session.scalar(query) or 0


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path) -> Bench:
    """A bench on this module's database."""
    return Bench(migrated_db("ingest"), tmp_path / "archive")


def so2(value: float, flag: str = "N", code: str = "a21026") -> list[FactorValues]:
    """One factor."""
    return [FactorValues(code, value=value, min=value - 1, max=value + 1, cou=nan, flag=flag)]


def test_accepted_frame_is_stored_with_ledger_and_balance(bench: Bench):
    """One frame: a reading, a ledger row with both digests, and a closed balance."""
    frame = bench.frame(b"##raw frame 1")
    settled = bench.run((frame, so2(31.5) + so2(6.0, "C", "a19001")))

    assert settled.frames == {"accepted": 1, "duplicate": 0, "refused": 0}
    assert bench.readings() == [("a21026", 31.5, 0), ("a19001", 6.0, 0)]
    with bench.database.transaction() as session:
        row = session.scalars(select(LedgerRow).where(LedgerRow.outlet_id == bench.outlet)).one()
        assert row.sm3 == sm3_hash(b"##raw frame 1")
        assert row.sha256 == hashlib.sha256(b"##raw frame 1").digest()
        block = bench.archive.read_block(row.segment, row.block_offset, row.block_size)
    assert block[row.byte_offset :][: row.size] == b"##raw frame 1"
    assert bench.counts() == {"received": 1, "accepted": 1}


def test_redelivered_batch_changes_nothing(bench: Bench):
    """The same batch twice: one row everywhere, counts unchanged, repeated said."""
    batch = bench.batch((bench.frame(), so2(1.0)))

    first, second = bench.settle(batch, QUEUE), bench.settle(batch, QUEUE)

    assert (first.repeated, second.repeated) == (False, True)
    assert (bench.rows(ReadingRow), bench.rows(LedgerRow)) == (1, 1)
    assert bench.counts() == {"received": 1, "accepted": 1}


def test_crash_between_archive_and_commit_leaves_one_of_everything(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    """The transaction dies after the bytes are on disk; the redelivery stores the batch once."""
    batch = bench.batch((bench.frame(b"frame before the crash"), so2(1.0)))

    class Crash(Exception):
        pass

    def die(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(ledger_store, "append_entries", die)
        with pytest.raises(Crash):
            bench.settle(batch, QUEUE)
    assert bench.rows(ReadingRow) == 0
    bench.settle(batch, QUEUE)

    assert (bench.rows(ReadingRow), bench.rows(LedgerRow)) == (1, 1)
    assert bench.counts() == {"received": 1, "accepted": 1}
    with bench.database.transaction() as session:
        row = session.scalars(select(LedgerRow).where(LedgerRow.outlet_id == bench.outlet)).one()
        assert row.block_offset > 0  # behind the orphan that the crash left
        block = bench.archive.read_block(row.segment, row.block_offset, row.block_size)
    assert block == b"frame before the crash"


def test_the_same_values_again_are_a_duplicate(bench: Bench):
    """A logger that was reconnected sends the hour again: kept in the ledger, stored once."""
    bench.run((bench.frame(), so2(1.0)))
    settled = bench.run((bench.frame(qn="2"), so2(1.0)))

    assert settled.frames == {"accepted": 0, "duplicate": 1, "refused": 0}
    assert (bench.rows(ReadingRow), bench.rows(LedgerRow)) == (1, 2)
    assert bench.counts() == {"received": 2, "accepted": 1, "duplicate": 1}


def test_same_key_twice_in_one_batch(bench: Bench):
    """Duplicates inside a batch are found too."""
    settled = bench.run((bench.frame(), so2(1.0)), (bench.frame(), so2(1.0)))

    assert settled.frames == {"accepted": 1, "duplicate": 1, "refused": 0}
    assert bench.readings() == [("a21026", 1.0, 0)]


def test_another_value_is_kept_as_a_version_and_told(bench: Bench):
    """First value stays; each new deviating value is a version and one event."""
    bench.run((bench.frame(), so2(90.0)))
    first = bench.run((bench.frame(), so2(30.0)))
    again = bench.run((bench.frame(), so2(30.0)))
    third = bench.run((bench.frame(), so2(30.0, "D")))

    assert [s.conflicts for s in (first, again, third)] == [1, 0, 1]
    assert again.frames["duplicate"] == 1
    assert bench.readings() == [("a21026", 90.0, 0)]
    assert bench.readings(with_versions=True) == [
        ("a21026", 90.0, 0),
        ("a21026", 30.0, 1),
        ("a21026", 30.0, 2),
    ]
    events = conflicts_of(bench)
    assert [(e.first_value, e.later_value, e.version, e.later_flag) for e in events] == [
        (90.0, 30.0, 1, "N"),
        (90.0, 30.0, 2, "D"),
    ]


def conflicts_of(bench: Bench) -> list[pb.ReadingConflict]:
    """Conflict events of this bench's outlet that wait in the outbox."""
    with bench.database.transaction() as session:
        rows = session.scalars(select(OutboxRow).order_by(OutboxRow.outbox_id))
        events = [pb.ReadingConflict.FromString(row.body) for row in rows]
    return [event for event in events if event.outlet_id == bench.outlet]


def test_split_packets_add_up_to_one_reading(bench: Bench):
    """Two packets of one upload bring different factors of the same key; neither is a duplicate."""
    one = bench.run((bench.frame(), so2(1.0)))
    two = bench.run((bench.frame(), so2(2.0, code="a21002")))

    assert one.frames["accepted"] == two.frames["accepted"] == 1
    assert bench.readings() == [("a21026", 1.0, 0), ("a21002", 2.0, 0)]
    assert bench.rows(ReadingRow) == 1


def test_values_that_are_no_number_keep_their_text(bench: Bench):
    """The odd text is stored; the same text again is a duplicate, another one a version."""
    odd = [FactorValues("a21026", flag="D", odd={"value": "---"})]
    bench.run((bench.frame(), odd))
    repeated = bench.run((bench.frame(), odd))
    changed = bench.run((bench.frame(), so2(1.0)))

    assert repeated.frames["duplicate"] == 1
    assert changed.conflicts == 1
    with bench.database.transaction() as session:
        row = session.scalars(select(ReadingRow).where(ReadingRow.outlet_id == bench.outlet)).one()
        assert row.odd == {"a21026": {"value": "---"}}


def test_refused_frames_are_kept_and_counted_by_reason(bench: Bench):
    """Raw bytes and reason in the ledger; no reading; the balance closes."""
    bench.run(
        (bench.frame(outcome=pb.OUTCOME_REFUSED, reason="crc"), []),
        (bench.frame(outcome=pb.OUTCOME_REFUSED, reason="future_time"), []),
        (bench.frame(outcome=pb.OUTCOME_DUPLICATE), []),
        (bench.frame(), so2(1.0)),
    )

    counts = bench.counts()
    assert counts == {
        "received": 4,
        "accepted": 1,
        "duplicate": 1,
        "refused:crc": 1,
        "refused:future_time": 1,
    }
    assert open_difference(counts) == 0


def test_lost_outcome_would_show_in_the_balance(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """`received` is counted apart: an outcome that is not counted leaves a difference."""
    from services.ingest.app import settle_batch

    tally = settle_batch.balance.tally
    monkeypatch.setattr(
        settle_batch.balance,
        "tally",
        lambda accounts, words: tally(
            [a for a, w in zip(accounts, words, strict=True) if w != "accepted"],
            [w for w in words if w != "accepted"],
        ),
    )
    bench.run((bench.frame(), so2(1.0)))

    assert open_difference(bench.counts()) == 1


def test_frames_without_an_outlet_are_accounted_to_their_peer(bench: Bench):
    """Garbage from an address: counted for the address, not for nobody."""
    peer = f"peer-{uuid.uuid4().hex}:9"
    bench.run(
        (
            bench.frame(
                outlet_id="", mn="", outcome=pb.OUTCOME_REFUSED, reason="header", peer=peer
            ),
            [],
        )
    )

    with bench.database.transaction() as session:
        owner = f"peer:{peer.removesuffix(':9')}"
        counts = get_balance(session, NOW - timedelta(hours=1), NOW, [owner]).total
    assert counts == {"received": 1, "refused:header": 1}


def test_damaged_batches_are_rejected_for_good(bench: Bench):
    """A frame that does not match its digest, columns of different length: no retry can heal it."""
    wrong_digest = bench.batch((bench.frame(sm3=b"\0" * 32), []))
    short_column = bench.batch((bench.frame(), so2(1.0)))
    short_column.value = b""

    for batch in (wrong_digest, short_column):
        with pytest.raises(InputRejected):
            bench.settle(batch, QUEUE)
    assert bench.rows(LedgerRow) == 0


def test_text_that_postgresql_cannot_hold_does_not_block_the_partition(bench: Bench):
    """A NUL in a received name would make every retry fail."""
    settled = bench.run((bench.frame(qn="1\0"), so2(1.0, code="a\0b")))

    assert settled.frames["accepted"] == 1
    assert bench.readings() == [("a\N{REPLACEMENT CHARACTER}b", 1.0, 0)]


@pytest.mark.parametrize("year", [1970, 2000, 2024, 9999])
def test_any_data_time_finds_a_table(bench: Bench, year: int):
    """A dead clock's year goes to the table of odd times and makes no table of its own."""
    moment = datetime(year, 1, 2, tzinfo=UTC)
    bench.run((bench.frame(data_time_s=int(moment.timestamp())), so2(1.0)))

    with bench.database.transaction() as session:
        place = session.scalar(
            text("SELECT tableoid::regclass::text FROM reading WHERE outlet_id = :o"),
            {"o": bench.outlet},
        )
    assert place == "reading_other"


def test_readings_of_a_recent_day_lie_in_the_day_s_table(bench: Bench):
    """Daily range partitions are made as needed."""
    bench.run((bench.frame(), so2(1.0)))

    with bench.database.transaction() as session:
        place = session.scalar(
            text("SELECT tableoid::regclass::text FROM reading WHERE outlet_id = :o"),
            {"o": bench.outlet},
        )
    assert place == "reading_20261122"


def test_evidence_cannot_be_changed_by_the_service(bench: Bench):
    """The role may add to ledger and versions, not change them; not by a day's table either."""
    bench.run((bench.frame(), so2(1.0)))

    for table in ("ledger", "ledger_20261122", "reading_version", "ledger_seal"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            bench.database.transaction() as session,
        ):
            session.execute(text(f"DELETE FROM {table}"))


def test_hour_is_sealed_once_it_is_over_and_late_frames_go_on(bench: Bench):
    """Leaves of an hour stand under one root; the chain links seals; later frames join the next."""
    part = 3
    raws = [b"leaf %d" % n for n in range(5)]
    bench.run(*((bench.frame(raw), []) for raw in raws[:3]), part=part)
    assert [s for s in seal_hours(bench.database, now=lambda: NOW) if s.part == part] == []

    bench.now = NOW + timedelta(hours=1)
    (first,) = [s for s in seal_hours(bench.database, now=lambda: bench.now) if s.part == part]
    bench.run(*((bench.frame(raw), []) for raw in raws[3:]), part=part)  # arrived in the old hour
    later = bench.now + timedelta(hours=1)
    (second,) = [s for s in seal_hours(bench.database, now=lambda: later) if s.part == part]

    leaves = [leaf_hash(bytes(sm3_hash(raw))) for raw in raws]
    assert first.root == node_hash(node_hash(leaves[0], leaves[1]), leaves[2])
    assert (first.first_leaf, first.size, second.first_leaf, second.size) == (0, 3, 3, 2)
    assert second.previous_seal_id == first.seal_id
    assert second.chain == chain_hash(first.chain, second.root)


def test_frozen_frames_prove_their_place(bench: Bench):
    """A referral gets raw bytes, digests and a proof for each frame, sealing what is still open."""
    raws = [b"evidence %d" % n for n in range(7)]
    for n, raw in enumerate(raws):
        time_s = int((HOUR + timedelta(hours=n)).timestamp())
        bench.run((bench.frame(raw, data_time_s=time_s), so2(float(n))), part=5)

    with bench.database.transaction() as session:
        span = freeze_frames(
            session, bench.archive, bench.outlet, HOUR, HOUR + timedelta(hours=6), limit=100
        )

    assert [one.record.raw for one in span.frames] == raws[:6]
    assert not span.truncated
    for one in span.frames:
        assert proof_holds(one)
    (seal,) = span.seals
    assert seal.size == 7


def proof_holds(one: object) -> bool:
    """RFC 9162 section 2.1.3.2, from the proof's own values only."""
    leaf = leaf_hash(bytes(sm3_hash(one.record.raw)))
    node, last, digest = one.leaf - one.seal.first_leaf, one.seal.size - 1, leaf
    for sibling in one.proof:
        if node & 1 or node == last:
            digest = node_hash(sibling, digest)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and digest == one.seal.root


def test_limit_cuts_a_frozen_span_and_says_so(bench: Bench):
    """Truncation is told, never silent."""
    bench.run(*((bench.frame(), []) for _ in range(3)))

    with bench.database.transaction() as session:
        span = freeze_frames(
            session, bench.archive, bench.outlet, HOUR, HOUR + timedelta(hours=1), limit=2
        )
    assert (len(span.frames), span.truncated) == (2, True)


def test_archive_that_lost_bytes_is_noticed(bench: Bench, tmp_path: Path):
    """A segment changed on disk no longer matches its digests."""
    bench.run((bench.frame(b"honest"), []))
    (segment,) = (tmp_path / "archive").rglob("*.zst")
    forged = Archive(tmp_path / "forged", "x")
    forged.append(0, [b"forged"], NOW)
    (other,) = (tmp_path / "forged").rglob("*.zst")
    segment.write_bytes(other.read_bytes())

    with pytest.raises(NotFound), bench.database.transaction() as session:
        freeze_frames(session, bench.archive, bench.outlet, HOUR, NOW, limit=9)


def test_archive_starts_a_new_segment_when_one_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Segments are bounded; every place still reads back."""
    monkeypatch.setattr("services.ingest.archive.SEGMENT_BYTES", 10)
    archive = Archive(tmp_path, "w")
    places = [archive.append(1, [b"a" * n, b"b"], NOW) for n in range(1, 4)]

    assert len({place.segment for pair in places for place in pair}) == 3
    for n, (first, second) in enumerate(places, 1):
        block = archive.read_block(first.segment, first.block_offset, first.block_size)
        assert span(block, first) == b"a" * n
        assert span(block, second) == b"b"
    with pytest.raises(NotFound):
        archive.read_block("p1/none.zst", 0, 1)


def test_failed_write_shifts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A full disk in the middle of a block: the next block still reads back from its place."""
    archive = Archive(tmp_path, "w")
    pwrite = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        pwrite(descriptor, data[:3], offset)
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="full"):
            archive.append(0, [b"lost" * 50], NOW)
    (place,) = archive.append(0, [b"kept"], NOW)

    assert archive.read_block(place.segment, place.block_offset, place.block_size) == b"kept"


def test_two_writers_of_one_process_do_not_mix(tmp_path: Path):
    """A batch redelivered while its first worker still waits for the disk has its own span."""
    archive = Archive(tmp_path, "w")
    archive.append(0, [b"first"], NOW)  # the segment is open
    with ThreadPoolExecutor(8) as threads:
        raws = [b"%d" % number * 500 for number in range(64)]
        places = list(threads.map(lambda raw: archive.append(0, [raw], NOW)[0], raws))

    for raw, place in zip(raws, places, strict=True):
        assert archive.read_block(place.segment, place.block_offset, place.block_size) == raw


def span(block: bytes, place: Place) -> bytes:
    """A frame's bytes inside its block."""
    return block[place.byte_offset : place.byte_offset + place.size]


def test_history_refuses_a_span_that_is_too_long(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """An answer is bounded; the caller is told to ask for less."""
    monkeypatch.setattr("services.ingest.app.get_readings.ROWS", 1)
    for hour in range(2):
        time_s = int((HOUR + timedelta(hours=hour)).timestamp())
        bench.run((bench.frame(data_time_s=time_s), so2(1.0)))

    with bench.database.transaction() as session, pytest.raises(InputRejected):
        get_readings(session, bench.outlet, 3, HOUR, HOUR + timedelta(days=1))


def test_long_balance_lists_the_newest_and_sums_all(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """A bounded answer still tells the whole total."""
    monkeypatch.setattr("services.ingest.app.get_balance.ROWS", 3)
    bench.run((bench.frame(received_at_us=int(HOUR.timestamp() * 1e6)), so2(1.0)))
    bench.run((bench.frame(), so2(2.0, code="a21002")))

    with bench.database.transaction() as session:
        found = get_balance(session, HOUR, NOW, [bench.outlet])
    assert found.rows == {(bench.outlet, NOW.replace(minute=0)): {"received": 1, "accepted": 1}}
    assert found.total == {"received": 2, "accepted": 2}


def test_a_day_s_table_is_made_once_by_many_batches_at_once(bench: Bench):
    """Eight partitions need the same new days at the same moment: no error, no retry."""
    moments = [NOW - timedelta(days=200 + n) for n in range(12)]

    def make(_: int) -> None:
        store.Days(bench.database).ensure("reading", moments, NOW)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make, range(8)))
    with bench.database.transaction() as session:
        names = [f"reading_{moment:%Y%m%d}" for moment in moments]
        query = text("SELECT count(*) FROM pg_tables WHERE tablename = ANY(:names)")
        assert session.scalar(query, {"names": names}) == len(moments)

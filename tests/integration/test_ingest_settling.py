"""Batches into readings, versions and balance, on a real PostgreSQL."""

import hashlib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from gmssl_pyx import sm3_hash
from sqlalchemy import select, text

from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.tables import OutboxRow
from services.ingest import ledger_store, store
from services.ingest.app.get_balance import get_balance
from services.ingest.app.get_readings import get_readings
from services.ingest.domain.balance import open_difference
from services.ingest.hj212.messages import FactorValues
from services.ingest.tables import LedgerRow, ReadingRow
from tests.integration.settling_bench import HOUR, NOW, QUEUE, Bench, so2


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path) -> Bench:
    """A bench on this module's database."""
    return Bench(migrated_db("ingest"), tmp_path / "archive")


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
    assert place == "reading_hour_other"


def test_readings_lie_in_the_table_of_their_kind_and_day_or_month(bench: Bench):
    """A day's table for real time and minutes, a month's for hours and days, made as needed."""
    for cn in ("2011", "2051", "2061", "2031"):
        bench.run((bench.frame(cn=cn), so2(1.0)))

    with bench.database.transaction() as session:
        places = session.scalars(
            text("SELECT tableoid::regclass::text FROM reading WHERE outlet_id = :o ORDER BY kind"),
            {"o": bench.outlet},
        )
        assert list(places) == [
            "reading_realtime_20261122",
            "reading_minute_20261122",
            "reading_hour_202611",
            "reading_day_202611",
        ]


def test_history_refuses_a_span_that_is_too_long(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """An answer is bounded; the caller is told to ask for less."""
    monkeypatch.setattr("services.ingest.app.get_readings.ROWS", 1)
    for hour in range(2):
        time_s = int((HOUR + timedelta(hours=hour)).timestamp())
        bench.run((bench.frame(data_time_s=time_s), so2(1.0)))

    with bench.database.transaction() as session, pytest.raises(InputRejected):
        get_readings(session, bench.outlet, 3, HOUR, HOUR + timedelta(days=1))


def test_long_balance_comes_in_pages_and_sums_all(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    """A bounded answer still tells the whole total, and where to go on."""
    monkeypatch.setattr("services.ingest.app.get_balance.ROWS", 3)
    for hours in (2, 1, 0):
        came = int((NOW - timedelta(hours=hours)).timestamp() * 1e6)
        bench.run((bench.frame(received_at_us=came), so2(1.0)))
    start, hours, page = NOW - timedelta(hours=3), [], ""

    for _ in range(3):
        with bench.database.transaction() as session:
            found = get_balance(session, start, NOW, [bench.outlet], page=page)
        assert found.total == {"received": 3, "accepted": 1, "duplicate": 2}
        assert len(found.rows) == 1
        hours += [hour.hour for _, hour in found.rows]
        page = found.next_page
    assert (hours, page) == ([3, 2, 1], "")
    with bench.database.transaction() as session, pytest.raises(InputRejected):
        get_balance(session, start, NOW, None, page="rubbish")


def test_a_day_s_table_is_made_once_by_many_batches_at_once(bench: Bench):
    """Eight partitions need the same new days at the same moment: no error, no retry."""
    moments = [NOW - timedelta(days=200 + n) for n in range(12)]

    def make(_: int) -> None:
        store.Days(bench.database).ensure("reading_minute", moments, NOW)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make, range(8)))
    with bench.database.transaction() as session:
        names = [f"reading_minute_{moment:%Y%m%d}" for moment in moments]
        query = text("SELECT count(*) FROM pg_tables WHERE tablename = ANY(:names)")
        assert session.scalar(query, {"names": names}) == len(moments)

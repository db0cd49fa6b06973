"""A disk that is really full, and the balance that would show a loss."""

import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest
from sqlalchemy import text
from sqlalchemy.engine import create_engine

from services.chassis.bus.delivery import ATTEMPT, set_aside
from services.chassis.bus.topology import MAX_ATTEMPTS
from services.chassis.errors import StorageFull, Unavailable
from services.ingest.app.check_balance import check_hours
from services.ingest.archive import Archive
from services.ingest.disk_guard import DiskGuard, Limits
from services.ingest.tables import LedgerRow
from tests.integration.settling_bench import NOW, QUEUE, Bench


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path) -> Bench:
    """A bench on this module's database."""
    return Bench(migrated_db("ingest"), tmp_path / "archive")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 256 kB; skips where this user may not mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a full disk needs the right to mount a tmpfs: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def test_batches_on_a_full_disk_wait_and_all_arrive(bench: Bench, small_disk: Path):
    """256 kB of archive, 600 kB of frames: it stops, somebody enlarges it, every frame is kept."""
    bench.archive = Archive(small_disk, "w")
    bench.settle._archive = bench.archive
    guard = DiskGuard({"archive": small_disk}, Limits(0, 1))
    random, stops = Random(1), []

    def somebody_makes_room(_: float) -> None:
        stops.append(guard.stopped)
        subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
        guard.look()

    for _ in range(6):
        batch = bench.batch(*((bench.frame(random.randbytes(10_000)), []) for _ in range(10)))
        guard.hold(lambda batch=batch: bench.settle(batch, QUEUE), somebody_makes_room)

    assert stops == ["archive: No space left on device"]
    assert bench.rows(LedgerRow) == 60
    assert bench.counts() == {"received": 60, "accepted": 60}
    with bench.database.transaction() as session:
        for row in session.query(LedgerRow).where(LedgerRow.outlet_id == bench.outlet):
            block = bench.archive.read_block(row.segment, row.block_offset, row.block_size)
            assert len(block) == 100_000


def test_waiting_for_room_never_makes_a_dead_letter():
    """Every other failure does after so many attempts."""
    published = []
    publisher = SimpleNamespace(publish=lambda _, **rest: published.append(rest))
    message = SimpleNamespace(body=b"", properties={}, headers={ATTEMPT: MAX_ATTEMPTS})

    assert set_aside(publisher, "ingest", message, QUEUE, Unavailable("away"))
    assert not set_aside(publisher, "ingest", message, QUEUE, StorageFull("full"))
    assert published[1]["headers"][ATTEMPT] == MAX_ATTEMPTS
    assert published[1]["routing_key"] == QUEUE


def test_hours_that_close_are_checked_and_a_loss_shows(bench: Bench):
    """Three counts of each hour; a vanished entry and a vanished outcome are both seen."""
    for hours in (3, 2, 1):
        came = int((NOW - timedelta(hours=hours)).timestamp() * 1e6)
        bench.run(*((bench.frame(received_at_us=came), []) for _ in range(4)))

    first = check_hours(bench.database, now=lambda: NOW)
    with create_engine(bench.database.engine.url).begin() as connection:
        connection.execute(
            text(
                "DELETE FROM ingest.ledger WHERE outlet_id = :o AND leaf ="
                " (SELECT min(leaf) + 5 FROM ingest.ledger WHERE outlet_id = :o)"
            ),
            {"o": bench.outlet},
        )
        connection.execute(
            text(
                "UPDATE ingest.balance SET count = count - 1 WHERE word = 'accepted' AND hour = :h"
            ),
            {"h": first[2].hour},
        )
    again = check_hours(bench.database, now=lambda: NOW)

    assert [(one.received, one.accounted, one.leaves) for one in first] == [(4, 4, 4)] * 3
    assert [one.closed for one in again] == [True, False, False]
    assert (again[1].leaves, again[2].accounted) == (3, 3)


def test_an_hour_is_found_without_reading_the_whole_ledger(bench: Bench):
    """The check stays quick however long the ledger grows: it uses the index by arrival."""
    with bench.database.transaction() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = session.scalars(
            text(
                "EXPLAIN SELECT count(*) FROM ledger"
                " WHERE received_at >= now() AND received_at < now() + interval '1 hour'"
            )
        )
        assert "ledger_20261122_received_at_idx" in " ".join(plan)

"""Readings that grow old: into Parquet, out of the tables, still there for who asks."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sqlalchemy import select, text

from services.chassis.db import OwnerDatabase
from services.chassis.errors import NotFound, RuleViolated
from services.ingest.app.get_readings import get_readings
from services.ingest.app.rebuild_days import check_day, rebuild_day
from services.ingest.app.replay_frames import Replay
from services.ingest.app.retire_readings import retire_readings
from services.ingest.app.settle_batch import SettleBatch
from services.ingest.domain.readings import StoredValue
from services.ingest.hj212.policy import default_policy
from services.ingest.keeping_tables import ParquetRow
from services.ingest.parquet_files import ParquetFiles
from services.ingest.tables import ReadingRow
from tests.integration.settling_bench import HOUR, NOW, QUEUE, Bench, so2

KEEP = {1: 35, 2: 100, 3: 800, 4: 3700}
LATER = NOW + timedelta(days=150)  # minutes are over, hours not


@pytest.fixture
def files(tmp_path: Path) -> ParquetFiles:
    """Where old readings go."""
    return ParquetFiles(tmp_path / "parquet")


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path, files: ParquetFiles) -> Bench:
    """A bench on an empty database whose settling knows the files."""
    url = migrated_db("ingest")
    with OwnerDatabase(url, "ingest").transaction() as session:
        session.execute(text("TRUNCATE reading_parquet, ledger"))
        for row in session.execute(
            text("SELECT tablename FROM pg_tables WHERE tablename ~ '^reading_[a-z]+_2'")
        ).all():
            session.execute(text(f"DROP TABLE {row.tablename}"))
        session.execute(text("TRUNCATE reading, reading_version"))
    made = Bench(url, tmp_path / "archive")
    made.settle = SettleBatch(made.database, made.archive, files=files, now=lambda: made.now)
    return made


def fill(bench: Bench, hours: int = 3) -> None:
    """Minutes and hours, one with an odd text, one in two parts."""
    for number in range(hours):
        at = int((HOUR + timedelta(minutes=10 * number)).timestamp())
        bench.run((bench.frame(cn="2051", data_time_s=at), so2(float(number))))
        bench.run((bench.frame(cn="2051", data_time_s=at), so2(1.0, code="a21002")))
    bench.run((bench.frame(), so2(30.5)))


def minutes(bench: Bench, files: ParquetFiles | None, **options: bool) -> list[StoredValue]:
    """What history gives for the minutes of the hour."""
    with bench.database.transaction() as session:
        return get_readings(
            session, bench.outlet, 2, HOUR, HOUR + timedelta(hours=1), files=files, **options
        )


def tables(bench: Bench) -> list[str]:
    """Tables of readings by time."""
    with bench.database.transaction() as session:
        names = session.scalars(
            text("SELECT tablename FROM pg_tables WHERE tablename ~ '^reading_[a-z]+_2'")
        )
        return sorted(names)


def test_old_tables_become_files_and_history_does_not_notice(bench: Bench, files: ParquetFiles):
    """The minutes' day goes, the hours' month stays; every value is still given."""
    fill(bench)
    before = minutes(bench, None)

    (dropped,) = retire_readings(bench.database, files, KEEP, now=lambda: LATER)

    assert dropped.name == "reading_minute_20261122"
    assert tables(bench) == ["reading_hour_202611"]
    assert minutes(bench, None) == []
    assert minutes(bench, files) == before
    assert [one.factor for one in before] == ["a21026", "a21002"] * 3
    assert retire_readings(bench.database, files, KEEP, now=lambda: LATER) == []


def test_a_file_says_what_it_holds(bench: Bench, files: ParquetFiles, tmp_path: Path):
    """zstd, rows and digest recorded, sorted by outlet and time."""
    fill(bench)
    retire_readings(bench.database, files, KEEP, now=lambda: LATER)

    with bench.database.transaction() as session:
        row = session.scalars(select(ParquetRow)).one()
    place = tmp_path / "parquet" / row.path
    meta = pq.ParquetFile(place).metadata
    assert (row.row_count, meta.num_rows, row.byte_count) == (3, 3, place.stat().st_size)
    assert meta.row_group(0).column(0).compression == "ZSTD"
    assert row.dropped_at is not None


def test_a_late_frame_for_a_retired_day_meets_its_first_value(bench: Bench, files: ParquetFiles):
    """The same is a duplicate, another value a version, another factor joins; none is doubled."""
    fill(bench)
    before = minutes(bench, None)
    retire_readings(bench.database, files, KEEP, now=lambda: LATER)
    bench.now = LATER
    at = int(HOUR.timestamp())

    again = bench.run((bench.frame(cn="2051", data_time_s=at), so2(0.0)))
    other = bench.run((bench.frame(cn="2051", data_time_s=at), so2(77.0)))
    more = bench.run((bench.frame(cn="2051", data_time_s=at), so2(5.0, code="a34013")))

    assert (again.frames["duplicate"], other.conflicts, more.frames["accepted"]) == (1, 1, 1)
    assert tables(bench) == ["reading_hour_202611"]  # no table comes back for one row
    assert bench.rows(ReadingRow) == 1 + 1
    found = minutes(bench, files, with_versions=True)
    assert [(one.factor, one.values.value, one.version) for one in found[:4]] == [
        ("a21026", 0.0, 0),
        ("a21002", 1.0, 0),
        ("a34013", 5.0, 0),
        ("a21026", 77.0, 1),
    ]
    assert [one for one in found if one.version == 0 and one.factor != "a34013"] == before


def test_a_row_that_comes_between_file_and_drop_keeps_the_table(
    bench: Bench, files: ParquetFiles, monkeypatch: pytest.MonkeyPatch
):
    """The last count differs: the file is thrown away, the next round takes all."""
    fill(bench)
    write = files.write

    def write_slowly(path: str, batches: object) -> object:
        written = write(path, batches)
        at = int((HOUR + timedelta(minutes=50)).timestamp())
        bench.settle(bench.batch((bench.frame(cn="2051", data_time_s=at), so2(9.0))), QUEUE)
        return written

    with monkeypatch.context() as patch:
        patch.setattr(files, "write", write_slowly)
        assert retire_readings(bench.database, files, KEEP, now=lambda: LATER) == []
    assert len(minutes(bench, None)) == 7
    assert len(retire_readings(bench.database, files, KEEP, now=lambda: LATER)) == 1
    assert len(minutes(bench, files)) == 7


def test_a_file_that_does_not_read_back_is_not_believed(
    bench: Bench, files: ParquetFiles, monkeypatch: pytest.MonkeyPatch
):
    """What the disk gives back decides; the table stays."""
    fill(bench)
    rows = files._rows

    def damaged(place: Path) -> object:
        for row in rows(place):
            yield {**row, "leaf": row["leaf"] + 1}

    monkeypatch.setattr(files, "_rows", damaged)
    with pytest.raises(RuntimeError, match="read back"):
        retire_readings(bench.database, files, KEEP, now=lambda: LATER)
    assert len(minutes(bench, None)) == 6


def test_a_retired_day_is_still_checked_against_the_archive(bench: Bench, files: ParquetFiles):
    """Its rows come from the file; a day in files is not replaced."""
    fill(bench)
    retire_readings(bench.database, files, KEEP, now=lambda: LATER)
    replay = Replay(bench.archive, default_policy)

    result = check_day(bench.database, replay, HOUR.date(), lambda *_: None, files=files)

    # The bench's frames are no HJ 212: their entries cannot be read again, their rows are there.
    assert result.stored.rows == 4
    with pytest.raises(RuleViolated, match="Parquet"):
        rebuild_day(
            bench.database, replay, HOUR.date(), lambda *_: None, apply=True, today=LATER.date()
        )


def test_a_missing_file_is_said_and_not_taken_for_silence(bench: Bench, tmp_path: Path, files):
    """No data would be an answer; a lost file is an error."""
    fill(bench)
    retire_readings(bench.database, files, KEEP, now=lambda: LATER)
    next((tmp_path / "parquet").rglob("*.parquet")).unlink()

    with pytest.raises(NotFound):
        minutes(bench, files)


def test_the_service_cannot_drop_what_is_not_kept(bench: Bench):
    """The function behind it checks; the role itself owns no table."""
    fill(bench)

    with pytest.raises(Exception, match="not kept as Parquet"), bench.database.transaction() as one:
        one.execute(text("SELECT drop_kept('reading_hour_202611')"))

"""`python -m tests.bench.store`: a year of hours of one outlet, and bytes a row, in a full table.

Neighbours are realistic: every hour's rows of all outlets lie together, as they arrive, so one
outlet's year is scattered over the whole table. Prints figures, asserts nothing.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sqlalchemy import text

from services.chassis.db import OwnerDatabase
from services.ingest import retention_store
from services.ingest.app.read_series import read_series
from services.ingest.parquet_files import ParquetFiles
from services.ingest.retention_store import Child
from tests.conftest import migrate
from tests.servers import fresh_database, running_servers

FACTORS = 10
START = datetime(2025, 1, 1, tzinfo=UTC)
HOURS = 8760
KIND = 3
ROUNDS = 9


def fill(database: OwnerDatabase, outlets: int) -> None:
    """A year of hours in order of arrival; values are random, so they do not compress away."""
    names = ", ".join(f"'a{21000 + number}'" for number in range(FACTORS))
    with database.transaction() as session:
        for month in range(12):
            day = date(2025, month + 1, 1)
            session.execute(text("SELECT ensure_day('reading_hour', :day)"), {"day": day})
        for month in range(12):
            session.execute(
                text(
                    "INSERT INTO reading (mn, kind, data_time, outlet_id, factors, value, min, max,"
                    " converted, flags, received_at, part, leaf, origin)"
                    f" SELECT 'MN' || lpad(o::text, 22, '0'), 3, t, '91130400TEST'"
                    f" || lpad(o::text, 6, '0') || '-DA001', ARRAY[{names}],"
                    " v.a, v.b, v.c, v.d, 'NNNNNNNNNN', t + interval '1 hour', o % 8, o, 1"
                    " FROM generate_series(CAST(:start AS timestamptz),"
                    " CAST(:end AS timestamptz) - interval '1 hour', interval '1 hour') AS t,"
                    " generate_series(1, :outlets) AS o,"
                    " LATERAL (SELECT " + ", ".join(_random(name) for name in "abcd") + ") AS v"
                    " ORDER BY t, o"
                ),
                {
                    "start": datetime(2025, month + 1, 1, tzinfo=UTC),
                    "end": datetime(2025 + month // 11, (month + 1) % 12 + 1, 1, tzinfo=UTC),
                    "outlets": outlets,
                },
            )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE reading"))


def _random(name: str) -> str:
    """Eighty bytes of finite float64: an exponent near one, the rest random by row."""
    part = f"substr(sha256((o || t::text || '{name}')::bytea), %d, 6) || '\\xf03f'::bytea"
    return " || ".join(part % (1 + number * 2) for number in range(FACTORS)) + f" AS {name}"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Median milliseconds of some rounds, and the last result."""
    seconds, result = [], None
    for _ in range(ROUNDS):
        began = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - began)
    return 1000 * median(seconds), result


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outlets", type=int, default=100)
    outlets = parser.parse_args().outlets
    with (
        running_servers() as servers,
        tempfile.TemporaryDirectory() as folder,
        fresh_database(servers.url("DATABASE_URL"), "store") as url,
    ):
        migrate(url, "ingest")
        database = OwnerDatabase(url, "ingest")
        fill(database, outlets)
        measure(database, outlets, ParquetFiles(Path(folder)))


def measure(database: OwnerDatabase, outlets: int, files: ParquetFiles) -> None:
    """Bytes a row in table, index and Parquet; a year's reading from table and from files."""
    rows = outlets * HOURS
    with database.transaction() as session:
        sizes = session.execute(
            text(
                "SELECT sum(pg_table_size(relid)) AS tables, sum(pg_indexes_size(relid)) AS indexes"
                " FROM pg_partition_tree('reading') WHERE isleaf"
            )
        ).one()
    print(f"{rows:,} hour rows of {FACTORS} factors, {outlets} outlets, {HOURS} hours")
    print(f"table {sizes.tables / rows:.0f} B/row, indexes {sizes.indexes / rows:.0f} B/row")
    outlet = f"91130400TEST{outlets // 2:06d}-DA001"
    end = START + timedelta(hours=HOURS)
    with database.transaction() as session:
        for factors in ((), ("a21000",)):
            ms, answer = timed(
                lambda factors=factors: read_series(
                    session, outlet, KIND, START, end, factors=factors
                )
            )
            count = sum(len(one.value) for one in answer.factors)
            print(f"a year of hours as the answer's columns, {count:,} values: {ms:.1f} ms")
        child = Child("reading_hour_202501", KIND, START, datetime(2025, 2, 1, tzinfo=UTC))
        began = time.perf_counter()
        written = files.write(child.path, retention_store.rows_of(session, child))
        seconds = time.perf_counter() - began
    print(
        f"Parquet {written.size / written.rows.rows:.0f} B/row,"
        f" {written.rows.rows / seconds:,.0f} rows/s written and read back"
    )
    ms, found = timed(
        lambda: files.rows(child.path, START, end, column="outlet_id", among=[outlet])
    )
    print(f"a month of one outlet from Parquet, {len(found)} rows: {ms:.1f} ms")
    np.testing.assert_equal(len(found), 744)


if __name__ == "__main__":
    main()

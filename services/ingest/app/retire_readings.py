"""读数归档: tables of readings that are old enough become Parquet files, and only then go.

A table is dropped in one step with a last count of its rows; a row that came after the file was
written keeps the table, and the next round writes the file anew. The raw archive and the ledger are
not touched: they stay.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from services.chassis.clock import Now, utc_now
from services.chassis.db import Database
from services.ingest import retention_store
from services.ingest.parquet_files import ParquetFiles
from services.ingest.retention_store import Child

Rows = list[dict[str, Any]]


def retire_readings(
    database: Database,
    files: ParquetFiles,
    keep_days: Mapping[int, int],
    *,
    now: Now = utc_now,
    pause: Callable[[], None] = lambda: None,
) -> list[Child]:
    """Put every table whose time is over into its file; gives those that were dropped.

    `pause` is called between batches of rows, so that others of the process get their turn.
    """
    with database.transaction() as session:
        found = retention_store.children(session)
    moment = now()
    old = [child for child in found if child.end <= moment - timedelta(days=keep_days[child.kind])]
    return [child for child in old if _retire(database, files, child, now, pause)]


def _retire(
    database: Database, files: ParquetFiles, child: Child, now: Now, pause: Callable[[], None]
) -> bool:
    with database.transaction() as session:
        if not retention_store.kept(session, child):
            batches = _paused(retention_store.rows_of(session, child), pause)
            retention_store.keep(session, child, files.write(child.path, batches), now())
    with database.transaction() as session:
        dropped = retention_store.drop_table(session, child)
    if not dropped:
        files.remove(child.path)
    return dropped


def _paused(batches: Iterable[Rows], pause: Callable[[], None]) -> Iterator[Rows]:
    for batch in batches:
        yield batch
        pause()

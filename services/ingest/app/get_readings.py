"""历史数据: stored values of an outlet, kind and span."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected
from services.ingest import retention_store, store
from services.ingest.domain.readings import StoredValue
from services.ingest.parquet_files import ParquetFiles
from services.ingest.tables import ReadingRow, VersionRow

ROWS = 50_000  # readings of one answer: five weeks at one a minute


def get_readings(
    session: Session,
    outlet_id: str,
    kind: int,
    start: datetime,
    end: datetime,
    *,
    factors: Sequence[str] = (),
    with_versions: bool = False,
    files: ParquetFiles | None = None,
) -> list[StoredValue]:
    """Values in [start, end) by time, first-received before versions; `factors` empty = all.

    What is too old for the tables comes from `files`. Raises InputRejected for a span that holds
    more than `ROWS` readings, NotFound where a file is not on this machine.
    """
    if not outlet_id or start >= end:
        raise InputRejected("an outlet and a span with start before end are needed")
    rows = store.readings_between(session, outlet_id, kind, start, end, limit=ROWS + 1)
    if files is not None:
        rows = _with_old(
            rows,
            retention_store.old_rows(session, files, kind, start, end, outlets=[outlet_id]),
        )
    if len(rows) > ROWS:
        raise InputRejected(f"more than {ROWS} readings; ask for a shorter span")
    wanted = frozenset(factors)
    values = list(_firsts(rows, wanted))
    if with_versions:
        later = store.versions_between(session, outlet_id, kind, start, end)
        values += [_version(row) for row in later if not wanted or row.factor in wanted]
        values.sort(key=lambda value: (value.time_s, value.version))
    return values


def _with_old(rows: list[ReadingRow], old: list[ReadingRow]) -> list[ReadingRow]:
    """Rows of tables and files by time.

    A row in both was brought back for a late frame: the table's is newer. One of another entry of
    the ledger came while its table was being dropped: the file's came first.
    """
    if not old:
        return rows
    first = {(row.mn, row.data_time): (row.part, row.leaf) for row in old}
    rows = [
        row
        for row in rows
        if first.get((row.mn, row.data_time), (row.part, row.leaf)) == (row.part, row.leaf)
    ]
    known = {(row.mn, row.data_time) for row in rows}
    rows += [row for row in old if (row.mn, row.data_time) not in known]
    return sorted(rows, key=lambda row: (row.data_time, row.received_at))


def _firsts(rows: list[ReadingRow], wanted: frozenset[str]) -> Iterator[StoredValue]:
    for row in rows:
        time_s, own = int(row.data_time.timestamp()), row.added or {}
        came = (row.received_at.timestamp(), row.origin)
        for factor, values in store.values_of(row).items():
            if not wanted or factor in wanted:
                received_at, origin = own.get(factor, came)
                yield StoredValue(factor, time_s, values, 0, origin, int(received_at))


def _version(row: VersionRow) -> StoredValue:
    return StoredValue(
        row.factor,
        int(row.data_time.timestamp()),
        store.version_values(row),
        row.version,
        row.origin,
        int(row.received_at.timestamp()),
        row.state,
    )

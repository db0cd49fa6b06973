"""Queries of the retention: which tables are old, what lies in Parquet, rows that come back."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from services.ingest.domain.readings import Key
from services.ingest.keeping_tables import ParquetRow
from services.ingest.parquet_files import ParquetFiles, Written
from services.ingest.store import COLUMNS, MONTHLY, TABLES, as_copied, copy_readings
from services.ingest.tables import ReadingRow

_CHILD = re.compile(r"(reading_[a-z]+)_(\d{6}|\d{8})")
_KIND = {table: kind for kind, table in TABLES.items()}
_ROWS = 2_000  # of one fetch: some 50 ms of work


@dataclass(frozen=True, slots=True)
class Child:
    """A table of one kind and day or month."""

    name: str
    kind: int
    start: datetime
    end: datetime

    @property
    def path(self) -> str:
        """Where its file lies."""
        return f"{TABLES[self.kind]}/{self.name}.parquet"


def children(session: Session) -> list[Child]:
    """Every table of readings by time, oldest first."""
    names = session.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    )
    found = [child for name in names if (child := _child(name)) is not None]
    return sorted(found, key=lambda child: (child.start, child.kind))


def rows_of(session: Session, child: Child) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table by outlet and time, in batches."""
    names = [*COLUMNS, "added"]
    result = session.execute(
        text(
            f"SELECT {', '.join(names)} FROM {child.name}"  # noqa: S608 - a name of the catalogue
            " ORDER BY outlet_id, data_time, mn"
        ),
        execution_options={"stream_results": True, "yield_per": _ROWS},
    )
    for batch in result.mappings().partitions(_ROWS):
        yield [dict(row) for row in batch]


def kept(session: Session, child: Child) -> bool:
    """Whether a verified file holds the table already."""
    return session.get(ParquetRow, child.name) is not None


def keep(session: Session, child: Child, written: Written, now: datetime) -> None:
    """Write down that a file holds the table."""
    session.add(
        ParquetRow(
            child=child.name,
            kind=child.kind,
            first_time=child.start,
            end_time=child.end,
            path=written.path,
            row_count=written.rows.rows,
            digest=written.rows.value,
            sha256=written.sha256,
            byte_count=written.size,
            made_at=now,
        )
    )
    session.flush()


def drop_table(session: Session, child: Child) -> bool:
    """Drop a table that is kept as a file; False where rows came to it after the file was made.

    Then the file counts for nothing any more.
    """
    if session.scalar(text("SELECT drop_kept(:child)"), {"child": child.name}) == 0:
        return True
    session.delete(session.get_one(ParquetRow, child.name))
    return False


def dropped_until(session: Session) -> dict[int, datetime]:
    """For each kind the end of the newest time that only a file holds."""
    query = select(ParquetRow.kind, func.max(ParquetRow.end_time)).where(
        ParquetRow.dropped_at.is_not(None)
    )
    return {row[0]: row[1] for row in session.execute(query.group_by(ParquetRow.kind))}


def files_of(session: Session, kind: int, start: datetime, end: datetime) -> list[ParquetRow]:
    """Files that alone hold readings of a kind and time, oldest first."""
    query = select(ParquetRow).where(
        ParquetRow.kind == kind,
        ParquetRow.dropped_at.is_not(None),
        ParquetRow.first_time < end,
        ParquetRow.end_time > start,
    )
    return list(session.scalars(query.order_by(ParquetRow.first_time)))


def old_rows(
    session: Session,
    files: ParquetFiles,
    kind: int,
    start: datetime,
    end: datetime,
    *,
    outlets: Iterable[str],
) -> list[ReadingRow]:
    """Readings of outlets, [start, end), that only files hold. Raises NotFound without a file."""
    return [
        ReadingRow(**row)
        for file in files_of(session, kind, start, end)
        for row in files.rows(file.path, start, end, column="outlet_id", among=outlets)
    ]


def fetch_back(
    session: Session, files: ParquetFiles, keys: Iterable[Key], until: Mapping[int, datetime]
) -> int:
    """Bring rows back into the tables to which a frame comes so late that only files hold them.

    So the first value stays the first; gives how many came back.
    """
    late = [key for key in keys if key.kind in until and key.data_time < until[key.kind]]
    rows: list[dict[str, Any]] = []
    for kind in sorted({key.kind for key in late}):
        wanted = {(key.mn, key.data_time) for key in late if key.kind == kind}
        first = min(moment for _, moment in wanted)
        last = max(moment for _, moment in wanted) + timedelta(microseconds=1)
        names = {mn for mn, _ in wanted}
        for file in files_of(session, kind, first, last):
            found = files.rows(file.path, first, last, column="mn", among=names)
            rows += [row for row in found if (row["mn"], row["data_time"]) in wanted]
    if rows:
        # The batch's own rows go through the same temporary table afterwards.
        columns = (*COLUMNS, "added")
        copy_readings(session, [as_copied(row, columns) for row in rows], whole=True)
        session.execute(text("TRUNCATE incoming"))
    return len(rows)


def _child(name: str) -> Child | None:
    match = _CHILD.fullmatch(name)
    if match is None or match[1] not in _KIND:
        return None
    kind = _KIND[match[1]]
    if kind in MONTHLY:
        start = datetime.strptime(match[2] + "01", "%Y%m%d").replace(tzinfo=UTC)
        end = (start + timedelta(days=32)).replace(day=1)
    else:
        start = datetime.strptime(match[2], "%Y%m%d").replace(tzinfo=UTC)
        end = start + timedelta(days=1)
    return Child(name, kind, start, end)

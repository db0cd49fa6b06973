"""Queries of the rebuild: what was accepted, what the tables hold, putting rows in their place."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import func, inspect, select, text
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.orm import Session

from services.ingest.domain.ledger import ACCEPTED
from services.ingest.domain.readings import Key
from services.ingest.store import as_copied, copy_rows
from services.ingest.tables import Base, LedgerRow, ReadingRow, VersionRow

_POSTGRESQL = dialect()  # type: ignore[no-untyped-call]

_OUTLETS = text(
    "SELECT outlet_id, sum(frames)::bigint AS frames FROM ("
    " SELECT outlet_id, count(*) AS frames FROM ledger WHERE outcome = 'accepted'"
    "  AND outlet_id <> '' AND data_time >= :start AND data_time < :end"
    "  AND arrival_hour >= :start - interval '1 day' GROUP BY outlet_id"
    " UNION ALL SELECT DISTINCT outlet_id, 0 FROM reading"
    "  WHERE data_time >= :start AND data_time < :end) AS found"
    " GROUP BY outlet_id ORDER BY outlet_id"
)


def outlets_of(session: Session, start: datetime, end: datetime) -> list[tuple[str, int]]:
    """Outlets with accepted frames or readings of [start, end), and how many frames."""
    found = session.execute(_OUTLETS, {"start": start, "end": end})
    return [(row.outlet_id, row.frames) for row in found]


def first_day(session: Session) -> date | None:
    """The oldest day (UTC) that has a reading."""
    first = session.scalar(select(func.min(ReadingRow.data_time)))
    return None if first is None else first.astimezone(UTC).date()


def accepted_entries(
    session: Session, outlets: Sequence[str], start: datetime, end: datetime
) -> list[LedgerRow]:
    """Accepted entries of these outlets with DataTime in [start, end), as they were settled."""
    query = select(LedgerRow).where(
        LedgerRow.outlet_id.in_(outlets),
        LedgerRow.data_time >= start,
        LedgerRow.data_time < end,
        LedgerRow.outcome == ACCEPTED,
    )
    return list(session.scalars(query.order_by(LedgerRow.part, LedgerRow.leaf)))


def stored_rows(
    session: Session, outlets: Sequence[str], start: datetime, end: datetime
) -> tuple[dict[Key, ReadingRow], dict[tuple[Key, str, int], VersionRow]]:
    """What `reading` and `reading_version` hold of these outlets and this time."""
    readings = session.scalars(
        select(ReadingRow).where(
            ReadingRow.outlet_id.in_(outlets),
            ReadingRow.data_time >= start,
            ReadingRow.data_time < end,
        )
    )
    versions = session.scalars(
        select(VersionRow).where(
            VersionRow.outlet_id.in_(outlets),
            VersionRow.data_time >= start,
            VersionRow.data_time < end,
        )
    )
    return (
        {Key(row.mn, row.kind, row.data_time): row for row in readings},
        {(Key(row.mn, row.kind, row.data_time), row.factor, row.version): row for row in versions},
    )


def columns_of(row: Base) -> dict[str, Any]:
    """A stored row by column."""
    return {column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs}


def lock_ledger(session: Session) -> dict[int, int]:
    """Let no batch settle until the end of the transaction; the next leaf of each partition."""
    rows = session.execute(text("SELECT part, next_leaf FROM ledger_head ORDER BY part FOR UPDATE"))
    return {row.part: row.next_leaf for row in rows}


def next_leaves(session: Session) -> dict[int, int]:
    """The next leaf of each partition."""
    rows = session.execute(text("SELECT part, next_leaf FROM ledger_head"))
    return {row.part: row.next_leaf for row in rows}


def came_since(session: Session, leaves: Mapping[int, int], start: datetime, end: datetime) -> int:
    """Accepted entries of [start, end) beyond these leaves."""
    count = 0
    for part in lock_ledger(session):
        query = text(
            "SELECT count(*) FROM ledger WHERE part = :part AND leaf >= :leaf"
            " AND outcome = 'accepted' AND data_time >= :start AND data_time < :end"
        )
        terms = {"part": part, "leaf": leaves.get(part, 0), "start": start, "end": end}
        count += session.scalar(query, terms) or 0
    return count


def make_fresh_tables(session: Session) -> None:
    """Empty tables beside the present ones."""
    for table in ("reading", "reading_version"):
        session.execute(text(f"DROP TABLE IF EXISTS rebuilt_{table}"))
        session.execute(text(f"CREATE UNLOGGED TABLE rebuilt_{table} (LIKE {table})"))


def fill(session: Session, table: type[Base], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows into a fresh table by COPY."""
    columns = [column.key for column in inspect(table).column_attrs]
    types = [
        table.__table__.c[name].type.compile(_POSTGRESQL).lower().replace("float", "float8")
        for name in columns
    ]
    copy_rows(
        session,
        f"rebuilt_{table.__tablename__}",
        ", ".join(columns),
        types,
        (as_copied(dict(row), columns) for row in rows),
    )


def swap_in(session: Session, start: datetime, end: datetime) -> None:
    """Put the fresh rows of [start, end) in the place of the present ones."""
    for table in ("reading", "reading_version"):
        span = "data_time >= :start AND data_time < :end"
        terms = {"start": start, "end": end}
        columns = session.scalar(
            text(
                "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute"
                " WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped"
            ),
            {"table": f"rebuilt_{table}"},
        )
        session.execute(text(f"DELETE FROM {table} WHERE {span}"), terms)  # noqa: S608 - constants
        session.execute(
            text(
                f"INSERT INTO {table} ({columns})"  # noqa: S608 - names from the catalogue
                f" SELECT {columns} FROM rebuilt_{table} WHERE {span}"
            ),
            terms,
        )

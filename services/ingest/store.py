"""Queries on readings and balance. Bulk goes by COPY into a temporary table (ten times the ORM)."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import isnan, nan
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb
from sqlalchemy import ColumnElement, bindparam, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.ingest.domain.balance import Account
from services.ingest.domain.readings import FIELDS, AsReported, Key, Reading, ValueSet
from services.ingest.tables import BalanceRow, ReadingRow, VersionRow

#: Readings further back than this go to the one table of odd times (a clock that says 2000).
DAYS_BACK = 400

COLUMNS = (
    "mn", "kind", "data_time", "outlet_id", "factors", *FIELDS, "flags", "odd",
    "received_at", "part", "leaf", "origin", "reported",
)  # fmt: skip
_TYPES = (
    "text", "int2", "timestamptz", "text", "text[]", *("bytea",) * len(FIELDS), "text", "jsonb",
    "timestamptz", "int2", "int8", "int2", "jsonb",
)  # fmt: skip
_LIST = ", ".join(COLUMNS)
_JSON = frozenset({"odd", "reported", "added"})
_ADD_TO_BALANCE = text(
    "INSERT INTO balance (hour, owner, word, count)"
    " SELECT * FROM unnest(CAST(:hours AS timestamptz[]), CAST(:owners AS text[]),"
    " CAST(:words AS text[]), CAST(:counts AS bigint[])) ORDER BY 1, 2, 3"
    " ON CONFLICT (hour, owner, word) DO UPDATE SET count = balance.count + excluded.count"
)


#: Where the readings of a kind lie: a table a day, or a month for hours and days.
TABLES = {1: "reading_realtime", 2: "reading_minute", 3: "reading_hour", 4: "reading_day"}
MONTHLY = frozenset({3, 4})


class Days:
    """Makes the tables by time that a batch needs, each asked for once a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: set[tuple[str, date]] = set()

    def ensure_readings(self, spans: Iterable[tuple[int, date]], now: datetime) -> None:
        """Create missing tables of readings, by kind and day (UTC) of DataTime."""
        days: dict[str, set[datetime]] = {}
        for kind, day in spans:
            if kind in TABLES:
                first = day.replace(day=1) if kind in MONTHLY else day
                moment = datetime.combine(first, time(), UTC)
                days.setdefault(TABLES[kind], set()).add(moment)
        for parent, moments in days.items():
            self.ensure(parent, moments, now)

    def ensure(self, parent: str, moments: Iterable[datetime], now: datetime) -> None:
        """Create missing tables, before and apart from the transaction that writes into them."""
        oldest = (now - timedelta(days=DAYS_BACK)).date()
        newest = (now + timedelta(days=2)).date()
        days = {moment.astimezone(UTC).date() for moment in moments}
        for day in sorted(days):
            if (parent, day) in self._known or not oldest <= day <= newest:
                continue
            with self._database.transaction() as session:
                session.execute(
                    text("SELECT ensure_day(:parent, :day)"), {"parent": parent, "day": day}
                )
            self._known.add((parent, day))


def copy_rows(
    session: Session, table: str, columns: str, types: Sequence[str], rows: Iterable[Any]
) -> None:
    """COPY rows in binary into a table of this transaction's connection."""
    connection = session.connection().connection.driver_connection
    assert connection is not None
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def insert_readings(
    session: Session, readings: Sequence[Reading], part: int, first_leaf: int
) -> set[Key]:
    """Store the readings whose key is free; gives the keys that were."""
    if not readings:
        return set()
    return copy_readings(
        session,
        (
            as_copied(row_of(reading, part, first_leaf + reading.frame), COLUMNS)
            for reading in readings
        ),
    )


def copy_readings(
    session: Session, rows: Iterable[tuple[Any, ...]], *, whole: bool = False
) -> set[Key]:
    """Store rows whose key is free; gives the keys that were.

    Their values stand in the order of `COLUMNS`; `whole` ones have `added` besides.
    """
    columns = f"{_LIST}, added" if whole else _LIST
    types = (*_TYPES, "jsonb") if whole else _TYPES
    session.execute(
        text("CREATE TEMPORARY TABLE IF NOT EXISTS incoming (LIKE reading) ON COMMIT DELETE ROWS")
    )
    copy_rows(session, "incoming", columns, types, rows)
    stored = session.execute(
        text(
            f"INSERT INTO reading ({columns}) SELECT {columns}"  # noqa: S608 - constants
            " FROM incoming"
            " ON CONFLICT DO NOTHING RETURNING mn, kind, data_time"
        )
    )
    return {Key(row.mn, row.kind, row.data_time) for row in stored}


def lock_readings(session: Session, keys: Iterable[Key]) -> dict[Key, dict[str, ValueSet]]:
    """The stored values of these keys, locked until the end of the transaction."""
    wanted = sorted({(key.mn, key.kind, key.data_time) for key in keys})
    if not wanted:
        return {}
    key = tuple_(ReadingRow.mn, ReadingRow.kind, ReadingRow.data_time)
    rows = session.scalars(select(ReadingRow).where(key.in_(wanted)).with_for_update())
    return {Key(row.mn, row.kind, row.data_time): values_of(row) for row in rows}


def versions_of(session: Session, key: Key, factor: str) -> list[tuple[int, ValueSet]]:
    """The later values that are known already with their state, in order."""
    rows = session.scalars(
        select(VersionRow)
        .where(
            VersionRow.mn == key.mn,
            VersionRow.kind == key.kind,
            VersionRow.data_time == key.data_time,
            VersionRow.factor == factor,
        )
        .order_by(VersionRow.version)
    )
    return [(row.state, version_values(row)) for row in rows]


def add_version(
    session: Session, reading: Reading, factor: str, version: int, *, part: int, leaf: int
) -> None:
    """Keep a deviating value."""
    session.add(VersionRow(**version_of(reading, factor, version, part=part, leaf=leaf)))
    session.flush()


def replace_values(
    session: Session, reading: Reading, values: dict[str, ValueSet], added: Iterable[str]
) -> None:
    """Write a reading's values anew: a later frame added factors, which keep their own times."""
    key = reading.key
    came = [reading.received_at.timestamp(), reading.origin]
    own = func.coalesce(ReadingRow.added, text("'{}'::jsonb")).op("||")(
        bindparam("own", dict.fromkeys(added, came), type_=JSONB)
    )
    session.execute(
        update(ReadingRow)
        .where(
            ReadingRow.mn == key.mn,
            ReadingRow.kind == key.kind,
            ReadingRow.data_time == key.data_time,
        )
        .values(**_packed(values), added=own)
        .execution_options(synchronize_session=False)
    )


def add_to_balance(session: Session, counts: dict[tuple[Account, str], int]) -> None:
    """Add counts; in one order, so that two batches never wait for each other crosswise."""
    if not counts:
        return
    # One statement whatever the number of rows: a VALUES list would be compiled for each batch.
    session.execute(
        _ADD_TO_BALANCE,
        {
            "hours": [account.hour for account, _ in counts],
            "owners": [account.owner for account, _ in counts],
            "words": [word for _, word in counts],
            "counts": list(counts.values()),
        },
    )


def readings_between(
    session: Session, outlet_id: str, kind: int, start: datetime, end: datetime, *, limit: int
) -> list[ReadingRow]:
    """Stored readings of an outlet by time, [start, end), at most `limit`."""
    return list(
        session.scalars(
            select(ReadingRow)
            .where(
                ReadingRow.outlet_id == outlet_id,
                ReadingRow.kind == kind,
                ReadingRow.data_time >= start,
                ReadingRow.data_time < end,
            )
            .order_by(ReadingRow.data_time, ReadingRow.received_at)
            .limit(limit)
        )
    )


def special_rows(
    session: Session, outlet_id: str, kind: int, start: datetime, end: datetime, *, limit: int
) -> list[ReadingRow]:
    """Readings with texts that are no number or with factors of later frames, by time."""
    query = select(ReadingRow).where(
        ReadingRow.outlet_id == outlet_id,
        ReadingRow.kind == kind,
        ReadingRow.data_time >= start,
        ReadingRow.data_time < end,
        text("(odd IS NOT NULL OR added IS NOT NULL)"),
    )
    order = (ReadingRow.data_time, ReadingRow.received_at)
    return list(session.scalars(query.order_by(*order).limit(limit)))


def versions_between(
    session: Session, outlet_id: str, kind: int, start: datetime, end: datetime
) -> list[VersionRow]:
    """Deviating values of an outlet by time and version, [start, end)."""
    return list(
        session.scalars(
            select(VersionRow)
            .where(
                VersionRow.outlet_id == outlet_id,
                VersionRow.kind == kind,
                VersionRow.data_time >= start,
                VersionRow.data_time < end,
            )
            .order_by(VersionRow.data_time, VersionRow.version)
        )
    )


def balance_between(
    session: Session,
    start: datetime,
    end: datetime,
    owners: Sequence[str] | None,
    *,
    after: tuple[datetime, str] | None = None,
    limit: int,
) -> list[tuple[str, datetime, str, int]]:
    """(owner, hour, word, count) of the arrival hours [start, end), newest first, at most `limit`.

    `owners` None = all; `after` = what follows this hour and owner.
    """
    query = select(BalanceRow).where(*_of_balance(start, end, owners))
    if after is not None:
        hour, owner = after
        query = query.where(
            (BalanceRow.hour < hour) | ((BalanceRow.hour == hour) & (BalanceRow.owner > owner))
        )
    order = (BalanceRow.hour.desc(), BalanceRow.owner, BalanceRow.word)
    rows = session.scalars(query.order_by(*order).limit(limit))
    return [(row.owner, row.hour, row.word, row.count) for row in rows]


def balance_total(
    session: Session, start: datetime, end: datetime, owners: Sequence[str] | None
) -> dict[str, int]:
    """How many frames of the arrival hours [start, end) fell under each word."""
    query = (
        select(BalanceRow.word, func.sum(BalanceRow.count))
        .where(*_of_balance(start, end, owners))
        .group_by(BalanceRow.word)
    )
    return {word: int(count) for word, count in session.execute(query)}


def _of_balance(
    start: datetime, end: datetime, owners: Sequence[str] | None
) -> list[ColumnElement[bool]]:
    span = [BalanceRow.hour >= start, BalanceRow.hour < end]
    return span if owners is None else [*span, BalanceRow.owner.in_(owners)]


def values_of(row: ReadingRow) -> dict[str, ValueSet]:
    """A stored row's arrays by factor."""
    size = len(row.factors)
    columns = [floats_of(getattr(row, name), size) for name in FIELDS]
    odd, reported = row.odd or {}, row.reported or {}
    return {
        factor: ValueSet.of(
            [column[place] for column in columns],
            row.flags[place].replace("-", ""),
            odd.get(factor, {}),
            AsReported(*reported[factor]) if factor in reported else None,
        )
        for place, factor in enumerate(row.factors)
    }


def version_values(row: VersionRow) -> ValueSet:
    """A stored version's values."""
    numbers = (getattr(row, name) for name in FIELDS)
    reported = AsReported(*row.reported) if row.reported else None
    present = (nan if one is None else one for one in numbers)
    return ValueSet.of(present, row.flag, row.odd or {}, reported)


def _packed(values: dict[str, ValueSet]) -> dict[str, Any]:
    """Values by factor as the row's arrays; a column that nobody has is NULL, but `value` stays."""
    sets = list(values.values())
    packed: dict[str, Any] = {"factors": list(values)}
    for name in FIELDS:
        column = np.array([getattr(one, name) for one in sets], "<f8")
        empty = name != "value" and bool(np.isnan(column).all())
        packed[name] = None if empty else column.tobytes()
    packed["flags"] = "".join(one.flag or "-" for one in sets)
    packed["odd"] = {factor: dict(one.odd) for factor, one in values.items() if one.odd} or None
    forms = {factor: one.reported for factor, one in values.items() if one.reported}
    packed["reported"] = forms or None
    return packed


def row_of(reading: Reading, part: int, leaf: int) -> dict[str, Any]:
    """A first reading as its row, by column."""
    return {
        "mn": reading.key.mn,
        "kind": reading.key.kind,
        "data_time": reading.key.data_time,
        "outlet_id": reading.outlet_id,
        **_packed(reading.values),
        "received_at": reading.received_at,
        "part": part,
        "leaf": leaf,
        "origin": reading.origin,
    }


def version_of(
    reading: Reading, factor: str, version: int, *, part: int, leaf: int
) -> dict[str, Any]:
    """A deviating value as its row, by column."""
    values = reading.values[factor]
    return {
        "mn": reading.key.mn,
        "kind": reading.key.kind,
        "data_time": reading.key.data_time,
        "factor": factor,
        "version": version,
        "outlet_id": reading.outlet_id,
        **{name: _null(getattr(values, name)) for name in FIELDS},
        "flag": values.flag,
        "odd": dict(values.odd) or None,
        "received_at": reading.received_at,
        "origin": reading.origin,
        "state": reading.state,
        "reported": values.reported,
        "part": part,
        "leaf": leaf,
    }


def as_copied(row: dict[str, Any], columns: Sequence[str]) -> tuple[Any, ...]:
    """A row for COPY: what is a dictionary or a form goes as JSON."""
    values = (row[name] for name in columns)
    return tuple(
        Jsonb(one) if one is not None and name in _JSON else one
        for name, one in zip(columns, values, strict=True)
    )


def floats_of(data: bytes | None, size: int) -> list[float]:
    """A packed column of `size` factors; one that nobody has is NaN throughout."""
    return [nan] * size if data is None else np.frombuffer(data, "<f8").tolist()


def _null(value: float) -> float | None:
    return None if isnan(value) else value

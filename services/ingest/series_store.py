"""Readings of one outlet as columns: the database joins the packed values, numpy takes them apart.

A row object each would cost a hundred times as much: a year of hours is 8,760 rows and 87,600
values. Rows with texts that are no number or with factors of later frames are few and go row by
row; everything is put in order of time at the end.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg.rows import namedtuple_row
from sqlalchemy.orm import Session

from services.ingest.domain.readings import FIELDS, AsReported
from services.ingest.store import floats_of, values_of
from services.ingest.tables import ReadingRow

_ORDER = "ORDER BY data_time, received_at"


def _joined(value: str, name: str) -> str:
    """One column of a group, end to end in order of time."""
    return f"string_agg({value}, ''::bytea {_ORDER}) AS {name}"


#: Groups of rows with the same factors in the same order, each column joined to one value.
_PACKED = ", ".join(  # noqa: S608 - constants
    (
        # Names are grouped by their bytes: comparing them by language costs half of the time.
        'SELECT factors COLLATE "C" AS factors, reported, count(*) AS rows',
        "(odd IS NOT NULL OR added IS NOT NULL) AS special",
        _joined("int8send(extract(epoch FROM data_time)::bigint)", "times"),
        _joined("int8send(extract(epoch FROM received_at)::bigint)", "received"),
        _joined("int8send(origin)", "origins"),
        _joined("convert_to(flags, 'LATIN1')", "flags"),
        *(_joined(name, name) for name in FIELDS),
    )
) + (
    " FROM (SELECT * FROM reading WHERE outlet_id = %(outlet)s"  # noqa: S608 - constants
    " AND kind = %(kind)s"
    f" AND data_time >= %(start)s AND data_time < %(end)s {_ORDER} LIMIT %(limit)s) AS found"
    ' GROUP BY factors COLLATE "C", reported, special, min IS NULL, max IS NULL, cou IS NULL,'
    " converted IS NULL"
)


@dataclass(slots=True)
class Piece:
    """Some times of one factor, by column."""

    times: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]
    flags: NDArray[np.bytes_]
    received: NDArray[np.int64]
    origins: NDArray[np.int64]
    reported: AsReported | None


@dataclass(slots=True)
class Columns:
    """Pieces by factor."""

    rows: int = 0
    pieces: dict[str, list[Piece]] = field(default_factory=dict)

    def in_order(self, factor: str) -> Piece:
        """All of a factor by time, with the form of its newest value."""
        pieces = self.pieces[factor]
        if len(pieces) == 1:
            return pieces[0]
        times = np.concatenate([piece.times for piece in pieces])
        order = np.argsort(times, kind="stable")

        def joined(take: Callable[[Piece], NDArray[Any]]) -> NDArray[Any]:
            return np.concatenate([take(piece) for piece in pieces])[order]

        newest = max(pieces, key=lambda piece: int(piece.times[-1]))
        return Piece(
            times[order],
            {
                name: joined(lambda piece, name=name: piece.columns[name])  # type: ignore[misc]
                for name in FIELDS
            },
            joined(lambda piece: piece.flags),
            joined(lambda piece: piece.received),
            joined(lambda piece: piece.origins),
            newest.reported,
        )


def columns_between(
    session: Session, outlet_id: str, kind: int, start: datetime, end: datetime, *, limit: int
) -> tuple[Columns, bool]:
    """Readings of an outlet in [start, end) whose rows hold nothing but numbers, at most `limit`.

    And whether there are other rows.
    """
    terms = {"outlet": outlet_id, "kind": kind, "start": start, "end": end, "limit": limit}
    connection = session.connection().connection.driver_connection
    assert connection is not None
    found, special = Columns(), False
    # Binary: a year's values are 3 MB, as text they would be 6 and have to be read sign by sign.
    with connection.cursor(binary=True, row_factory=namedtuple_row) as cursor:
        cursor.execute("SET LOCAL work_mem = '32MB'")  # a year is sorted in memory
        for row in cursor.execute(_PACKED, terms):
            if row.special:
                special = True
            else:
                found.rows += row.rows
                _take(found, row)
    return found, special


def add_rows(found: Columns, rows: Iterable[ReadingRow]) -> None:
    """Take rows in one by one."""
    for row in rows:
        found.rows += 1
        own = row.added or {}
        came = (row.received_at.timestamp(), row.origin)
        for factor, one in values_of(row).items():
            received, origin = own.get(factor, came)
            piece = Piece(
                np.array([int(row.data_time.timestamp())]),
                {name: np.array([getattr(one, name)]) for name in FIELDS},
                np.array([(one.flag or "-").encode("latin-1")]),
                np.array([int(received)]),
                np.array([origin]),
                one.reported,
            )
            found.pieces.setdefault(factor, []).append(piece)


def _take(found: Columns, row: Any) -> None:
    """The values of rows that have the same factors in the same order."""
    size, width = row.rows, len(row.factors)
    times, received, origins = (
        np.frombuffer(joined, ">i8").astype(np.int64)
        for joined in (row.times, row.received, row.origins)
    )
    flags = np.frombuffer(row.flags, "S1").reshape(size, width)
    tables = {
        name: np.array(floats_of(getattr(row, name), size * width)).reshape(size, width)
        if getattr(row, name) is None
        else np.frombuffer(getattr(row, name), "<f8").reshape(size, width)
        for name in FIELDS
    }
    forms = row.reported or {}
    for place, factor in enumerate(row.factors):
        form = forms.get(factor)
        piece = Piece(
            times,
            {name: tables[name][:, place] for name in FIELDS},
            flags[:, place],
            received,
            origins,
            AsReported(*form) if form else None,
        )
        found.pieces.setdefault(factor, []).append(piece)

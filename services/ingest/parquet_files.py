"""Parquet 长期库: tables of readings that grew old, one zstd file a kind and day or month.

A file is sorted by outlet and time in row groups with statistics, so that a year of one outlet
reads a few groups. Its rows are those of the table, column by column; JSON goes as text. It is
written beside its place, flushed, read back and only then named.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from services.chassis.errors import NotFound
from services.ingest.domain.reading_digest import RowsDigest

#: Rows of one group: what one look-up has to unpack.
GROUP_ROWS = 20_000
_JSON = ("odd", "added", "reported")
SCHEMA = pa.schema(
    [
        ("mn", pa.string()),
        ("kind", pa.int16()),
        ("data_time", pa.timestamp("us", "UTC")),
        ("outlet_id", pa.string()),
        ("factors", pa.list_(pa.string())),
        ("value", pa.binary()),
        ("min", pa.binary()),
        ("max", pa.binary()),
        ("cou", pa.binary()),
        ("converted", pa.binary()),
        ("flags", pa.string()),
        ("odd", pa.string()),
        ("received_at", pa.timestamp("us", "UTC")),
        ("part", pa.int16()),
        ("leaf", pa.int64()),
        ("origin", pa.int16()),
        ("added", pa.string()),
        ("reported", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written and read back."""

    path: str
    rows: RowsDigest
    sha256: bytes
    size: int


class ParquetFiles:
    """The files below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, path: str, batches: Iterable[list[dict[str, Any]]]) -> Written:
        """Write rows (sorted by outlet and time, in batches) and prove the file equal to them.

        Raises RuntimeError when what is read back differs.
        """
        place = self._root / path
        draft = place.with_suffix(f".{os.getpid()}.new")
        place.parent.mkdir(parents=True, exist_ok=True)
        given = RowsDigest()
        with pq.ParquetWriter(draft, SCHEMA, compression="zstd") as writer:
            for group in _groups(batches):
                for row in group:
                    given.add(row)
                table = pa.Table.from_pylist([_packed(row) for row in group], schema=SCHEMA)
                writer.write_table(table, row_group_size=GROUP_ROWS)
        found = RowsDigest()
        for row in self._rows(draft):
            found.add(row)
        if found != given:
            raise RuntimeError(f"{path} does not read back as it was written")
        with draft.open("rb") as file:
            os.fsync(file.fileno())
            sha256 = hashlib.file_digest(file, "sha256").digest()
        size = draft.stat().st_size
        draft.replace(place)
        return Written(path, found, sha256, size)

    def rows(
        self, path: str, start: datetime, end: datetime, *, column: str, among: Iterable[str]
    ) -> list[dict[str, Any]]:
        """Rows of [start, end) whose `column` (outlet_id or mn) is one of `among`.

        Raises NotFound when the file is not on this machine.
        """
        place = self._root / path
        if not place.exists():
            raise NotFound(f"Parquet file {path} is missing here")
        conditions = [
            (column, "in", sorted(among)),
            ("data_time", ">=", pa.scalar(start, pa.timestamp("us", "UTC"))),
            ("data_time", "<", pa.scalar(end, pa.timestamp("us", "UTC"))),
        ]
        table = pq.read_table(place, filters=conditions, schema=SCHEMA)
        return [_unpacked(row) for row in table.to_pylist()]

    def remove(self, path: str) -> None:
        """Take a file away that no longer is what its table holds."""
        (self._root / path).unlink(missing_ok=True)

    def _rows(self, place: Path) -> Iterator[dict[str, Any]]:
        with pq.ParquetFile(place) as file:
            for batch in file.iter_batches(batch_size=GROUP_ROWS):
                yield from map(_unpacked, batch.to_pylist())


def _groups(batches: Iterable[list[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    for batch in batches:
        group += batch
        if len(group) >= GROUP_ROWS:
            yield group
            group = []
    if group:
        yield group


def _packed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value, ensure_ascii=False)
        if name in _JSON and value is not None
        else value
        for name, value in row.items()
    }


def _unpacked(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, **{name: json.loads(row[name]) for name in _JSON if row[name] is not None}}

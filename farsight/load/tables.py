"""表格: rows of CSV and Parquet files, one after another, in bounded memory."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_PARQUET_ROWS = 2000  # at once in memory


class TableFault(ValueError):
    """A file that cannot be read as a table, or a cell that cannot be taken: line and column."""

    def __init__(self, line: int, column: str, reason: str) -> None:
        super().__init__(f"line {line}, {column or 'row'}: {reason}")
        self.line = line
        self.column = column
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in a CSV file (the header is line 1) or its number in a Parquet file."""

    line: int
    cells: Mapping[str, Any]
    fault: TableFault | None = None


def is_parquet(path: Path) -> bool:
    """Whether the file's name says Parquet."""
    return path.suffix.lower() in (".parquet", ".pq")


def columns_of(path: Path) -> list[str]:
    """Return the names of the columns. Raises TableFault for a file that is no table."""
    if is_parquet(path):
        try:
            return list(pq.read_schema(path).names)
        except pa.ArrowException as error:
            raise TableFault(0, "", f"no Parquet file: {error}") from error
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            names = next(csv.reader(file), [])
        except UnicodeDecodeError as error:
            raise TableFault(1, "", "not UTF-8") from error
    if not names:
        raise TableFault(1, "", "no header")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableFault(1, twice[0], "comes twice")
    return names


def rows_of(path: Path) -> Iterator[Row]:
    """Yield the rows; one with too many or too few cells carries its fault.

    Raises TableFault where reading cannot go on.
    """
    yield from _parquet_rows(path) if is_parquet(path) else _csv_rows(path)


def _csv_rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        try:
            names = next(reader, [])
            for cells in reader:
                if not any(cells):
                    continue
                yield _csv_row(reader.line_num, names, cells)
        except UnicodeDecodeError as error:
            raise TableFault(reader.line_num + 1, "", "not UTF-8") from error
        except csv.Error as error:
            raise TableFault(reader.line_num, "", str(error)) from error


def _csv_row(line: int, names: list[str], cells: list[str]) -> Row:
    if len(cells) != len(names):
        reason = f"{len(cells)} cells under {len(names)} columns"
        return Row(line, {}, TableFault(line, "", reason))
    return Row(line, dict(zip(names, map(str.strip, cells), strict=True)))


def _parquet_rows(path: Path) -> Iterator[Row]:
    number = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_PARQUET_ROWS):
            for cells in batch.to_pylist():
                number += 1
                yield Row(number, cells)

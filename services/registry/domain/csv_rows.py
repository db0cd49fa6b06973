"""导入表格: a CSV text to records. Columns are field names; a list is joined with ";"."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, fields
from typing import Any

from services.registry.domain.diff import cell
from services.registry.domain.logger_identity import in_utc
from services.registry.domain.records import CLASSES, Body, Fault, Kind, Moment

_TRUE, _FALSE = ("true", "1", "是"), ("false", "0", "否", "")


@dataclass(frozen=True)
class CsvRow:
    """One line of a file: its number (the header is line 1), its record or its faults."""

    line: int
    body: Body | None
    faults: tuple[Fault, ...] = ()


def _cast(text: str, wanted: Any) -> Any:
    text = text.strip()
    if wanted is bool:
        if text.lower() not in (*_TRUE, *_FALSE):
            raise ValueError("not true or false")
        return text.lower() in _TRUE
    if wanted is int:
        return int(text or "0")
    if wanted is float:
        return float(text or "0")
    if wanted == (float | None):
        return None if text.lower() in ("", "nan") else float(text)
    if wanted == Moment:
        return in_utc(text)
    if wanted == tuple[str, ...]:
        return tuple(part for part in text.split(";") if part)
    return text


def _row(shape: type[Body], line: int, cells: dict[str, str | None]) -> CsvRow:
    values, faults = {}, []
    for field in fields(shape):
        if field.name not in cells:
            continue
        try:
            values[field.name] = _cast(cells[field.name] or "", field.type)
        except ValueError as error:
            faults.append(Fault(field.name, str(error)))
    if faults:
        return CsvRow(line, None, tuple(faults))
    return CsvRow(line, shape(**values))


def read_csv(kind: Kind, text: str) -> Iterator[CsvRow]:
    """Yield the rows of a CSV text with a header of field names.

    A header that names an unknown field, or lacks a field that has no default, is one fault of line
    1 and nothing else is read.
    """
    shape = CLASSES[kind]
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    header = reader.fieldnames or []
    known = [field.name for field in fields(shape)]
    needed = [field.name for field in fields(shape) if field.default is MISSING]
    faults = [Fault(name, "no field of this kind") for name in header if name not in known]
    faults += [Fault(name, "column is missing") for name in needed if name not in header]
    if faults:
        yield CsvRow(1, None, tuple(faults))
        return
    for cells in reader:
        if cells.get(None):  # DictReader keeps surplus cells there
            yield CsvRow(reader.line_num, None, (Fault("", "more cells than columns"),))
        else:
            yield _row(shape, reader.line_num, cells)


def header_line(kind: Kind) -> str:
    """Return the first line of a table of a kind."""
    return _line(field.name for field in fields(CLASSES[kind]))


def csv_line(body: Body) -> str:
    """Return a record as a line that `read_csv` reads back to the same record."""
    return _line(cell(value) for value in vars(body).values())


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()

"""表格: rows of a CSV or Excel file, whatever its encoding and whatever its columns are called."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import python_calamine

from farsight.screen.cells import column_names
from services.chassis.errors import InputRejected

Rows = Iterator[tuple[int, dict[str, str]]]

_EXCEL = frozenset({".xlsx", ".xls", ".xlsm", ".ods"})
#: Tried in order; GB 18030 reads every GBK and GB 2312 file.
_ENCODINGS = ("utf-8-sig", "gb18030")
_BRACKETS = re.compile(r"[（(\[].*?[)）\]]")
#: An export begins with a title or the name of the plant: the header is looked for in these lines.
_HEADER_WITHIN = 12
_LONG = ("factor", "value")


def rows(path: Path, needed: Iterable[str]) -> Rows:
    """Lines of a table as dictionaries, by our names of the columns, each with its line number.

    A table with times and a column a factor ("COD(mg/L)") comes as one row a value. Raises
    InputRejected naming the file, what is wrong and what to do.
    """
    lines = _excel(path) if path.suffix.lower() in _EXCEL else _text(path)
    top, names = _header(path, lines)
    needed = set(needed)
    wide = {*_LONG} <= needed and not {*_LONG} & set(names) and "time" in names
    missing = sorted(needed - set(names) - ({*_LONG} if wide else set()))
    if missing:
        raise InputRejected(
            f"{path.name}: no column {', '.join(missing)}; it has {', '.join(filter(None, names))}."
            " Name the columns station, factor, time, value (站点、因子、时间、值)"
        )
    return _wide(top, names, lines) if wide else _long(top, names, lines)


def _long(top: int, names: Sequence[str], lines: Iterator[Sequence[str]]) -> Rows:
    for at, cells in enumerate(lines, top + 1):
        if any(cells):
            yield at, _row(names, cells)


def _row(names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Cells by name; a line that ends early has empty ones."""
    return dict(zip_longest(names, cells[: len(names)], fillvalue=""))


def _wide(top: int, names: Sequence[str], lines: Iterator[Sequence[str]]) -> Rows:
    """One row a value of a table with a column a factor."""
    known = set(column_names().values())
    factors = [name for name in dict.fromkeys(names) if name and name not in known]
    for line, cells in enumerate(lines, top + 1):
        row = _row(names, cells)
        for factor in factors:
            if row["time"]:
                yield line, {**row, "factor": factor, "value": row[factor]}


def _header(path: Path, lines: Iterator[Sequence[str]]) -> tuple[int, list[str]]:
    """Number and names of the header: the first line with two known columns, or times and more."""
    aliases = column_names()
    for line, cells in zip(range(1, _HEADER_WITHIN + 1), lines, strict=False):
        bare = [_BRACKETS.sub("", cell).strip() for cell in cells]
        names = [aliases.get(cell.lower(), cell) for cell in bare]
        found = {*names} & {*aliases.values()}
        if len(found) >= 2 or ("time" in found and sum(map(bool, bare)) >= 2):
            return line, names
    raise InputRejected(
        f"{path.name}: no header; the first line names the columns: station, factor, time, value"
        " (站点、因子、时间、值)"
    )


def _text(path: Path) -> Iterator[Sequence[str]]:
    text = _decoded(path)
    first = text[:4096]
    comma = max(",\t;", key=first.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=comma)


def _decoded(path: Path) -> str:
    try:
        body = path.read_bytes()
    except OSError as error:
        raise InputRejected(
            f"{path}: {error.strerror}; name a folder with series.csv and stations.csv, or one file"
        ) from error
    for encoding in _ENCODINGS:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputRejected(f"{path.name}: neither UTF-8 nor GBK text; save it as CSV (UTF-8)")


def _excel(path: Path) -> Iterator[Sequence[str]]:
    """Cells of the first sheet as text, times as we write them."""
    try:
        sheet = python_calamine.load_workbook(str(path)).get_sheet_by_index(0)
        cells = sheet.to_python(skip_empty_area=False)
    except (python_calamine.CalamineError, OSError) as error:
        raise InputRejected(f"{path.name}: {error}; save it again as .xlsx or CSV") from error
    return ([_cell(cell) for cell in line] for line in cells)


def _cell(cell: Any) -> str:
    if isinstance(cell, datetime):
        return cell.replace(microsecond=0).isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).strip()

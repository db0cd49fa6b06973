"""The queue as a table 办理清单: columns, and writers of CSV and Excel that keep no row.

Text that a spreadsheet would take for a formula is written as text: marked by an apostrophe in CSV,
by the cell's own type in Excel. Times are Beijing times; Excel gets real dates.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill

from services.cases import rules
from services.cases.domain.matter import Kind, Level
from services.cases.domain.risk import Reason, heaviest
from services.cases.tables import MatterRow
from services.chassis.clock import beijing

#: Rows of one sheet; Excel itself ends at 1,048,576.
SHEET_ROWS = 1_000_000
LEVELS = {Level.WARNING: "事前预警", Level.DISPATCH: "事中调度", Level.SUPERVISION: "事后督办"}
_FORMULA = re.compile(r"^[=+\-@\t\r\n|%]")
_MOMENT = "yyyy-mm-dd hh:mm"
Cell = str | int | dt.datetime | None


@dataclass(frozen=True)
class NextClock:
    """What a head's nearest clock asks for, by which article, and whether the law says so."""

    action_zh: str
    source_zh: str
    statutory: bool


@dataclass(frozen=True)
class Line:
    """A head with its nearest clock, as of a moment."""

    row: MatterRow
    clock: NextClock | None
    now: dt.datetime

    @property
    def overdue(self) -> bool:
        """Whether the nearest end is past and the matter open."""
        due = self.row.next_due_at
        return self.row.closed_at is None and due is not None and due <= self.now


@dataclass(frozen=True)
class Column:
    """One column: heading, width in signs, value."""

    zh: str
    width: int
    value: Callable[[Line], Cell]


def _moment(value: dt.datetime | None) -> dt.datetime | None:
    """Beijing time without zone, whole minutes: what Excel knows as a date."""
    if value is None:
        return None
    return beijing(value).replace(tzinfo=None, second=0, microsecond=0)


def _level(line: Line) -> str:
    levelled = line.row.kind in {Kind.ORDER.value, Kind.LISTED.value}
    return LEVELS[Level(line.row.level)] if levelled else ""


def _state(line: Line) -> str:
    return rules.life_cycle(Kind(line.row.kind)).states[line.row.state].zh


def _nature(line: Line) -> str:
    if line.clock is None:
        return ""
    return "法定期限" if line.clock.statutory else "工作时限"


COLUMNS: tuple[Column, ...] = (
    Column("编号", 22, lambda one: one.row.number),
    Column("类别", 14, lambda one: rules.life_cycle(Kind(one.row.kind)).zh),
    Column("状态", 16, _state),
    Column("督办级别", 10, _level),
    Column("事项", 36, lambda one: one.row.title),
    Column("排污单位", 32, lambda one: one.row.enterprise_name),
    Column("统一社会信用代码", 21, lambda one: one.row.credit_code),
    Column("排放口", 16, lambda one: one.row.outlet_name),
    Column("区划代码", 10, lambda one: one.row.division),
    Column("承办人", 12, lambda one: one.row.assignee_name),
    Column("执法队伍", 14, lambda one: one.row.team_id),
    Column("产生时间", 17, lambda one: _moment(one.row.opened_at)),
    Column("最近期限", 30, lambda one: one.clock.action_zh if one.clock else ""),
    Column("期限性质", 10, _nature),
    Column("期限依据", 34, lambda one: one.clock.source_zh if one.clock else ""),
    Column("到期时间", 17, lambda one: _moment(one.row.next_due_at)),
    Column("是否超期", 10, lambda one: "是" if one.overdue else "否"),
    Column("风险分", 8, lambda one: one.row.risk),
    Column("风险说明", 40, lambda one: heaviest([Reason(*each) for each in one.row.risk_reasons])),
    Column("对企业保密", 11, lambda one: "是" if one.row.confidential else "否"),
    Column("办结时间", 17, lambda one: _moment(one.row.closed_at)),
)


class TableWriter(Protocol):
    """Takes rows, then ends the file."""

    def write(self, lines: Sequence[Line]) -> None:
        """Add rows."""

    def finish(self) -> None:
        """Write what ends the file."""


class CsvWriter:
    """UTF-8 with byte order mark, as Excel opens it; RFC 4180 line ends."""

    def __init__(self, file: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        self._csv = csv.writer(self._text, lineterminator="\r\n")
        self._csv.writerow([column.zh for column in COLUMNS])

    def write(self, lines: Sequence[Line]) -> None:
        """Add rows."""
        self._csv.writerows([[plain(c.value(line)) for c in COLUMNS] for line in lines])

    def finish(self) -> None:
        """Leave the file to its owner."""
        self._text.detach()


def plain(value: Cell) -> str:
    """A cell of CSV; what begins like a formula gets an apostrophe before it."""
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and _FORMULA.match(text) else text


class ExcelWriter:
    """A workbook written row by row: openpyxl keeps none of them."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._book = Workbook(write_only=True)
        self._left = 0

    def write(self, lines: Sequence[Line]) -> None:
        """Add rows, on a new sheet where one is full."""
        for line in lines:
            if not self._left:
                self._begin_sheet()
            self._sheet.append([self._cell(column.value(line)) for column in COLUMNS])
            self._left -= 1

    def finish(self) -> None:
        """Write the workbook; one without rows has its header."""
        if not self._book.worksheets:
            self._begin_sheet()
        self._book.save(self._file)

    def _begin_sheet(self) -> None:
        number = len(self._book.worksheets) + 1
        self._sheet: Any = self._book.create_sheet(
            "办理清单" if number == 1 else f"办理清单{number}"
        )
        self._sheet.freeze_panes = "B2"
        for place, column in enumerate(COLUMNS):
            self._sheet.column_dimensions[_letter(place)].width = column.width
        self._sheet.append([self._heading(column.zh) for column in COLUMNS])
        self._left = SHEET_ROWS

    def _heading(self, text: str) -> Any:
        cell = WriteOnlyCell(self._sheet, value=text)
        cell.font, cell.fill, cell.alignment = _BOLD, _GREY, _MIDDLE
        return cell

    def _cell(self, value: Cell) -> Any:
        if isinstance(value, dt.datetime):
            cell = WriteOnlyCell(self._sheet, value=value)
            cell.number_format = _MOMENT
            return cell
        if not isinstance(value, str):
            return value
        text = ILLEGAL_CHARACTERS_RE.sub("", value)
        if not _FORMULA.match(text):
            return text
        cell = WriteOnlyCell(self._sheet, value=text)
        cell.data_type = "s"  # openpyxl would take `=` for a formula
        cell.quotePrefix = True  # and so would Excel once somebody edits the cell
        return cell


_BOLD = Font(bold=True)
_GREY = PatternFill("solid", start_color="FFE6EAEE")
_MIDDLE = Alignment(vertical="center")


def _letter(place: int) -> str:
    """A, B, ... Z: as many columns as there are."""
    return chr(ord("A") + place)


#: File ending, writer.
WRITERS: Mapping[str, Callable[[IO[bytes]], TableWriter]] = {"csv": CsvWriter, "xlsx": ExcelWriter}

"""The lines of `farsight decode` as a table for people: aligned, in colour on a terminal only."""

from datetime import datetime
from typing import Any
from unicodedata import east_asian_width

from services.ingest.hj212.commands import find
from services.ingest.hj212.messages.values import BEIJING

Line = dict[str, Any]

_COLUMNS = ("value", "min", "max", "cou", "converted")
_TITLES = ("字节", "长度", "版本", "命令", "设备 MN", "请求 QN", "内容")
_WIDTHS = (10, 6, 5, 5, 25, 18, 0)
_INDENT = " " * 18
_NAME = 26
_RED, _YELLOW, _DIM, _BOLD, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[1m", "\x1b[0m"


class Table:
    """Texts of lines one after another; the titles stand before the first."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._begun = False

    def text(self, line: Line) -> str:
        """One line of `decode`, as one or several lines of the table."""
        rows = [] if self._begun else [self._paint(_row(*_TITLES), _BOLD)]
        self._begun = True
        rows += {"frame": self._frame, "fault": self._fault, "balance": self._balance}[
            line["kind"]
        ](line)
        return "\n".join(rows)

    def _frame(self, line: Line) -> list[str]:
        head = line["segment"]
        cn = head["cn"] or ""
        command = find(cn)
        # The logger's own clock: Beijing time, as DataTime has it.
        what = [command.title_zh if command else "未知命令", line["message"]["type"]]
        if "data_time" in line["message"]:
            moment = datetime.fromisoformat(line["message"]["data_time"]).astimezone(BEIJING)
            what.append(moment.strftime("%Y-%m-%d %H:%M:%S"))
        place = (str(line["offset"]), str(line["size"]), str(line["version"]))
        names = (_shown(head["mn"] or ""), _shown(head["qn"] or ""))
        rows = [_row(*place, _shown(cn), *names, " ".join(what))]
        if line["repairs"]:
            rows.append(self._paint(f"{_INDENT}repaired: {', '.join(line['repairs'])}", _YELLOW))
        if line["notes"]:
            rows.append(self._paint(f"{_INDENT}noted: {', '.join(line['notes'])}", _DIM))
        if line["readings"]:
            return rows + [self._reading(reading) for reading in line["readings"]]
        items = [",".join(f"{name}={value}" for name, value in item) for item in line["area"]]
        return rows + [f"{_INDENT}{_shown(item)}" for item in items]

    def _reading(self, reading: Line) -> str:
        numbers = [f"{name} {reading[name]:g}" for name in _COLUMNS if name in reading]
        odd = [f"{name} {text!r}" for name, text in reading.get("odd", {}).items()]
        name = f"{_shown(reading['code'])} {reading.get('name', '未知因子')}"
        parts = [", ".join(numbers), reading.get("unit", ""), reading["flag"]]
        text = f"{_INDENT}{_padded(name, _NAME)}{' '.join(part for part in parts if part)}"
        if "reported_code" in reading:
            text += f" (reported as {reading['reported_code']})"
        return text + (self._paint(f" not a number: {', '.join(odd)}", _YELLOW) if odd else "")

    def _fault(self, line: Line) -> list[str]:
        detail = f" {_shown(line['detail'])}" if line["detail"] else ""
        place = f"{_padded(str(line['offset']), 10)}{_padded(str(line['size']), 6)}"
        return [self._paint(f"{place}FAULT {line['fault']}{detail}: {_shown(line['start'])}", _RED)]

    def _balance(self, line: Line) -> list[str]:
        text = f"{line['bytes']} bytes: {line['frames']} frames, {line['faults']} faults"
        return [self._paint(f"{text}, {line['skipped']} bytes between them", _BOLD)]

    def _paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._colour else text


def _row(*cells: str) -> str:
    pairs = zip(cells, _WIDTHS, strict=True)
    return "".join(_padded(cell, width) for cell, width in pairs).rstrip()


def _padded(text: str, width: int) -> str:
    """Padded to a display width (Chinese characters are two wide); never cut."""
    taken = sum(2 if east_asian_width(char) in "WF" else 1 for char in text)
    return text + " " * max(1 if width else 0, width - taken)


def _shown(text: str) -> str:
    """A device's text without the characters that would command a terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )

"""核查与参数文件: checks.csv and parameters.csv of a folder, for the tests of instruments."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from farsight.screen.cells import number_of, time_of
from farsight.screen.table import rows
from services.chassis.errors import InputRejected
from services.detect.screening.panel import CheckResult, Panel, ParameterValue

CHECKS, PARAMETERS = "checks.csv", "parameters.csv"
_KINDS = {
    "zero": "zero", "span": "span", "standard": "standard",
    "零点": "zero", "零点核查": "zero", "量程": "span", "跨度": "span", "量程核查": "span",
    "标样": "standard", "标样核查": "standard", "质控样": "standard",
}  # fmt: skip
_YES = frozenset({"1", "true", "yes", "y", "是", "已报备", "有"})
_NO = frozenset({"", "0", "false", "no", "n", "否", "未报备", "无"})


@dataclass(frozen=True)
class Record:
    """A line of either file."""

    station: str
    factor: str
    time_s: int
    what: str
    """Kind of a check, or name of a parameter."""
    numbers: tuple[float, float]
    """Expected and measured of a check; value of a parameter, and 1 where it was reported."""


@dataclass(frozen=True)
class DeviceFiles:
    """What a folder tells of its instruments; empty where it has no such file."""

    checks: tuple[Record, ...] = ()
    parameters: tuple[Record, ...] = ()

    def strangers(self, known: Collection[tuple[str, str]]) -> list[str]:
        """Note on records of series that are not there; none where all are."""
        both = (*self.checks, *self.parameters)
        lost = [r for r in both if (r.station, r.factor) not in known]
        if not lost:
            return []
        where = f"{lost[0].station} {lost[0].factor}"
        text = "checks or parameters of series that are not there 核查或参数记录没有对应序列"
        return [f"{len(lost)} {text} (e.g. {where})"]

    def into(self, panel: Panel) -> Panel:
        """The panel with the records of its series; those after its last cell are left out.

        What came before its first cell has a negative cell: it is history of the instrument.
        """
        row_of = {(key.outlet_id, key.factor): row for row, key in enumerate(panel.keys)}
        first = panel.start_s + 8 * 3600
        step = panel.step_min * 60

        def mine(records: tuple[Record, ...]) -> list[tuple[int, int, Record]]:
            placed = (
                (row_of[r.station, r.factor], (r.time_s - first) // step, r)
                for r in records if (r.station, r.factor) in row_of
            )  # fmt: skip
            return sorted((p for p in placed if p[1] < panel.cells), key=lambda p: p[:2])

        checks = [CheckResult(row, at, r.what, *r.numbers) for row, at, r in mine(self.checks)]
        parameters = [
            ParameterValue(row, at, r.what, r.numbers[0], reported=bool(r.numbers[1]))
            for row, at, r in mine(self.parameters)
        ]
        return replace(panel, checks=checks, parameters=parameters)


def read_device_files(folder: Path) -> DeviceFiles:
    """Reads both files where they are there.

    checks.csv: station,factor,time,kind,expected,measured, kind zero | span | standard.
    parameters.csv: station,factor,time,name,value,reported; each line is the value from that time.
    Raises InputRejected naming file, line, what is wrong and what to do.
    """
    checks, parameters = folder / CHECKS, folder / PARAMETERS
    return DeviceFiles(
        tuple(_checks(checks)) if checks.exists() else (),
        tuple(_parameters(parameters)) if parameters.exists() else (),
    )


def _checks(path: Path) -> list[Record]:
    found = []
    for line, row in rows(path, ("station", "factor", "time", "kind", "expected", "measured")):
        kind = _KINDS.get(row["kind"].strip().lower())
        if kind is None:
            raise InputRejected(
                f"{path.name}:{line}: kind {row['kind']!r}; write zero, span or standard"
            )
        numbers = _number(path, line, row, "expected"), _number(path, line, row, "measured")
        found.append(_record(path, line, row, kind, numbers))
    return found


def _parameters(path: Path) -> list[Record]:
    found = []
    for line, row in rows(path, ("station", "factor", "time", "name", "value", "reported")):
        word = row["reported"].strip().lower()
        if word not in _YES | _NO:
            raise InputRejected(f"{path.name}:{line}: reported {word!r}; write 1 or 0")
        numbers = _number(path, line, row, "value"), float(word in _YES)
        found.append(_record(path, line, row, row["name"].strip(), numbers))
    return sorted(found, key=lambda record: record.time_s)


def _record(
    path: Path, line: int, row: dict[str, str], what: str, numbers: tuple[float, float]
) -> Record:
    try:
        time_s = time_of(row["time"])
    except ValueError as error:
        raise InputRejected(f"{path.name}:{line}: {error}; correct the line") from error
    return Record(row["station"], row["factor"], time_s, what, numbers)


def _number(path: Path, line: int, row: dict[str, str], column: str) -> float:
    value = number_of(row[column])
    if not np.isfinite(value):
        raise InputRejected(
            f"{path.name}:{line}: {column} {row[column]!r} is no number; correct the line"
        )
    return value

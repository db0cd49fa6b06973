"""Reads a folder of CSV files, or one table alone, into panels, one an interval."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from farsight.screen.device_files import DeviceFiles, read_device_files
from farsight.screen.series_file import (
    Column,
    Station,
    check_known,
    guessed_stations,
    read_series,
    read_stations,
)
from services.chassis.errors import InputRejected
from services.detect.domain.series_key import SeriesKey
from services.detect.screening.panel import Panel

__all__ = ["Station", "Table", "read_panels", "read_stations", "read_table", "time_text"]

#: Letters that leave a value in the statistics; any other takes it out.
USED_FLAGS = frozenset({"", "-", "N", "T"})
_DAY_S = 86_400
#: More cells are no table for one machine; more years have a wrong date among them.
_MOST_CELLS, _MOST_YEARS = 200_000_000, 60


@dataclass(frozen=True)
class Table:
    """What a folder or file held."""

    panels: list[Panel]
    stations: dict[str, Station]
    rows: int
    notes: tuple[str, ...]
    """What was guessed or left out, for people."""


def read_panels(path: Path) -> list[Panel]:
    """Panels of a folder or file, shortest interval first. Raises as `read_table`."""
    return read_table(path).panels


def read_table(path: Path) -> Table:
    """Reads a folder with series.csv and stations.csv, or one table (CSV, Excel) alone.

    `time` is local time of the plant, as 2024-01-31 13:00:00; a missing row is a missing value.
    A folder may also have checks.csv and parameters.csv, see `device_files`. Without stations.csv
    the interval of each station is guessed from its times. Raises InputRejected naming file, line,
    what is wrong and what to do.
    """
    file = path / "series.csv" if path.is_dir() else path
    described = path / "stations.csv"
    given = read_stations(described) if path.is_dir() and described.exists() else None
    series = read_series(file)
    if given is not None:
        check_known(file, series, given)
    stations = given or guessed_stations(file, series)
    steps = sorted({stations[station].interval_min for station, _ in series.columns})
    notes = []
    if given is None:
        guessed = "、".join(f"{step} min" for step in steps)
        notes.append(f"interval guessed from the times 间隔按时间推定: {guessed}")
    if series.words:
        line, text = series.words[0]
        notes.append(
            f"{len(series.words)} values are no numbers and count as missing 非数值按缺失处理"
            f" (line {line}: {text!r})"
        )
    if repeated := _repeated(series.columns, stations):
        notes.append(f"{repeated} times came twice, the last counts 重复时间取最后一行")
    device = read_device_files(path) if path.is_dir() else DeviceFiles()
    notes += device.strangers(series.columns)
    panels = [device.into(_panel(file, step, series.columns, stations)) for step in steps]
    count = sum(len(column.value) for column in series.columns.values())
    return Table(panels, stations, count, tuple(notes))


def _repeated(columns: dict[tuple[str, str], Column], stations: dict[str, Station]) -> int:
    """Lines that stand in a cell that an earlier line had."""
    return sum(
        len(column.time_s)
        - np.unique(np.array(column.time_s) // (stations[station].interval_min * 60)).size
        for (station, _), column in columns.items()
    )


def _panel(
    file: Path,
    step: int,
    columns: dict[tuple[str, str], Column],
    stations: dict[str, Station],
) -> Panel:
    mine = {k: c for k, c in columns.items() if stations[k[0]].interval_min == step}
    start = min(min(c.time_s) for c in mine.values()) // _DAY_S * _DAY_S
    end = max(max(c.time_s) for c in mine.values())
    cells = -(-(end - start + step * 60) // _DAY_S) * _DAY_S // (step * 60)
    shape = len(mine), cells
    years = (end - start) / (365.25 * _DAY_S)
    if shape[0] * shape[1] > _MOST_CELLS or years > _MOST_YEARS:
        raise InputRejected(
            f"{file.name}: {len(mine)} series from {_day(start)} to {_day(end)} at {step} min are"
            " too many for one run; is a year wrong? Else give fewer stations or days at a time"
        )
    value = np.full(shape, np.nan)
    flag = np.zeros(shape, dtype=np.uint8)
    marked = np.zeros(shape, dtype=bool)
    for row, column in enumerate(mine.values()):
        at = (np.array(column.time_s) - start) // (step * 60)
        value[row, at] = column.value
        flag[row, at] = [ord(f[0]) if f else 0 for f in column.flag]
        marked[row, at] = [f not in USED_FLAGS for f in column.flag]
    return Panel(
        step_min=step,
        start_s=int(start) - 8 * 3600,
        keys=[SeriesKey(*key) for key in mine],
        value=value,
        flag=flag,
        marked=marked,
        limit=np.array([c.limit for c in mine.values()]),
        enterprise=[stations[s].enterprise for s, _ in mine],
        operator=[stations[s].operator for s, _ in mine],
    )


def time_text(panel: Panel, cell: int) -> str:
    """Local time of a cell as the folder writes it."""
    at = datetime.fromtimestamp(panel.start_s + cell * panel.step_min * 60 + 8 * 3600, UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S")


def _day(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).date().isoformat()

"""Reads series.csv and stations.csv into panels, one an interval."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from services.chassis.errors import InputRejected
from services.detect.domain.series_key import SeriesKey
from services.detect.screening.panel import Panel

#: Letters that leave a value in the statistics; any other takes it out.
USED_FLAGS = frozenset({"", "-", "N", "T"})
_DAY_S = 86_400
_COLUMNS = ("station", "factor", "time", "value")


@dataclass
class _Column:
    """Values of one series as they are read."""

    time_s: list[int]
    value: list[float]
    flag: list[str]
    limit: float


@dataclass(frozen=True)
class Station:
    """A row of stations.csv."""

    enterprise: str
    interval_min: int
    kind: str = ""
    operator: str = ""


def read_panels(folder: Path) -> list[Panel]:
    """Panels of a folder, shortest interval first.

    `time` is local time of the plant, as 2024-01-31 13:00:00; a missing row is a missing value.
    Raises InputRejected naming file, line, what is wrong and what to do.
    """
    stations = read_stations(folder / "stations.csv")
    columns = _read_series(folder / "series.csv", stations)
    steps = sorted({stations[station].interval_min for station, _ in columns})
    return [_panel(step, columns, stations) for step in steps]


def read_stations(path: Path) -> dict[str, Station]:
    """Stations by name. Raises InputRejected for a file or a line that cannot be used."""
    found: dict[str, Station] = {}
    for line, row in _rows(path, ("station", "interval_min")):
        try:
            step = int(float(row["interval_min"]))
        except ValueError:
            step = 0
        if not 1 <= step <= 1440 or 1440 % step:
            raise InputRejected(
                f"{path.name}:{line}: interval_min {row['interval_min']!r} does not divide a day;"
                " write minutes, as 60"
            )
        name = row["station"]
        found[name] = Station(
            row.get("enterprise") or name, step, row.get("kind") or "", row.get("operator") or ""
        )
    return found


def _rows(path: Path, needed: Iterable[str]) -> Iterable[tuple[int, dict[str, str]]]:
    try:
        lines = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputRejected(f"{path}: {error.strerror}; a folder has series.csv and stations.csv") \
            from error  # fmt: skip
    with lines:
        reader = csv.DictReader(lines)
        missing = [name for name in needed if name not in (reader.fieldnames or [])]
        if missing:
            raise InputRejected(f"{path.name}:1: no column {', '.join(missing)}; add it")
        yield from enumerate(reader, 2)


def _read_series(path: Path, stations: dict[str, Station]) -> dict[tuple[str, str], _Column]:
    found: dict[tuple[str, str], _Column] = {}
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001  # local time of the plant, whatever its zone
    times: dict[str, int] = {}
    for line, row in _rows(path, _COLUMNS):
        key = row["station"], row["factor"]
        if key[0] not in stations:
            raise InputRejected(f"{path.name}:{line}: station {key[0]!r} is not in stations.csv")
        text = row["time"]
        time_s = times.get(text)
        try:
            if time_s is None:
                moment = datetime.fromisoformat(text).replace(tzinfo=None)
                time_s = times[text] = int((moment - epoch) / timedelta(seconds=1))
            value = float(row["value"]) if row["value"] else np.nan
            limit = float(row.get("limit") or "nan")
        except ValueError as error:
            raise InputRejected(f"{path.name}:{line}: {error}; correct the line") from error
        column = found.get(key)
        if column is None:
            column = found[key] = _Column([], [], [], limit)
        column.time_s.append(time_s)
        column.value.append(value)
        column.flag.append(row.get("flag") or "")
    return found


def _panel(
    step: int, columns: dict[tuple[str, str], _Column], stations: dict[str, Station]
) -> Panel:
    mine = {k: c for k, c in columns.items() if stations[k[0]].interval_min == step}
    start = min(min(c.time_s) for c in mine.values()) // _DAY_S * _DAY_S
    end = max(max(c.time_s) for c in mine.values())
    cells = -(-(end - start + step * 60) // _DAY_S) * _DAY_S // (step * 60)
    shape = len(mine), cells
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

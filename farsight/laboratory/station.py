"""算例站点: one station's series as the laboratory changes them, and folders of such stations."""

import csv
import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farsight.screen.folder import read_panels, read_stations
from services.detect.kernels.series import Floats, Series
from services.detect.kernels.series_profile import series_profile
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role, role_of

_LOCAL_S = 8 * 3600


@dataclass
class Channel:
    """One factor: values on the station's grid (NaN = nothing received), flags, limit."""

    value: Floats
    flag: NDArray[np.str_]
    limit: float = np.nan

    @classmethod
    def of(cls, value: Floats, limit: float = np.nan) -> "Channel":
        """Without flags."""
        return cls(np.asarray(value, dtype=float), np.zeros(len(value), dtype="<U1"), limit)

    def grid_and_cycle(self) -> tuple[float, int]:
        """Smallest step of the values, and cells of one analyser cycle."""
        own = series_profile(Series.of(self.value))
        return float(own.grid[0]) or 1e-3, max(1, int(own.hold[0]))


@dataclass
class Station:
    """算例站点. `checks` and `parameters` are lines of the optional files of a folder."""

    name: str
    step_min: int
    channels: dict[str, Channel]
    enterprise: str = ""
    operator: str = ""
    kind: str = ""
    start_s: int = 1_704_067_200  # 2024-01-01 00:00 local, as the benchmark begins
    checks: list[tuple[str, int, str, float, float]] = field(default_factory=list)
    """Factor, cell, kind, expected, measured."""
    parameters: list[tuple[str, int, str, float, bool]] = field(default_factory=list)
    """Factor, cell, name, value, reported."""

    @property
    def cells(self) -> int:
        """Length of the grid."""
        return max(len(channel.value) for channel in self.channels.values())

    @property
    def per_day(self) -> int:
        """Cells a day, at least 1."""
        return max(1, 1440 // self.step_min)

    def cells_of(self, hours: float) -> int:
        """Cells in so many hours, at least 1."""
        return max(1, round(hours * 60 / self.step_min))

    def factors(self, *roles: Role) -> list[str]:
        """Factors of these roles, in order."""
        return [factor for factor in self.channels if role_of(factor) in roles]

    def copy(self) -> "Station":
        """A copy whose values can be changed."""
        channels = {
            factor: Channel(c.value.copy(), c.flag.copy(), c.limit)
            for factor, c in self.channels.items()
        }
        return dataclasses.replace(
            self, channels=channels, checks=[*self.checks], parameters=[*self.parameters]
        )

    def time(self, cell: int) -> str:
        """Local time of a cell as a folder writes it."""
        moment = datetime.fromtimestamp(self.start_s + cell * self.step_min * 60, UTC)
        return moment.strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True)
class Marked:
    """A label of `labels.csv`: cells [begin, end) of one series."""

    event: str
    station: str
    factor: str
    pattern: str
    begin: int
    end: int
    variant: str


def read_clean(folder: Path) -> list[Station]:
    """Stations of a folder without a label in `labels.csv`, where it has one."""
    labels = folder / "labels.csv"
    dirty = set()
    if labels.exists():
        with labels.open(encoding="utf-8-sig", newline="") as lines:
            dirty = {row["station"] for row in csv.DictReader(lines)}
    kinds = read_stations(folder / "stations.csv")
    return [
        _station(panel, name, rows, kinds[name].kind)
        for panel in read_panels(folder)
        for name, rows in panel.rows_of.items()
        if name not in dirty
    ]


def _station(panel: Panel, name: str, rows: Sequence[int], kind: str) -> Station:
    channels = {}
    first, end = min(panel.first[r] for r in rows), max(panel.end[r] for r in rows)
    first -= first % panel.per_day  # the grid of a station begins at a midnight
    for row in rows:
        letters = panel.flag[row, first:end]
        flag = np.array([chr(c) if c else "" for c in letters.tolist()], dtype="<U1")
        value = panel.value[row, first:end].copy()
        channels[panel.keys[row].factor] = Channel(value, flag, float(panel.limit[row]))
    return Station(
        name=name,
        step_min=panel.step_min,
        channels=channels,
        enterprise=panel.enterprise[rows[0]],
        operator=panel.operator[rows[0]] if panel.operator else "",
        kind=kind,
        start_s=panel.start_s + _LOCAL_S + int(first) * panel.step_min * 60,
    )


def write_folder(folder: Path, stations: Sequence[Station], labels: Iterable[Marked]) -> int:
    """Write a folder in the benchmark's format; rows of series.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    by_name = {station.name: station for station in stations}
    ordered = sorted(stations, key=lambda station: station.name)
    count = _write(folder / "series.csv", "station,factor,time,value,limit,flag", _series(ordered))
    _write(
        folder / "stations.csv",
        "station,enterprise,operator,interval_min,kind",
        ((s.name, s.enterprise or s.name, s.operator, s.step_min, s.kind) for s in ordered),
    )
    _write(
        folder / "labels.csv",
        "event_id,station,factor,pattern,start,end,variant",
        (
            (m.event, m.station, m.factor, m.pattern, by_name[m.station].time(m.begin),
             by_name[m.station].time(m.end - 1), m.variant)
            for m in labels
        ),
    )  # fmt: skip
    _write(
        folder / "checks.csv",
        "station,factor,time,kind,expected,measured",
        (
            (s.name, factor, s.time(cell), kind, _short(expected), _short(measured))
            for s in ordered
            for factor, cell, kind, expected, measured in sorted(s.checks)
        ),
    )
    _write(
        folder / "parameters.csv",
        "station,factor,time,name,value,reported",
        (
            (s.name, factor, s.time(cell), name, _short(value), int(reported))
            for s in ordered
            for factor, cell, name, value, reported in sorted(s.parameters, key=lambda p: p[1])
        ),
    )
    return count


def _series(stations: Iterable[Station]) -> Iterator[tuple[Any, ...]]:
    for station in stations:
        times = [station.time(cell) for cell in range(station.cells)]
        for factor in sorted(station.channels):
            channel = station.channels[factor]
            limit = "" if np.isnan(channel.limit) else _short(channel.limit)
            some = np.flatnonzero(np.isfinite(channel.value)).tolist()
            values, flags = channel.value.tolist(), channel.flag.tolist()
            for cell in some:
                value = _short(values[cell])
                yield station.name, factor, times[cell], value, limit, flags[cell]


def _short(value: float) -> str:
    return f"{round(value, 5):.10g}"


def _write(path: Path, head: str, rows: Iterable[Sequence[Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(head.split(","))
        for row in rows:
            writer.writerow(row)
            count += 1
    return count

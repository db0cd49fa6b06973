"""序列文件: values of every station and factor from one table, and what is said of stations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from farsight.screen.cells import flag_of, number_of, time_of
from farsight.screen.table import rows
from services.chassis.errors import InputRejected

_DAY_MIN = 1440
_NEEDED = ("factor", "time", "value")
#: More cells than this share that hold a word instead of a number: it is another column.
_MOST_WORDS = 0.5


@dataclass
class Column:
    """Values of one series as they are read."""

    limit: float
    time_s: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    flag: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Station:
    """A row of stations.csv."""

    enterprise: str
    interval_min: int
    kind: str = ""
    operator: str = ""


@dataclass
class SeriesFile:
    """序列文件 as read."""

    columns: dict[tuple[str, str], Column] = field(default_factory=dict)
    owners: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Station -> enterprise and operator, where the table has such columns."""
    words: list[tuple[int, str]] = field(default_factory=list)
    """Line and text of cells that hold a word instead of a number; taken as missing."""


def read_series(path: Path) -> SeriesFile:
    """All series of a table; a table without stations is one station, named as the file.

    Raises InputRejected naming file, line, what is wrong and what to do.
    """
    found = SeriesFile()
    count = 0
    for line, row in rows(path, _NEEDED):
        station, text = row.get("station") or path.stem, row["value"]
        key = station, row["factor"]
        column = found.columns.get(key)
        if column is None:
            column = found.columns[key] = Column(number_of(row.get("limit") or ""))
            found.owners.setdefault(station, (row.get("enterprise", ""), row.get("operator", "")))
        try:
            column.time_s.append(time_of(row["time"]))
        except ValueError as error:
            raise InputRejected(f"{path.name}:{line}: {error}; correct the line") from error
        value = number_of(text)
        if value != value and text.strip():  # noqa: PLR0124 - NaN, a million times
            found.words.append((line, text))
        column.value.append(value)
        column.flag.append(flag_of(row.get("flag") or ""))
        count += 1
    _check(path, found, count)
    return found


def _check(path: Path, found: SeriesFile, count: int) -> None:
    if not count:
        raise InputRejected(f"{path.name}: no line below the header; export a span with data")
    if len(found.words) > _MOST_WORDS * count:
        line, text = found.words[0]
        raise InputRejected(
            f"{path.name}:{line}: {text!r} is no number, and so are most values; name the column"
            " that holds them value (值)"
        )


def read_stations(path: Path) -> dict[str, Station]:
    """Stations by name. Raises InputRejected for a file or a line that cannot be used."""
    found: dict[str, Station] = {}
    for line, row in rows(path, ("station", "interval_min")):
        step = number_of(row["interval_min"])
        if not (1 <= step <= _DAY_MIN and step % 1 == 0 and _DAY_MIN % step == 0):
            raise InputRejected(
                f"{path.name}:{line}: interval_min {row['interval_min']!r} does not divide a day;"
                " write minutes, as 60"
            )
        name = row["station"]
        found[name] = Station(
            row.get("enterprise") or name,
            int(step),
            row.get("kind") or "",
            row.get("operator") or "",
        )
    return found


def guessed_stations(path: Path, series: SeriesFile) -> dict[str, Station]:
    """Stations of a table that comes alone: the interval is the commonest distance of times."""
    times: dict[str, list[list[int]]] = {}
    for (station, _), column in series.columns.items():
        times.setdefault(station, []).append(column.time_s)
    return {
        station: Station(owner or station, _interval(path, station, times[station]), "", operator)
        for station, (owner, operator) in series.owners.items()
    }


def _interval(path: Path, station: str, columns: Iterable[list[int]]) -> int:
    apart = np.concatenate([np.diff(np.unique(times)) for times in columns])
    if not apart.size:
        raise InputRejected(f"{path.name}: {station} has one time only; export a longer span")
    steps, counts = np.unique(np.maximum(np.round(apart / 60), 1), return_counts=True)
    step = int(steps[counts.argmax()])
    if _DAY_MIN % step:
        raise InputRejected(
            f"{path.name}: times of {station} are {step} min apart, which does not divide a day;"
            " give a folder with stations.csv that says interval_min"
        )
    return step


def check_known(path: Path, series: SeriesFile, stations: Mapping[str, Station]) -> None:
    """Raises InputRejected for a series of a station that nobody described."""
    unknown = sorted({station for station, _ in series.columns} - set(stations))
    if unknown:
        raise InputRejected(
            f"{path.name}: station {unknown[0]!r} is not in stations.csv; add it, or take"
            " stations.csv away to have intervals guessed"
        )

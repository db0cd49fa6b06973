"""评测记录: what a folder of cases and a file of detections say, as the scorer reads them."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farsight.screen.folder import read_stations
from services.chassis.errors import InputRejected
from services.detect.kernels.series import Bools, Floats

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # local time of the plant, whatever its zone
YEAR_S = 365.25 * 86_400


@dataclass(frozen=True)
class Label:
    """A stretch of one series that an event changed; an event may have several."""

    event: str
    station: str
    factor: str
    pattern: str
    start_s: float
    end_s: float
    """The last changed cell."""


@dataclass(frozen=True)
class Detections:
    """检出记录 of a detector, one array a column."""

    station: Sequence[str]
    time_s: Floats
    factor: NDArray[np.str_]
    """Empty = the whole station."""
    pattern: NDArray[np.str_]
    score: Floats

    def take(self, keep: Bools) -> "Detections":
        """Those that `keep` says."""
        at = np.flatnonzero(keep)
        station = [self.station[i] for i in at.tolist()]
        return Detections(
            station, self.time_s[at], self.factor[at], self.pattern[at], self.score[at]
        )


@dataclass(frozen=True)
class Cases:
    """评测算例: labels, and how long each station was watched."""

    labels: Sequence[Label]
    stations: Sequence[str]
    years: dict[str, float]
    """From a station's first datum to its last."""
    begin_s: float
    """First datum of all."""

    @property
    def clean(self) -> list[str]:
        """Stations without any event."""
        dirty = {label.station for label in self.labels}
        return [name for name in self.stations if name not in dirty]

    @property
    def clean_years(self) -> float:
        """Station-years of the clean stations."""
        return sum(self.years.get(name, 0.0) for name in self.clean)


def read_cases(folder: Path) -> Cases:
    """Cases of a folder. Raises InputRejected naming file, line and what to do."""
    spans: dict[str, tuple[str, str]] = {}
    for line, row in rows(folder / "series.csv", ("station", "time")):
        station, time = row["station"], row["time"]
        seen = spans.get(station)
        if seen is None:
            seconds(time, "series.csv", line)
            spans[station] = time, time
        elif time > seen[1]:  # ISO texts of one folder sort as their times
            spans[station] = seen[0], time
        elif time < seen[0]:
            spans[station] = time, seen[1]
    moments = {
        name: (seconds(first, "series.csv", 0), seconds(last, "series.csv", 0))
        for name, (first, last) in spans.items()
    }
    if not moments:
        raise InputRejected("series.csv: no line; nothing to score against")
    return Cases(
        labels=list(_labels(folder / "labels.csv")),
        stations=list(read_stations(folder / "stations.csv")),
        years={name: (last - first) / YEAR_S for name, (first, last) in moments.items()},
        begin_s=min(first for first, _ in moments.values()),
    )


def read_labelled(folder: Path) -> frozenset[str]:
    """Stations with an event; none where the folder has no labels.csv."""
    path = folder / "labels.csv"
    return frozenset(label.station for label in _labels(path)) if path.exists() else frozenset()


def _labels(path: Path) -> Iterator[Label]:
    for line, row in rows(path, ("event_id", "station", "factor", "pattern", "start", "end")):
        start, end = (seconds(row[side], path.name, line) for side in ("start", "end"))
        yield Label(row["event_id"], row["station"], row["factor"], row["pattern"], start, end)


def read_detections(path: Path) -> Detections:
    """Detections of a CSV: station, time; factor, pattern, score where given."""
    station, time, factor, pattern, score = [], [], [], [], []
    for line, row in rows(path, ("station", "time")):
        station.append(row["station"])
        time.append(seconds(row["time"], path.name, line))
        factor.append(row.get("factor") or "")
        pattern.append(row.get("pattern") or "")
        try:
            score.append(float(row.get("score") or "nan"))
        except ValueError as error:
            raise InputRejected(f"{path.name}:{line}: {error}; write a number") from error
    return detections(station, time, factor, pattern, score)


def detections(
    station: Sequence[str],
    time_s: Sequence[float],
    factor: Sequence[str],
    pattern: Sequence[str],
    score: Sequence[float],
) -> Detections:
    """Detections from plain columns."""
    return Detections(
        station,
        np.array(time_s, dtype=float),
        np.array(factor, dtype=np.str_),
        np.array(pattern, dtype=np.str_),
        np.array(score, dtype=float),
    )


def rows(path: Path, needed: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Numbered rows of a CSV with these columns. Raises InputRejected where one is missing."""
    try:
        lines = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputRejected(f"{path.name}: {error.strerror}; name an existing file") from error
    with lines:
        reader = csv.DictReader(lines)
        if missing := [name for name in needed if name not in (reader.fieldnames or [])]:
            raise InputRejected(f"{path.name}:1: no column {', '.join(missing)}; add it")
        yield from enumerate(reader, 2)


def seconds(text: str, name: str, line: int) -> float:
    """Seconds of a local time; the zone does not matter where all times have the same."""
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError as error:
        raise InputRejected(f"{name}:{line}: {error}; write 2024-01-31 13:00:00") from error
    return (moment - _EPOCH) / timedelta(seconds=1)

"""真实序列来源: windows of real series as clean stations. The series stay in ../shared/lab/data."""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from farsight.laboratory.station import Channel, Station
from services.chassis.errors import InputRejected
from services.detect.kernels.series import Floats, Ints
from services.detect.screening.roles import role_of

_FILE = Path(__file__).parent / "sources.csv"
_TIMES = ("%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # local time of the plant, whatever its zone
#: A window is used when so little of a factor is missing, and it has so many different values.
_MOST_MISSING, _LEAST_DISTINCT = 0.06, 12
_LEAST_SHARE_OF_WINDOW = 0.9
#: Longest plateau, in hours, away from the floor: a longer one may be a sensor that stuck.
_PLATEAU_H = 12
_LIMIT = 1.05


@dataclass(frozen=True)
class Source:
    """来源: one row of `sources.csv`."""

    source: str
    group: str
    """known = series that tests were tuned on; unseen = other series, media and intervals."""
    file: str
    split_by: str
    time: str
    interval_min: int
    days: int
    factors: Mapping[str, str]
    bad: Sequence[str]
    """Columns that are not empty and not zero where a technician called the row bad."""
    kind: str


def sources(group: str = "") -> list[Source]:
    """Rows of the table, of one group only where one is named."""
    with _FILE.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if group in {"", row["group"]}]
    return [
        Source(
            source=row["source"],
            group=row["group"],
            file=row["file"],
            split_by=row["split_by"],
            time=row["time"],
            interval_min=int(row["interval_min"]),
            days=int(row["days"]),
            factors=dict(pair.split("=") for pair in row["factors"].split(";")),
            bad=[name for name in row["bad"].split(";") if name],
            kind=row["kind"],
        )
        for row in rows
    ]


def clean_stations(data: Path, source: Source) -> Iterator[Station]:
    """Disjoint windows of a source that are whole enough, re-dated to one calendar."""
    path = data / f"{source.file}.csv.gz"
    if not path.exists():
        raise InputRejected(f"{path.name}: not in {data}; name the folder of the real series")
    per_day = 1440 // source.interval_min
    length = source.days * per_day
    for place, columns in _grids(path, source):
        cells = len(next(iter(columns.values())))
        for begin in range(0, cells - int(length * _LEAST_SHARE_OF_WINDOW) + 1, length):
            window = {f: v[begin : begin + length] for f, v in columns.items()}
            channels = {f: _channel(f, v) for f, v in window.items() if _usable(source, v)}
            if channels:
                name = f"{source.source}_{place}_{begin // length:02d}".replace("/", "_")
                yield Station(name, source.interval_min, channels, name, "", source.kind)


def _channel(factor: str, value: Floats) -> Channel:
    top = float(np.nanmax(value))
    limited = role_of(factor).value in {"pollutant", "inlet"} and top > 0
    return Channel.of(value.copy(), round(top * _LIMIT, 5) if limited else np.nan)


def _usable(source: Source, value: Floats) -> bool:
    known = value[np.isfinite(value)]
    if len(known) < (1 - _MOST_MISSING) * len(value) or len(np.unique(known)) < _LEAST_DISTINCT:
        return False
    change = np.flatnonzero(np.r_[True, known[1:] != known[:-1], True])
    runs, at = np.diff(change), known[change[:-1]]
    longest = max(_PLATEAU_H * 60 // source.interval_min, 5)
    return not (runs[at > known.min()] > longest).any()


def _grids(path: Path, source: Source) -> Iterator[tuple[str, dict[str, Floats]]]:
    """Columns of each part of a file on an even grid from its first midnight."""
    parts: dict[str, list[dict[str, str]]] = {}
    with gzip.open(path) as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")):
            parts.setdefault(row[source.split_by] if source.split_by else "", []).append(row)
    for place, rows in parts.items():
        cell = _cells(rows, source)
        size = int(cell.max()) + 1
        bad = np.array([any(_is_set(row[name]) for name in source.bad) for row in rows])
        found = {}
        for column, factor in source.factors.items():
            value = np.full(size, np.nan)
            got = np.array([_number(row[column]) for row in rows])
            got[bad] = np.nan
            value[cell[cell >= 0]] = got[cell >= 0]
            found[factor] = value
        yield place, found


def _cells(rows: Sequence[Mapping[str, str]], source: Source) -> Ints:
    """Cell of each row, from the first whole day; negative before it."""
    if not source.time:
        return np.arange(len(rows), dtype=np.int64)
    text = [row[source.time] for row in rows]
    if text[0].isdigit():
        return np.array([int(t) for t in text], dtype=np.int64) // source.interval_min
    minutes = np.array([_minutes(t) for t in text])
    first = -(-int(minutes[0]) // 1440) * 1440
    if minutes[-1] - minutes[0] < (source.days + 1) * 1440:  # short: do not lose the first day
        first = int(minutes[0]) // 1440 * 1440
    cells: Ints = np.floor_divide(minutes - first, source.interval_min).astype(np.int64)
    return cells


def _minutes(text: str) -> float:
    for shape in _TIMES:
        try:
            moment = datetime.strptime(text, shape)  # noqa: DTZ007  # local, as _EPOCH
        except ValueError:
            continue
        return (moment - _EPOCH) / timedelta(minutes=1)
    raise InputRejected(f"{text!r} is no time that the laboratory reads")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _is_set(text: str) -> bool:
    return text.strip() not in {"", "0", "0.0", "False"}

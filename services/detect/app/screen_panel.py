"""筛查数据块 from a partition's hour rings: the same panel that a folder of CSV files makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from services.detect.app.directory import Directory
from services.detect.domain.block import Limit
from services.detect.domain.grid import HOUR, day_start
from services.detect.domain.known import Known
from services.detect.domain.series_key import CONVERTED, PRESENCE, SeriesKey, measured_factor
from services.detect.domain.standard_checks import StandardCheck
from services.detect.judgement.marks import MarkRevision, counting
from services.detect.kernels.series import Bools, Floats
from services.detect.screening.panel import CheckResult, Panel
from services.detect.windows.partition_windows import PartitionWindows

#: Days of a panel: what the hour rings hold, but for a week of room at their old end.
DAYS = 120
#: Days in which outlets of different owners are compared: those that are judged again, and two.
COPY_DAYS = 16
#: Rows of the rings that are read at once.
_READ = 2048
#: Letters that leave a value in the statistics, as the pattern rules have it.
_USED = (0, ord("N"), ord("T"), ord("-"))
_POLICY = "policy"


class Tempo(Enum):
    """Who looks."""

    NIGHT = "night"  # all tests, at finished days
    FAST = "fast"  # those that say something within hours, at a day that has not ended
    COPIES = "copies"  # those that join all outlets, over few days of very many


@dataclass(frozen=True)
class Span:
    """Which outlets to look at, and when."""

    outlets: Sequence[str]
    end: int
    """Hour slot after the last one that is looked at."""
    since: int
    """First hour slot to judge; those before are history."""
    tempo: Tempo = Tempo.NIGHT

    @property
    def start(self) -> int:
        """First hour slot of the panel, a Beijing midnight."""
        days = COPY_DAYS if self.tempo is Tempo.COPIES else DAYS
        return day_start(self.end - 1) - (days - 1) * 24


@dataclass(frozen=True)
class _Rows:
    """Rows of the rings that make a panel."""

    keys: list[SeriesKey]
    value: Floats
    flag: NDArray[np.uint8]
    marked: Bools


def screen_panel(
    windows: PartitionWindows,
    directory: Directory,
    known: Known,
    span: Span,
) -> Panel | None:
    """筛查数据块 of outlets: up to `DAYS` days until the end of a span.

    Where a logger sent converted means they stand in rows of their own (factor with `_zs`), with
    the limit if it is one at a reference oxygen. None where the outlets never sent an hour.
    """
    start = span.start
    rows = _rows(windows, known, span)
    if not rows.keys:
        return None
    plants = [directory.facts(key.outlet_id) for key in rows.keys]
    place = {key: row for row, key in enumerate(rows.keys)}
    return Panel(
        step_min=60,
        start_s=start * 3600,
        keys=rows.keys,
        value=rows.value,
        flag=rows.flag,
        marked=rows.marked,
        limit=np.array([_limit(directory, key, place, span.end) for key in rows.keys]),
        enterprise=[plant.credit_code if plant else "" for plant in plants],
        operator=[plant.operator if plant else "" for plant in plants],
        line=[_line(directory, key) for key in rows.keys],
        since=np.full(len(rows.keys), span.since - start, dtype=np.int64),
        checks=_checks(known.checks, place, span),
    )


def _rows(windows: PartitionWindows, known: Known, span: Span) -> _Rows:
    """Measured rows of the outlets, and converted ones where any came."""
    of_outlets = chain.from_iterable(windows.index.rows_of(one) for one in span.outlets)
    at = [row for row in of_outlets if windows.index.key(row).factor != PRESENCE]
    parts = [_read(windows, known, at[n : n + _READ], span) for n in range(0, len(at), _READ)]
    if not parts:
        none = np.zeros((0, span.end - span.start))
        return _Rows([], none, none.astype(np.uint8), none.astype(np.bool_))
    return _Rows(
        [key for part in parts for key in part.keys],
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.flag for part in parts]),
        np.concatenate([part.marked for part in parts]),
    )


def _read(windows: PartitionWindows, known: Known, at: Sequence[int], span: Span) -> _Rows:
    """Some rows of the rings."""
    keys = [windows.index.key(row) for row in at]
    first = np.full(len(at), span.start, dtype=np.int64)
    read = windows.rings[HOUR].read(np.array(at, dtype=np.int64), first, span.end - span.start)
    marked = ~np.isin(read.flag, _USED)
    for row, key in enumerate(keys):
        _lay_marks(marked[row], key, known, span.start)
    kept = np.flatnonzero(np.isfinite(read.value).any(axis=1))
    zs = np.flatnonzero(np.isfinite(read.converted).any(axis=1))
    twice = np.concatenate([kept, zs])
    return _Rows(
        [keys[row] for row in kept]
        + [SeriesKey(keys[row].outlet_id, keys[row].factor + CONVERTED) for row in zs],
        np.concatenate([read.value[kept], read.converted[zs]]),
        read.flag[twice],
        marked[twice],
    )


def _lay_marks(marked: Bools, key: SeriesKey, known: Known, start: int) -> None:
    """Hours under a counting mark leave the statistics, whatever it excuses."""
    for mark in counting(known.marks.get(key.outlet_id, ()), known.frozen_until):
        if _means(mark, key.factor):
            first, end = mark.start_s // 3600 - start, -(-mark.end_s // 3600) - start
            marked[max(first, 0) : max(end, 0)] = True


def _means(mark: MarkRevision, factor: str) -> bool:
    return not mark.factors or factor in mark.factors


def _limit(directory: Directory, key: SeriesKey, place: Mapping[SeriesKey, int], end: int) -> float:
    """The upper limit in force that the values of a row compare with; NaN = none.

    An hourly one before a daily one. A limit at a reference oxygen compares with the converted row
    where there is one.
    """
    measured = SeriesKey(key.outlet_id, measured_factor(key.factor))
    has_converted = SeriesKey(key.outlet_id, measured.factor + CONVERTED) in place
    mine = [
        limit
        for limit in directory.limits(measured)
        if limit.since < end <= limit.until
        and limit.basis != _POLICY
        and np.isfinite(limit.upper)
        and (limit.ref_o2 > 0 and has_converted) == (key != measured)
    ]
    return min(mine, key=_strictness).upper if mine else float("nan")


def _strictness(limit: Limit) -> tuple[bool, float]:
    return limit.averaging != "hourly", limit.upper


def _line(directory: Directory, key: SeriesKey) -> str:
    """Sampling line of a factor, empty where the registry names none."""
    outlet = directory.outlet(key.outlet_id)
    lines = outlet.lines if outlet else ()
    return next((line for line in lines if measured_factor(key.factor) in line.split("+")), "")


def _checks(
    checks: Mapping[str, Sequence[StandardCheck]], place: Mapping[SeriesKey, int], span: Span
) -> list[CheckResult]:
    """Standard checks of the panel's rows with both numbers, oldest first."""
    found = []
    for check in chain.from_iterable(checks.values()):
        row = place.get(SeriesKey(check.outlet_id, check.factor))
        cell = check.at_s // 3600 - span.start
        if row is not None and 0 <= cell < span.end - span.start and np.isfinite(check.measured):
            found.append(CheckResult(row, cell, "standard", check.standard, check.measured))
    return sorted(found, key=lambda one: (one.cell, one.row))

"""传输 for people: bars of rates, and the strip of hours coloured by what became of each."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.chassis.clock import beijing, from_timestamp
from services.chassis.effective_rate import Effective, effective
from services.chassis.pb.ingest.v1 import ingest_pb2 as ingest
from services.chassis.pb.ingest.v1 import transmission_pb2 as pb
from services.chassis.pb.ingest.v1.ingest_pb2 import BalanceRow
from services.console.views.balance import Balance, balance_of

#: What an hour can be, best first; the legend lists them in this order.
STATES = ("came", "filled", "stopped", "part", "failed", "missing", "open")
KINDS = {
    "hour": ingest.READING_KIND_HOUR,
    "minute": ingest.READING_KIND_MINUTE,
    "realtime": ingest.READING_KIND_REALTIME,
    "day": ingest.READING_KIND_DAY,
}
BAR_WIDTH = 160
_CELL, _GAP, _LEFT, _TOP = 22, 2, 62, 18


@dataclass(frozen=True)
class Line:
    """One row of rates with its bar, in picture units."""

    rate: pb.Rate
    came: float  # width of the part that came in time
    filled: float  # of what was filled later, behind it
    validity: float  # 有效率, NaN where no day is judged yet
    effective: Effective  # 传输有效率 in both versions


def line_of(rate: pb.Rate, validity: float = math.nan) -> Line:
    """Measure a bar. Nothing due gives an empty one."""
    came = 0.0 if math.isnan(rate.realtime) else rate.realtime
    after = 0.0 if math.isnan(rate.after_fill) else rate.after_fill
    return Line(
        rate,
        round(came * BAR_WIDTH, 1),
        round(max(after - came, 0) * BAR_WIDTH, 1),
        validity,
        effective(rate.realtime, rate.after_fill, validity),
    )


def lines_of(rates: Iterable[pb.Rate], validity: Mapping[str, float]) -> list[Line]:
    """Rows, the worst first: that is where somebody has to look."""
    ordered = sorted(rates, key=_worst_first)
    return [line_of(rate, validity.get(rate.key, math.nan)) for rate in ordered]


def _worst_first(rate: pb.Rate) -> tuple[float, str]:
    return (2.0 if math.isnan(rate.realtime) else rate.realtime, rate.key)


def lacking(one: pb.Certificate) -> int:
    """Slots of which nothing is there even now."""
    return max(int(one.missing + one.failed) - int(one.after.late + one.after.filled), 0)


def state_of(one: pb.Certificate) -> str:
    """Tell in a word what became of an hour."""
    if one.came + one.stopped >= one.due:
        return "stopped" if one.stopped >= one.due else "came"
    if one.open:
        return "open"
    gone = lacking(one)
    if not gone:
        return "filled"
    if gone < one.due - one.stopped:
        return "part"
    return "failed" if one.failed else "missing"


@dataclass(frozen=True)
class Cell:
    """One hour in the picture."""

    x: int
    y: int
    state: str
    moment: datetime
    one: pb.Certificate


@dataclass(frozen=True)
class Strip:
    """热力条: days downwards, newest first, hours of the Beijing day to the right."""

    width: int
    height: int
    cell: int
    cells: list[Cell]
    days: list[tuple[int, str]]  # y, label
    hours: list[tuple[int, str]]  # x, label


def strip_of(certificates: Iterable[pb.Certificate], first: datetime, days: int) -> Strip:
    """Lay out certificates of one kind; `first` is the start of the oldest Beijing day."""
    step = _CELL + _GAP
    start = beijing(first)
    cells = []
    for one in certificates:
        moment = beijing(from_timestamp(one.hour))
        day = (moment.date() - start.date()).days
        if 0 <= day < days:
            x, y = _LEFT + moment.hour * step, _TOP + (days - 1 - day) * step
            cells.append(Cell(x, y, state_of(one), moment, one))
    labels = [
        (_TOP + (days - 1 - n) * step + 15, (start + timedelta(days=n)).strftime("%m-%d"))
        for n in range(days)
    ]
    hours = [(_LEFT + hour * step, f"{hour:02d}") for hour in range(0, 24, 3)]
    return Strip(_LEFT + 24 * step, _TOP + days * step, _CELL, cells, labels, hours)


def hourly_balance(rows: Iterable[BalanceRow]) -> list[tuple[int, Balance]]:
    """(hour as unix seconds, balance) of one outlet, newest first."""
    found = [(row.hour.seconds, balance_of(row)) for row in rows]
    return sorted(found, key=lambda one: one[0], reverse=True)

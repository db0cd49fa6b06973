"""日研判 for people: hours of each factor as rows of cells, and the revisions of the day."""

import datetime as dt
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.chassis.clock import from_timestamp
from services.chassis.pb.detect.v1 import judgement_pb2 as pb

#: `HourState` of detect by number, in the order of the legend.
STATES = (
    "missing", "valid", "flagged", "marked", "qc_failed", "suspect", "exempt", "stopped",
    "guarded", "short",
)  # fmt: skip
#: `Note` of detect by bit.
NOTES = (
    "over_range", "over_cap", "pm_high", "conflict", "differs", "own_conversion", "sudden",
    "excused",
)  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One hour of one factor."""

    hour: int
    state: str
    over: bool
    flag: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Panel:
    """One factor's day: its cells, and rows of values that have any."""

    day: pb.FactorDay
    cells: tuple[Cell, ...]
    rows: tuple[tuple[str, Sequence[float]], ...]


@dataclass(frozen=True)
class RevisionRow:
    """A stored revision."""

    number: int
    reason: str
    judged_at: dt.datetime
    pack: str
    digest: str
    marks: int


def factor_panels(one: pb.DayJudgement) -> list[Panel]:
    """Lay out each factor: those that have a limit first."""
    ordered = sorted(one.factors, key=lambda day: (not day.limits, day.factor))
    return [Panel(day, _cells(day), _rows(day)) for day in ordered]


def _cells(day: pb.FactorDay) -> tuple[Cell, ...]:
    return tuple(
        Cell(
            hour=hour,
            state=STATES[state] if state < len(STATES) else STATES[0],
            over=bool(day.over[hour]),
            flag=day.flags[hour] if day.flags[hour] not in "-." else "",
            notes=tuple(name for bit, name in enumerate(NOTES) if day.notes[hour] >> bit & 1),
        )
        for hour, state in enumerate(day.state)
    )


def _rows(day: pb.FactorDay) -> tuple[tuple[str, Sequence[float]], ...]:
    """Received, converted, judged, check and exempted values; a row without any is left out."""
    named = (
        ("received", day.received),
        ("converted", day.converted),
        ("judged", day.judged),
        ("check", day.check),
        ("exempted", day.exempted),
    )
    return tuple(
        (name, list(values))
        for name, values in named
        if name == "received" or any(math.isfinite(value) for value in values)
    )


def revision_rows(revisions: Iterable[pb.DayJudgement]) -> list[RevisionRow]:
    """Give the stored revisions, the newest first."""
    rows = [
        RevisionRow(
            number=one.revision,
            reason=one.reason,
            judged_at=from_timestamp(one.judged_at),
            pack=f"{one.pack_id}@{one.pack_version}",
            digest=one.inputs_sha256.hex()[:16],
            marks=len(one.marks),
        )
        for one in revisions
    ]
    return sorted(rows, key=lambda row: -row.number)


def neighbours_of(day: dt.date) -> tuple[str, str]:
    """Give the days before and after."""
    step = dt.timedelta(days=1)
    return (day - step).isoformat(), (day + step).isoformat()

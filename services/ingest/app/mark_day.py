"""标记日表: one outlet's day as the machine and the plant state it, and what is still open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import nan

from sqlalchemy.orm import Session

from services.chassis.pb.ingest.v1 import ingest_pb2
from services.ingest import mark_store as store
from services.ingest.app.read_series import read_series
from services.ingest.domain.completeness import HOUR
from services.ingest.domain.mark_kinds import (
    Contradiction,
    Covering,
    KindOption,
    SeenHour,
    contradictions,
)
from services.ingest.domain.marks import ACTIVE, DAY, MarkTerms, freezes_at, midnight
from services.ingest.domain.premarks import HourSeen, Suggestion, suggest_marks
from services.ingest.mark_store import FoundMark
from services.ingest.parquet_files import ParquetFiles
from services.ingest.rules import completeness_rules

HOUR_S, HOURS = 3600, 24
#: The condition that an hour that looks stopped is suggested as (marks.csv).
STOPPED = ("mswi_ty", "tp_ty")


@dataclass(frozen=True)
class DaySheet:
    """标记日表 of one outlet; `hours` by factor, from the first hour of the Beijing day."""

    day: date
    first_hour: int  # unix hours
    freezes_at: datetime
    frozen: bool
    hours: Mapping[str, Sequence[SeenHour]]
    marks: Sequence[FoundMark]
    suggestions: Sequence[Suggestion]
    conflicts: Sequence[Contradiction]

    def covering(self, factor: str, hour: int) -> list[str]:
        """Ids of the active marks that touch an hour of a factor."""
        return [one.mark_id for one in coverings(self.marks) if one.covers(factor, hour)]

    def contradicts(self, factor: str, hour: int) -> bool:
        """Whether flag and mark contradict each other there."""
        return any(one.factor == factor and one.first <= hour < one.end for one in self.conflicts)


def mark_day(
    session: Session,
    outlet_id: str,
    factors: Sequence[str],
    day: date,
    kinds: Sequence[KindOption],
    *,
    files: ParquetFiles | None,
    terms: MarkTerms,
    now: datetime,
) -> DaySheet:
    """Put the sheet together. `factors` are those the outlet measures; others that came are added.

    An hour whose grace is not over yet has nothing to suggest.
    """
    start = midnight(day)
    first = int(start.timestamp()) // HOUR_S
    due = now - completeness_rules().grace[HOUR]
    end = max(first, min(first + HOURS, int(due.timestamp()) // HOUR_S))
    hours = seen_hours(session, outlet_id, factors, day, files)
    marks = store.newest_between(session, outlet_id, start, start + DAY)
    covering = coverings(marks)
    return DaySheet(
        day=day,
        first_hour=first,
        freezes_at=freezes_at(day, terms),
        frozen=freezes_at(day, terms) <= now,
        hours=hours,
        marks=marks,
        suggestions=open_suggestions(hours, first, end, covering, kinds),
        conflicts=contradictions(hours, covering, kinds),
    )


def seen_hours(
    session: Session,
    outlet_id: str,
    factors: Sequence[str],
    day: date,
    files: ParquetFiles | None,
) -> dict[str, list[SeenHour]]:
    """The 24 hours of each factor, first received values."""
    start = midnight(day)
    first = int(start.timestamp()) // HOUR_S
    kind = ingest_pb2.READING_KIND_HOUR
    answer = read_series(session, outlet_id, kind, start, start + DAY, files=files)
    came = {series.factor: series for series in answer.factors}
    found: dict[str, list[SeenHour]] = {}
    for factor in sorted({*factors, *came}):
        row = [SeenHour(first + place, "", nan, received=False) for place in range(HOURS)]
        series = came.get(factor)
        if series is not None:
            for time_s, value, flag in zip(series.time_s, series.value, series.flags, strict=True):
                place = time_s // HOUR_S - first
                row[place] = SeenHour(first + place, flag.replace("-", ""), value)
        found[factor] = row
    return found


def coverings(marks: Sequence[FoundMark]) -> list[Covering]:
    """The active ones, as conflicts and suggestions see them."""
    return [
        Covering(
            one.row.mark_id,
            one.row.family,
            one.row.subtype,
            one.row.condition,
            tuple(one.row.factors),
            int(one.row.start_at.timestamp()),
            int(one.row.end_at.timestamp()),
        )
        for one in marks
        if one.row.status == ACTIVE
    ]


def open_suggestions(
    hours: Mapping[str, Sequence[SeenHour]],
    first: int,
    end: int,
    covering: Sequence[Covering],
    kinds: Sequence[KindOption],
) -> list[Suggestion]:
    """Suggestions that no mark touches yet."""
    stopped = next((one.condition for one in kinds if one.condition in STOPPED), "")
    seen = {
        factor: [HourSeen(one.hour, one.flag, one.value) for one in row if one.received]
        for factor, row in hours.items()
    }
    if not any(seen.values()):
        return []  # nothing ever came: silence is for `detect` to find, not for a form
    return [
        one
        for one in suggest_marks(seen, first, end, stopped_condition=stopped)
        if not any(_touches(mark, one) for mark in covering)
    ]


def _touches(mark: Covering, one: Suggestion) -> bool:
    shared = not mark.factors or not one.factors or set(mark.factors) & set(one.factors)
    return bool(shared) and mark.start_s < one.end_s and one.start_s < mark.end_s

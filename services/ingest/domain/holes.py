"""缺口与补传: which slots are missing, what was tried, and what is asked for next.

A logger keeps its history and gives it for a period (hj212.md 2.6: Begin and End inclusive;
DataTime is the start of a value's period). New holes before old ones, as 2025 8.1.2 has it for a
logger's own back-fill.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.chassis.clock import BEIJING
from services.ingest.domain.completeness import DAY, HOUR, MINUTE, ONE_DAY, ONE_HOUR

CN = {MINUTE: "2051", HOUR: "2061", DAY: "2031"}

OPEN, ASKED, NO_DATA, GIVEN_UP = "open", "asked", "no_data", "given_up"
#: Waits after the first, second, further tries. Ours: HJ 212 names no term.
BACKOFF = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is asked at once and how far back; ours, HJ 212 names no terms."""

    wait: timedelta = timedelta(seconds=300)  # after a logger came back
    outstanding: int = 20  # requests under way over all loggers
    tries: int = 3
    look_back: timedelta = timedelta(days=7)
    longest: timedelta = timedelta(hours=24)  # period of one request


@dataclass(frozen=True, slots=True)
class Cell:
    """A certificate with missing slots. `hour` is the start of the hour, of the day for DAY."""

    outlet_id: str
    mn: str
    kind: int
    hour: datetime
    slots: int

    @property
    def end(self) -> datetime:
        """Exclusive."""
        return self.hour + (ONE_DAY if self.kind == DAY else ONE_HOUR)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that was made for a period [start, end)."""

    start: datetime
    end: datetime
    state: str  # asked | answered | no_data | failed | expired
    reason: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hole:
    """Cells in a row of which the same is to be said."""

    outlet_id: str
    mn: str
    kind: int
    start: datetime
    end: datetime
    slots: int
    state: str
    tries: int
    reason: str
    next_at: datetime | None


def standing(cell: Cell, attempts: Iterable[Attempt], most_tries: int) -> Hole:
    """A cell with what was tried for it. A request that was never sent is no try."""
    mine = [one for one in attempts if one.start <= cell.hour and cell.end <= one.end]
    tried = [one for one in mine if one.state in {"answered", "failed"}]
    last = max(tried, key=lambda one: one.ended_at or one.start, default=None)
    state, reason, next_at = OPEN, last.reason if last else "", None
    if last and last.state == "answered":
        reason = "answered_without"
    if any(one.state == "asked" for one in mine):
        state = ASKED
    elif any(one.state == "no_data" for one in mine):
        state, reason = NO_DATA, "no_data"  # ExeRtn=100
    elif len(tried) >= most_tries:
        state = GIVEN_UP
    elif last and last.ended_at:
        next_at = last.ended_at + BACKOFF[min(len(tried), len(BACKOFF)) - 1]
    return Hole(
        cell.outlet_id, cell.mn, cell.kind, cell.hour, cell.end, cell.slots,
        state, len(tried), reason, next_at,
    )  # fmt: skip


def find_holes(
    cells: Iterable[Cell], attempts: Mapping[tuple[str, int], Sequence[Attempt]], most_tries: int
) -> list[Hole]:
    """Merge cells in a row into holes; newest first."""
    holes: list[Hole] = []
    for cell in sorted(cells, key=lambda one: (one.outlet_id, one.kind, one.hour)):
        one = standing(cell, attempts.get((cell.outlet_id, cell.kind), ()), most_tries)
        if holes and _continues(holes[-1], one):
            holes[-1] = replace(holes[-1], end=one.end, slots=holes[-1].slots + one.slots)
        else:
            holes.append(one)
    return sorted(holes, key=lambda hole: (hole.end, hole.outlet_id, hole.kind), reverse=True)


def _continues(before: Hole, one: Hole) -> bool:
    same = replace(one, start=before.start, end=before.end, slots=before.slots)
    return before.end == one.start and same == before


def newest_part(hole: Hole, longest: timedelta) -> Hole:
    """The newest part of a hole that one request may ask for."""
    return replace(hole, start=max(hole.start, hole.end - longest))


def choose(
    holes: Iterable[Hole], busy: set[str], room: int, now: datetime, longest: timedelta
) -> list[Hole]:
    """What to ask for now: newest first, one a logger, at most `room`. `busy` are MNs."""
    chosen: list[Hole] = []
    taken = set(busy)
    for hole in holes:
        ripe = hole.state == OPEN and (hole.next_at is None or hole.next_at <= now)
        if len(chosen) < room and ripe and hole.mn not in taken:
            taken.add(hole.mn)
            chosen.append(newest_part(hole, longest))
    return chosen


def parameters(kind: int, start: datetime, end: datetime, minute_min: int) -> dict[str, str]:
    """CP fields that ask for the slots in [start, end): first and last DataTime, Beijing time."""
    step = {MINUTE: timedelta(minutes=minute_min), HOUR: ONE_HOUR, DAY: ONE_DAY}[kind]
    return {"BeginTime": _text(start), "EndTime": _text(end - step)}


def _text(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")

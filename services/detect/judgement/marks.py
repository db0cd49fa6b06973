"""标记: which revision counts on which day, and what the marks make of each hour.

ingest keeps what was submitted; here it is decided what it means (docs/judgement.md, Marks).
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from enum import IntEnum
from itertools import pairwise

import numpy as np

from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.mark_cover import MarkRules, Span, cover_outlet, horizon
from services.detect.judgement.model import Codes
from services.detect.judgement.parameters import OutletFacts
from services.detect.judgement.periods import first_hour, midnight_after
from services.detect.judgement.pools import PoolCharge
from services.detect.kernels.series import Ints

_FREEZE_S = 36 * 3600  # 12:00 of the next day (announcement 21 of 2022, domain.md B.2)


class Status(IntEnum):
    """状态 of a revision; the numbers are those of MarkStatus in outside.proto."""

    ACTIVE = 1
    REJECTED = 2  # 驳回 by the authority
    WITHDRAWN = 3  # 撤回 by who made it


class Decision(IntEnum):
    """审核 of a late revision; the numbers are those of MarkDecision in mark.proto."""

    NONE = 0
    ACCEPTED = 1
    REFUSED = 2


@dataclass(frozen=True)
class MarkRevision:
    """标记的一个版本: one revision of one mark as it was received, with the decision about it."""

    outlet_id: str
    mark_id: str
    revision: int
    family: int  # MarkFamily of the interface V1.6
    subtype: int
    condition: str
    facility: str
    factors: tuple[str, ...]  # empty = all
    start_s: int  # unix seconds UTC, inclusive
    end_s: int  # exclusive
    status: int
    received_at_s: int
    decision: int = Decision.NONE
    made_by: str = ""
    reason: str = ""
    sm3: bytes = b""
    decided_at_s: int = 0  # 0 = nobody yet


@dataclass(frozen=True)
class MarkEffects:
    """标记效力 of the rows that were asked for, and what was charged for it."""

    effect: Codes
    """(S, T): `MarkEffect`."""
    uses: Mapping[str, tuple[PoolCharge, ...]]
    """Outlet -> marked hours of pools from the start of the natural year on, in time order."""
    unknown: tuple[MarkRevision, ...] = ()
    """Counting marks that no row of the pack knows: they have no effect and are named."""


def counting(
    revisions: Iterable[MarkRevision], frozen_until_day: dt.date | None
) -> tuple[MarkRevision, ...]:
    """生效标记: what counts of all revisions, cut at Beijing midnights where it changes.

    On a frozen day (not after `frozen_until_day`, None = no day is) the highest revision counts
    that came before 12:00 of the next day, or whose objection was accepted, or by which the
    authority rejected the mark (at any time). On an unfrozen day the highest revision counts. What
    follows a rejection is an objection: it counts nowhere until it is accepted. A mark whose
    counting revision is withdrawn or rejected is gone for the day. Order and repetition of the
    revisions do not matter. Source: announcement 21 of 2022, domain.md B.2.
    """
    told: dict[tuple[str, str], dict[int, MarkRevision]] = {}
    for one in revisions:
        own = told.setdefault((one.outlet_id, one.mark_id), {})
        known = own.setdefault(one.revision, one)
        if known != one:
            own[one.revision] = min(known, one, key=_standing)
    frozen_end = (
        -(10**15)
        if frozen_until_day is None
        else first_hour(frozen_until_day + dt.timedelta(days=1)) * 3600
    )
    pieces = (
        piece
        for _, own in sorted(told.items())
        for piece in _pieces(_heard(own.values()), frozen_end)
    )
    return tuple(sorted(pieces, key=lambda one: (one.outlet_id, one.start_s, one.mark_id)))


def _heard(own: Iterable[MarkRevision]) -> list[MarkRevision]:
    """Without objections against a rejection that nobody accepted, the highest revision first."""
    found: list[MarkRevision] = []
    rejected = False
    for one in sorted(own, key=lambda one: one.revision):
        if one.status == Status.REJECTED:
            rejected = True
        elif one.decision == Decision.ACCEPTED:
            rejected = False
        elif rejected:
            continue
        found.append(one)
    return found[::-1]


def _standing(one: MarkRevision) -> tuple[object, ...]:
    """Of one revision told several times: the latest decision, then the first received."""
    return (-one.decided_at_s, -one.decision, one.received_at_s, *astuple(one))


def _pieces(highest_first: Sequence[MarkRevision], frozen_end: int) -> list[MarkRevision]:
    """Parts of one mark in which one revision counts. All cuts are Beijing midnights."""
    in_time = {one.revision: midnight_after(one.received_at_s - _FREEZE_S) for one in highest_first}
    first = min(one.start_s for one in highest_first)
    last = max(one.end_s for one in highest_first)
    cuts = sorted({first, last} | {c for c in (*in_time.values(), frozen_end) if first < c < last})
    found: list[MarkRevision] = []
    for begin, end in pairwise(cuts):
        one = next(
            (
                one
                for one in highest_first
                if begin >= frozen_end or _stands(one, in_time[one.revision], begin)
            ),
            None,
        )
        if one is not None and one.status == Status.ACTIVE:
            _add(found, one, max(begin, one.start_s), min(end, one.end_s))
    return found


def _stands(one: MarkRevision, in_time_from: int, begin: int) -> bool:
    """Whether a revision counts on the frozen days from `begin` on."""
    return (
        in_time_from <= begin or one.decision == Decision.ACCEPTED or one.status == Status.REJECTED
    )


def _add(found: list[MarkRevision], one: MarkRevision, start_s: int, end_s: int) -> None:
    if start_s >= end_s:
        return
    if found and found[-1].revision == one.revision and found[-1].end_s == start_s:
        start_s = found.pop().start_s
    found.append(replace(one, start_s=start_s, end_s=end_s))


def mark_effects(  # noqa: PLR0917 - the interface of the engine
    rows: Sequence[SeriesKey],
    start: Ints,
    hours: int,
    marks: Mapping[str, Sequence[MarkRevision]],
    facts: Mapping[str, OutletFacts],
    pack: MarkRules,
    particulate: Mapping[str, Mapping[int, float]],
) -> MarkEffects:
    """标记效力: what marks make of each hour of each row, with all caps charged in time order.

    `start` (S,) is the hour slot of each row's first column, `hours` the columns. `marks` holds per
    outlet what `counting` gave, of the whole natural year (and quarter) of the rows: hours before
    the rows are charged too. `particulate` is outlet -> hour slot -> hourly PM mean (mg/m3) of
    marked hours; an hour without one counts as not above the bound. Outlets without facts have no
    effects.
    """
    effect = np.zeros((len(rows), hours), dtype=np.uint8)
    uses: dict[str, tuple[PoolCharge, ...]] = {}
    unknown: list[MarkRevision] = []
    for outlet_id, own in _rows_of(rows, marks).items():
        if outlet_id not in facts:
            continue
        first, end = int(start[own].min()), int(start[own].max()) + hours
        span = Span(horizon(first, pack.pools), end)
        cover = cover_outlet(
            marks[outlet_id], facts[outlet_id], pack, span, particulate.get(outlet_id, {})
        )
        uses[outlet_id] = cover.charges
        unknown.extend(cover.unknown)
        for row in own:
            at = int(start[row]) - span.first
            effect[row] = cover.of(rows[row].factor)[at : at + hours]
    return MarkEffects(effect, uses, tuple(unknown))


def _rows_of(
    rows: Sequence[SeriesKey], marks: Mapping[str, Sequence[MarkRevision]]
) -> dict[str, list[int]]:
    """Rows of each outlet that has marks."""
    found: dict[str, list[int]] = {}
    for row, key in enumerate(rows):
        if marks.get(key.outlet_id):
            found.setdefault(key.outlet_id, []).append(row)
    return found

"""标记: which revision counts on which day, and what the marks make of each hour.

ingest keeps what was submitted; here it is decided what it means (docs/judgement.md, Marks).
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.model import Codes
from services.detect.judgement.parameters import MarkKind, OutletFacts, PoolRule
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
    decided_at_s: int = 0


class MarkRules(Protocol):
    """What is asked of a rule pack (`packs.pack.Pack`)."""

    @property
    def marks(self) -> Sequence[MarkKind]: ...

    @property
    def pools(self) -> Sequence[PoolRule]: ...


@dataclass(frozen=True)
class MarkEffects:
    """标记效力 of the rows that were asked for, and what was charged for it."""

    effect: Codes
    """(S, T): `MarkEffect`."""
    uses: Mapping[str, tuple[PoolCharge, ...]]
    """Outlet -> every marked hour of a pool from the start of the natural year on, in time order."""
    unknown: tuple[MarkRevision, ...] = ()
    """Counting marks that no row of the pack knows: they have no effect and are named."""


def counting(
    revisions: Iterable[MarkRevision], frozen_until_day: dt.date | None
) -> tuple[MarkRevision, ...]:
    """生效标记: what counts of all revisions, cut at Beijing midnights where it changes.

    On a frozen day (not after `frozen_until_day`) the highest revision counts that came before
    12:00 of the next day, or whose objection was accepted, or by which the authority rejected the
    mark (at any time). On an unfrozen day the highest revision counts. A mark whose counting
    revision is withdrawn or rejected is gone for the day. The order and repetition of revisions
    do not matter. Source: announcement 21 of 2022, domain.md B.2.
    """
    raise NotImplementedError


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
    raise NotImplementedError

"""豁免时段: hours that marked conditions may use up, charged in time order to a cap."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.detect.judgement.model import MarkEffect
from services.detect.judgement.parameters import OutletFacts, PoolRule
from services.detect.kernels.series import Ints


@dataclass(frozen=True)
class PoolCharge:
    """One marked hour of a pool: charged (exempt or invalid) or refused, and why."""

    pool: str  # key of the PoolRule
    facility: str  # furnace or unit, empty = the whole outlet
    period: str  # 2026 | 2026Q4 | mark id
    hour: int  # hour slot
    mark_id: str  # first of the marks that cover the hour
    charged: bool
    why: str  # "" charged | cap | event | pm


@dataclass(frozen=True)
class PoolUse:
    """豁免时段余量 of one pool, facility and period (the message of the same name)."""

    pool: str
    name_zh: str
    facility: str
    period: str
    cap_hours: float  # 0 = no confirmed cap
    used_hours: float
    refused_hours: float  # marked but judged: over the cap, too long, or PM too high
    remaining_hours: float  # NaN = no cap
    warn: bool


def charge_pools(
    rule: PoolRule,
    hours: Ints,
    events: Ints,
    particulate: Mapping[int, float],
) -> list[tuple[MarkEffect, str]]:
    """豁免时段扣减: what becomes of each marked hour of one pool and facility."""
    raise NotImplementedError


def pool_uses(
    charges: Sequence[PoolCharge], rules: Sequence[PoolRule], facts: OutletFacts, day: dt.date
) -> tuple[PoolUse, ...]:
    """豁免时段余量 at the end of a day: each pool of the outlet, used or not, of the day's year.

    Year and quarter pools are those of `day`; pools of single events are listed as far as they
    began in its natural year. `remaining_hours` is NaN where the cap is not confirmed.
    """
    raise NotImplementedError

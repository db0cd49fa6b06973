"""限值表: resolved limits of many series laid out by day, vectorised. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.detect.domain.block import Limit
from services.detect.judgement.model import LimitGrid
from services.detect.kernels.series import Bools, Floats, Ints

#: GB 18918-2002 table 1, note: NH3-N limits outside and inside brackets part at this temperature.
COLD_WATER_DEGC = 12.0
_TIER = {"": 0, "le12": 1, "gt12": 2}
_HOURLY, _DAILY, _WARN = 0, 1, 2


@dataclass(frozen=True)
class LimitTable:
    """限值列: limits of S rows as columns, one entry a limit; made once, laid out often."""

    rows: int
    row: Ints
    place: Ints
    """Place of the limit among its row's: entries of one place are of different rows."""
    kind: Ints
    lower: Floats
    upper: Floats
    since: Ints
    until: Ints
    tier: Ints
    decimals: Ints
    ref_o2: Floats

    @classmethod
    def of(cls, rows: Sequence[Sequence[Limit]]) -> "LimitTable":
        """Columns of the limits of each row, as `resolve_limits` gives them."""
        flat = [one for limits in rows for one in limits]
        counts = np.array([len(limits) for limits in rows], dtype=np.int64)
        row = np.repeat(np.arange(len(rows), dtype=np.int64), counts)
        first = np.repeat(np.cumsum(counts) - counts, counts)
        return cls(
            rows=len(rows),
            row=row,
            place=np.arange(len(flat), dtype=np.int64) - first,
            kind=np.array([_kind(one) for one in flat], dtype=np.int64),
            lower=np.array([one.lower for one in flat], dtype=np.float64),
            upper=np.array([one.upper for one in flat], dtype=np.float64),
            since=np.array([one.since for one in flat], dtype=np.int64),
            until=np.array([one.until for one in flat], dtype=np.int64),
            tier=np.array([_TIER[one.water_temperature] for one in flat], dtype=np.int64),
            decimals=np.array([one.decimals for one in flat], dtype=np.int64),
            ref_o2=np.array([one.ref_o2 for one in flat], dtype=np.float64),
        )

    def grid(self, start: Ints, days: int, water_temperature: Floats) -> LimitGrid:
        """Lay the limits out over D days from each row's midnight; see `limit_grid`."""
        force = self._in_force(start, days, water_temperature)
        shape = (self.rows, days)
        bounds = {name: np.full(shape, np.nan) for name in ("hl", "hu", "dl", "du", "wu")}
        decimals = np.zeros(shape, dtype=np.int64)
        ref_o2 = np.zeros(self.rows)
        for kind, lower, upper in ((_WARN, "", "wu"), (_DAILY, "dl", "du"), (_HOURLY, "hl", "hu")):
            for part in self._parts(kind):
                row, now = self.row[part], force[part]
                _tighten(bounds[upper], row, now, self.upper[part], np.fmin)
                if lower:
                    _tighten(bounds[lower], row, now, self.lower[part], np.fmax)
                digits = np.where(now, self.decimals[part][:, None], 0)
                decimals[row] = np.maximum(decimals[row], digits)
                some = now.any(axis=1)
                ref_o2[row[some]] = self.ref_o2[part][some]
        return LimitGrid(
            hourly_upper=bounds["hu"], hourly_lower=bounds["hl"], daily_upper=bounds["du"],
            daily_lower=bounds["dl"], warn_upper=bounds["wu"], decimals=decimals, ref_o2=ref_o2,
        )  # fmt: skip

    def _in_force(self, start: Ints, days: int, water_temperature: Floats) -> Bools:
        """(entries, D): whether each limit counts on each day."""
        midnight = start[self.row][:, None] + 24 * np.arange(days, dtype=np.int64)
        force: Bools = (self.since[:, None] <= midnight) & (midnight < self.until[:, None])
        split = np.flatnonzero(self.tier)
        with np.errstate(invalid="ignore"):
            warm = water_temperature[self.row[split]] > COLD_WATER_DEGC
        force[split] &= warm == (self.tier[split] == _TIER["gt12"])[:, None]
        return force

    def _parts(self, kind: int) -> list[Ints]:
        """Entries of a kind, in parts in which each row stands once."""
        of_kind = self.kind == kind
        most = int(self.place[of_kind].max(initial=-1)) + 1
        parts = (np.flatnonzero(of_kind & (self.place == place)) for place in range(most))
        return [part for part in parts if part.size]


def _kind(one: Limit) -> int:
    if one.basis == "policy":
        return _WARN
    return _HOURLY if one.averaging == "hourly" else _DAILY


def _tighten(into: Floats, row: Ints, now: Bools, bound: Floats, stricter: np.ufunc) -> None:
    """Let a bound count where it is in force and stricter than what is there."""
    into[row] = stricter(into[row], np.where(now, bound[:, None], np.nan))


def limit_grid(
    rows: Sequence[Sequence[Limit]], start: Ints, days: int, water_temperature: Floats
) -> LimitGrid:
    """Limits of S rows, as `resolve_limits` gives them, over D days from each row's midnight.

    `start` (S,): hour slot of a Beijing midnight; `water_temperature` (S, D): daily mean in degC,
    NaN = unknown: then the limit of cold water counts, the more lenient one (stated default). A
    limit counts on a day when it is in force at its midnight: registry and packs know days only.
    `ref_o2` is that of the hourly limit, else of the daily one, else of the policy value.
    `decimals` are the most of the limits in force, so that rounding hides no digit of any.
    """
    return LimitTable.of(rows).grid(start, days, water_temperature)

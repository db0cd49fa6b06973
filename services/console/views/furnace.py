"""焚烧炉月报 for people: a month of day judgements as a calendar, bars of pools and a sheet.

Everything shown was judged by detect; here it is only laid out. The same page serves other plants
with caps (thermal power, cement): what is no incinerator has no temperature and is judged by hours.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.chassis.clock import BEIJING
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.chassis.pb.ingest.v1 import outside_pb2

#: States of a day, the worst first; the legend lists them in this order.
STATES = ("both", "over", "low", "good", "stopped", "unjudged", "open", "none", "future")
#: Kinds of stripes: what the marks of a day say, by condition; device marks have none.
STRIPES = ("pool_a", "pool_b", "cap", "stopped", "device", "other")
_POOL_A = ("mswi_ql", "mswi_tl", "mswi_gz", "mswi_sg", "hw_all")
_POOL_B = ("mswi_hl", "mswi_tljw")
_STOPS = ("mswi_ty", "tp_ty")
_FURNACE = ("mswi_temp", "mswi_tc")
_DEVICE_FAMILIES = (
    outside_pb2.MARK_FAMILY_COMMUNICATION,
    outside_pb2.MARK_FAMILY_MAINTENANCE,
    outside_pb2.MARK_FAMILY_NOT_MINE,
    outside_pb2.MARK_FAMILY_MAINTENANCE_PROCESS,
)
#: 五项 of an incinerator's daily judgement (MEE order 10).
FIVE = ("a34013", "a21002", "a21026", "a21024", "a21005")
INCINERATOR = "MSWI furnace"
_HOUR_STATES = {2: "flagged", 3: "marked", 6: "exempt", 7: "stopped"}  # HourState of detect
_REFUSED = 2 | 4  # Note.OVER_CAP, Note.PM_HIGH
WARNING_DAYS, SERIOUS_DAYS = 3, 5  # domain.md D.2
_DAY_S = 86_400
#: Picture units of a calendar cell and of a pool's bar.
CELL_WIDTH, CELL_HEIGHT, STRIPE_HEIGHT, BAR_WIDTH = 84, 58, 6, 320


@dataclass(frozen=True)
class Stripe:
    """A mark over part of a day, in picture units of the cell."""

    kind: str
    x: float
    width: float
    y: int


@dataclass(frozen=True)
class Cell:
    """One day of the calendar."""

    day: dt.date
    state: str
    x: int
    y: int
    stripes: tuple[Stripe, ...] = ()
    over: tuple[str, ...] = ()  # factors
    low: int = 0  # five-minute means


@dataclass(frozen=True)
class Mean:
    """One pollutant's day on the sheet."""

    value: float
    over: bool
    multiple: float
    enough: bool
    over_hours: int


@dataclass(frozen=True)
class SheetRow:
    """监测日表: one day of one furnace."""

    day: dt.date
    state: str
    means: tuple[Mean | None, ...]
    furnace: pb.FurnaceDay | None
    hours: Mapping[str, int]  # exempt, stopped, marked, refused
    pools: tuple[pb.PoolUse, ...]
    pack: str
    reason: str


@dataclass(frozen=True)
class Bar:
    """A pool with what is left of it."""

    use: pb.PoolUse
    level: str  # good | amber | red | unknown
    width: float  # of the used part, in picture units
    remaining: float  # NaN = no confirmed cap


@dataclass(frozen=True)
class Month:
    """One furnace's month."""

    outlet_id: str
    name: str
    cells: list[Cell]
    height: int
    factors: tuple[str, ...]
    limits: Mapping[str, pb.AppliedLimit]
    rows: list[SheetRow]
    bars: list[Bar]
    over_days: int
    low_days: int
    waiting: list[dt.date] = field(default_factory=list)  # days not yet frozen


@dataclass(frozen=True)
class Advice:
    """下一步: a sentence of the catalogue with its places, and how urgent it is."""

    key: str
    level: str  # good | amber | red
    places: Mapping[str, object]


def month_of(
    outlet_id: str,
    name: str,
    *,
    process: str,
    first: dt.date,
    today: dt.date,
    open_from: dt.date,
    days: Iterable[pb.DayJudgement],
    pools: Iterable[pb.PoolUse],
) -> Month:
    """Lay out a month. `pools` as they are now; a past month shows those of its last day.

    Days from `open_from` on are not frozen yet: the plant may still mark them.
    """
    judged = {dt.date.fromisoformat(one.day): one for one in days}
    of_five = process == INCINERATOR
    codes = FIVE if of_five else _limited(judged.values())
    last = last_of(first)
    all_days = [first + dt.timedelta(days=n) for n in range(last.day)]
    cells = [_cell(day, judged.get(day), today, open_from, of_five=of_five) for day in all_days]
    newest = judged[max(judged)] if judged else None
    then = list(newest.pools) if newest is not None and last < today else list(pools)
    return Month(
        outlet_id=outlet_id,
        name=name,
        cells=cells,
        height=max(cell.y for cell in cells) + CELL_HEIGHT,
        factors=tuple(codes),
        limits=_limits(judged.values(), daily=of_five),
        rows=[
            _row(day, judged[day], cell.state, codes)
            for day, cell in zip(all_days, cells, strict=True)
            if day in judged
        ],
        bars=[bar_of(use) for use in then],
        over_days=sum(cell.state in {"over", "both"} for cell in cells),
        low_days=sum(cell.state in {"low", "both"} for cell in cells),
        waiting=[cell.day for cell in cells if cell.state == "open"],
    )


def last_of(first: dt.date) -> dt.date:
    """Last day of the month that begins at `first`."""
    return (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)


def state_of(one: pb.DayJudgement | None, *, of_five: bool) -> str:
    """Tell in a word what a day is: incinerators are judged by daily means, others by hours too."""
    if one is None:
        return "none"
    if not one.frozen:
        return "open"
    over = bool(_over(one, of_five=of_five))
    low = one.HasField("furnace") and one.furnace.violation
    if over or low:
        return "both" if over and low else "over" if over else "low"
    judged = [factor for factor in one.factors if factor.limits]
    if judged and all(factor.running_hours == 0 for factor in judged):
        return "stopped"
    return "good" if any(factor.enough or not of_five for factor in judged) else "unjudged"


def _over(one: pb.DayJudgement, *, of_five: bool) -> tuple[str, ...]:
    return tuple(
        factor.factor
        for factor in one.factors
        if (factor.day_over and (not of_five or factor.factor in FIVE))
        or (not of_five and any(factor.over))
    )


def _cell(
    day: dt.date,
    one: pb.DayJudgement | None,
    today: dt.date,
    open_from: dt.date,
    *,
    of_five: bool,
) -> Cell:
    lead = day.replace(day=1).weekday()
    place = lead + day.day - 1
    state = state_of(one, of_five=of_five)
    if one is None and day >= open_from:
        state = "future" if day > today else "open"
    return Cell(
        day,
        state,
        place % 7 * CELL_WIDTH,
        place // 7 * CELL_HEIGHT,
        stripes=_stripes(day, one) if one is not None else (),
        over=_over(one, of_five=of_five) if one is not None else (),
        low=one.furnace.low if one is not None else 0,
    )


def stripe_kind(mark: outside_pb2.Mark) -> str:
    """Tell under which colour a mark is drawn."""
    if mark.condition in _POOL_A:
        return "pool_a"
    if mark.condition in _POOL_B:
        return "pool_b"
    if mark.condition in _STOPS:
        return "stopped"
    if mark.family in _DEVICE_FAMILIES or mark.condition in _FURNACE:
        return "device"
    return "cap" if mark.condition else "other"


def _stripes(day: dt.date, one: pb.DayJudgement) -> tuple[Stripe, ...]:
    """Marks of a day, one line a kind; a revision that does not stand draws nothing."""
    midnight = int(dt.datetime.combine(day, dt.time(), BEIJING).timestamp())
    newest: dict[str, outside_pb2.Mark] = {}
    for record in one.marks:
        known = newest.get(record.mark.mark_id)
        if known is None or known.revision < record.mark.revision:
            newest[record.mark.mark_id] = record.mark
    found = []
    for mark in newest.values():
        begin = max(mark.start.seconds, midnight)
        end = min(mark.end.seconds, midnight + _DAY_S)
        if mark.status == outside_pb2.MARK_STATUS_ACTIVE and begin < end:
            kind = stripe_kind(mark)
            width = (end - begin) / _DAY_S * (CELL_WIDTH - 8)
            line = STRIPES.index(kind) % 3
            x = 4 + (begin - midnight) / _DAY_S * (CELL_WIDTH - 8)
            y = CELL_HEIGHT - 8 - line * (STRIPE_HEIGHT + 1)
            found.append(Stripe(kind, round(x, 1), round(max(width, 2.0), 1), y))
    return tuple(sorted(found, key=lambda stripe: (stripe.y, stripe.x, stripe.kind)))


def _row(day: dt.date, one: pb.DayJudgement, state: str, codes: Sequence[str]) -> SheetRow:
    by_code = {factor.factor: factor for factor in one.factors}
    return SheetRow(
        day,
        state,
        tuple(_mean(by_code.get(code)) for code in codes),
        one.furnace if one.HasField("furnace") else None,
        _hours(by_code.get(code) for code in codes),
        tuple(one.pools),
        f"{one.pack_id} {one.pack_version}",
        one.reason,
    )


def _mean(factor: pb.FactorDay | None) -> Mean | None:
    if factor is None:
        return None
    return Mean(
        factor.mean, factor.day_over, factor.multiple, factor.enough, sum(map(bool, factor.over))
    )


def _hours(factors: Iterable[pb.FactorDay | None]) -> dict[str, int]:
    """Hours of the day by what was made of them: any of the pollutants counts."""
    kinds: dict[str, set[int]] = {"exempt": set(), "stopped": set(), "marked": set()}
    refused: set[int] = set()
    for factor in factors:
        if factor is None:
            continue
        for hour, state in enumerate(factor.state):
            kind = _HOUR_STATES.get(state, "")
            if kind in kinds:
                kinds[kind].add(hour)
        refused |= {hour for hour, notes in enumerate(factor.notes) if notes & _REFUSED}
    return {**{kind: len(hours) for kind, hours in kinds.items()}, "refused": len(refused)}


def _limited(days: Iterable[pb.DayJudgement]) -> tuple[str, ...]:
    """Factors that any day had a limit for, by code."""
    return tuple(sorted({f.factor for one in days for f in one.factors if f.limits}))


def _limits(days: Iterable[pb.DayJudgement], *, daily: bool) -> dict[str, pb.AppliedLimit]:
    """The newest limit of each factor: the daily one of an incinerator, else the hourly one."""
    wanted = "daily" if daily else "hourly"
    found: dict[str, pb.AppliedLimit] = {}
    for one in days:
        for factor in one.factors:
            for limit in factor.limits:
                if limit.averaging == wanted and limit.basis != "policy":
                    found[factor.factor] = limit
    return found


def bar_of(use: pb.PoolUse) -> Bar:
    """Measure a bar: amber from the warning share (80 %), red when nothing is left."""
    if not use.cap_hours:
        return Bar(use, "unknown", 0.0, math.nan)
    left = use.cap_hours - use.used_hours
    level = "red" if left <= 0 else "amber" if use.warn else "good"
    share = min(use.used_hours / use.cap_hours, 1.0)
    return Bar(use, level, round(share * BAR_WIDTH, 1), max(left, 0.0))


def advice_of(months: Sequence[Month]) -> list[Advice]:
    """下一步 of a plant: what is worst first; one sentence says that nothing is to be done."""
    found: list[Advice] = []
    for month in months:
        found += _advice(month)
    found.sort(key=lambda one: ("red", "amber", "good").index(one.level))
    if not any(one.level != "good" for one in found):
        calm = "calm" if any(month.rows for month in months) else "nothing"
        found.insert(0, Advice(calm, "good", {}))
    return found


def _advice(month: Month) -> Iterable[Advice]:
    name = month.name
    if month.low_days:
        yield Advice("low", "red", {"name": name, "days": month.low_days})
    if month.over_days:
        key = (
            "serious" if month.over_days >= SERIOUS_DAYS
            else "warned" if month.over_days >= WARNING_DAYS
            else "over"
        )  # fmt: skip
        left = max((WARNING_DAYS if key == "over" else SERIOUS_DAYS) - month.over_days, 0)
        yield Advice(key, "red", {"name": name, "days": month.over_days, "left": left})
    for bar in month.bars:
        places = {
            "name": name, "pool": bar.use.name_zh, "used": f"{bar.use.used_hours:g}",
            "cap": f"{bar.use.cap_hours:g}", "left": f"{bar.remaining:g}",
        }  # fmt: skip
        if bar.level in {"red", "amber"}:
            yield Advice("spent" if bar.level == "red" else "near", bar.level, places)
    if month.waiting:
        day = month.waiting[0]
        until = day + dt.timedelta(days=1)
        places = {"name": name, "day": f"{day:%m-%d}", "until": f"{until:%m-%d} 12:00"}
        yield Advice("mark", "good", places)

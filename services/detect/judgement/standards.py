"""标准限值选用: of the standards' rows, the one that covers a source, by rank and condition. Pure.

Precedence (domain.md C): local, then industry (special table where the place is a key region), then
generic, and that only where no industry standard covers the source. A condition that the registry
does not tell (a missing trait) is not assumed where a row without one covers the source; where none
does, the most lenient of the narrowest rows counts and says so: nobody is accused on a guess. A
stated default.
"""

import datetime as dt
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from services.detect.domain.block import Limit
from services.detect.judgement.conditions import Holds, in_months, row_holds
from services.detect.judgement.parameters import OutletFacts, StandardLimit
from services.detect.judgement.periods import day_of, first_hour

if TYPE_CHECKING:
    from services.detect.packs.pack import Pack

AVERAGINGS = ("hourly", "daily")
TIERS = ("le12", "gt12")
#: Hours of every limit lie in here; slots outside mean "since ever" and "still".
FIRST, END = 0, 2**40
_LAST_YEAR = 2060  # rows that change with the season are laid out until then
_RANKS = ("local", "industry", "generic")
_RANK_ZH = {"local": "地方标准", "industry": "行业标准", "generic": "综合标准"}
#: mg in one unit of mass a volume; the same volume only.
_MASS = {"g": 1e3, "mg": 1.0, "ug": 1e-3, "ng": 1e-6}
_PLAIN = {"pH": "", "无量纲": "", "-": ""}


@dataclass(frozen=True)
class Choice:
    """The row that covers a source in an hour, and whether conditions had to be left open."""

    row: StandardLimit
    lenient: bool


@dataclass(frozen=True)
class Kind:
    """What of an outlet decides which standard covers it: thousands of outlets share one."""

    outlet_id: str
    """Empty where the pack names no outlet."""
    division: str
    industry: str
    medium: str
    process: str
    traits: tuple[tuple[str, str], ...]


def kind_of(pack: "Pack", facts: OutletFacts) -> Kind:
    """The kind of an outlet under a pack."""
    return Kind(
        facts.outlet_id if pack.names_outlets else "", facts.division, facts.industry,
        facts.medium, facts.process, tuple(sorted(facts.traits.items())),
    )  # fmt: skip


@lru_cache(maxsize=65536)
def standard_limits(pack: "Pack", kind: Kind, factor: str) -> tuple[Limit, ...]:
    """标准限值 that cover a source: for each averaging, hour and water temperature at most one.

    Policy values come beside them. All in the factor's unit of HJ 212. `why` says which rank it
    was and what was left open. Nothing covers a source whose industry the registry does not tell.
    """
    if not kind.industry:
        return ()
    facts = OutletFacts(
        outlet_id=kind.outlet_id, division=kind.division, credit_code="", industry=kind.industry,
        medium=kind.medium, process=kind.process, traits=dict(kind.traits),
    )  # fmt: skip
    unit = pack.book.factor(factor).unit
    covered = pack.has_industry_standard(facts)
    rows = [
        (row, held)
        for row in pack.standards_of.get(factor, ())
        if row.averaging
        and row.scope.has(facts, factor)
        and scale(row.unit, unit) is not None
        and not (row.rank == "generic" and covered)
        and (held := row_holds(row, facts)) is not Holds.NO
    ]
    return tuple(_laid_out(rows, facts, unit))


def _laid_out(
    rows: Sequence[tuple[StandardLimit, Holds]], facts: OutletFacts, unit: str
) -> Iterator[Limit]:
    for averaging in AVERAGINGS:
        for policy in (False, True):
            some = [
                (row, held)
                for row, held in rows
                if row.averaging == averaging and (row.rank == "policy") == policy
            ]
            yield from _over_time(some, facts, unit)


def _over_time(
    rows: Sequence[tuple[StandardLimit, Holds]], facts: OutletFacts, unit: str
) -> Iterator[Limit]:
    """Choose in each stretch of time between two days on which anything changes."""
    tiers = TIERS if any(row.water_temperature for row, _ in rows) else ("",)
    cuts = sorted({FIRST, END}.union(*(_cuts(row, facts) for row, _ in rows)))
    stretches: list[Limit] = []
    for since, until in itertools.pairwise(cuts):
        for tier in tiers:
            choice = _choose(rows, facts, since, tier)
            if choice is not None:
                stretches.append(_limit(choice, facts, unit, (since, until), tier))
    yield from merged(stretches)


def _cuts(row: StandardLimit, facts: OutletFacts) -> set[int]:
    """Hours from which a row counts or no longer does."""
    begin = _since(row, facts)
    cuts = {first_hour(begin), first_hour(row.until) if row.until else END}
    if row.months:
        for year in range(max(begin.year, 1970), _LAST_YEAR):
            cuts |= {first_hour(dt.date(year, month, 1)) for month in range(1, 13)}
    return {hour for hour in cuts if hour >= FIRST}


def _since(row: StandardLimit, facts: OutletFacts) -> dt.date:
    """First day for this unit; where its age is not known, the later one."""
    if row.since_existing is None or facts.traits.get("unit") == "new":
        return row.since
    return max(row.since, row.since_existing)


def _choose(
    rows: Sequence[tuple[StandardLimit, Holds]], facts: OutletFacts, hour: int, tier: str
) -> Choice | None:
    """The row that counts in an hour at a water temperature."""
    day = day_of(hour)
    there = [
        (row, held)
        for row, held in rows
        if _since(row, facts) <= day
        and (row.until is None or day < row.until)
        and in_months(row.months, day.month)
        and row.water_temperature in {"", tier}
    ]
    for known in (Holds.YES, Holds.UNKNOWN):
        for rank in (*_RANKS, "policy"):
            fit = [row for row, held in there if held is known and row.rank == rank]
            if fit and known is Holds.YES:
                return Choice(min(fit, key=_narrowest_first), lenient=False)
            if fit:  # a standard of the industry itself before one for all that burn coal
                most = max(row.scope.narrowness for row in fit)
                narrow = [row for row in fit if row.scope.narrowness == most]
                return Choice(max(narrow, key=_leniency), lenient=True)
    return None


def _narrowest_first(row: StandardLimit) -> tuple[float | str, ...]:
    """Order of rows whose conditions are met: special region, narrow scope, conditions, newest."""
    conditions = len(row.traits) + bool(row.unit_age) + bool(row.water_temperature)
    return (
        row.region != "special", -row.scope.narrowness, -conditions, -row.since.toordinal(),
        *_leniency(row), row.key,
    )  # fmt: skip


def _leniency(row: StandardLimit) -> tuple[float, float]:
    upper = math.inf if math.isnan(row.upper) else row.upper
    lower = -math.inf if math.isnan(row.lower) else row.lower
    return upper, -lower


def _limit(
    choice: Choice, facts: OutletFacts, unit: str, span: tuple[int, int], tier: str
) -> Limit:
    row = choice.row
    by = scale(row.unit, unit) or 1.0
    actual = number(facts.traits.get("discharge_m3_per_t", ""))
    share = benchmark_share(actual, row.benchmark_m3_per_t)
    words = [_RANK_ZH.get(row.rank, "政策值，仅预警")]
    if row.region == "special":
        words.append("特别排放限值")
    if choice.lenient:
        words.append("适用条件未登记，取最宽松的一项")
    if share > 1.0:
        words.append(
            f"单位产品排水量{actual:g}超过基准{row.benchmark_m3_per_t:g}立方米/吨，"
            f"限值除以{share:.3g}"
        )
    return Limit(
        limit_id=row.key, averaging=row.averaging, lower=row.lower * by,
        upper=row.upper * by / share,
        unit=unit or row.unit, ref_o2=row.ref_o2, source=printed(row), since=span[0], until=span[1],
        decimals=row.decimals, basis=row.rank, why="；".join(words), water_temperature=tier,
    )  # fmt: skip


def printed(row: StandardLimit) -> str:
    """A row as people cite it."""
    return row.standard if row.table in {"", "-"} else f"{row.standard} 表{row.table}"


def scale(unit: str, wanted: str) -> float | None:
    """What to multiply by to come from one unit to another, None where they do not compare.

    >>> scale("mg/L", "ug/L"), scale("mg/m3", "mg/L"), scale("无量纲", "")
    (1000.0, None, 1.0)
    """
    unit, wanted = _PLAIN.get(unit, unit), _PLAIN.get(wanted, wanted)
    if unit == wanted:
        return 1.0
    (mass, _, volume), (other, _, same) = unit.partition("/"), wanted.partition("/")
    if not volume or volume != same or mass not in _MASS or other not in _MASS:
        return None
    return _MASS[mass] / _MASS[other]


def number(text: str) -> float:
    """A trait as a number, NaN where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def benchmark_share(discharge_m3_per_t: float, benchmark_m3_per_t: float) -> float:
    """基准排水量换算: by how much a concentration is converted up, never below 1 (GB 3544-2008).

    c_benchmark = c x Q_actual / Q_benchmark where the plant discharges more, both in m3 per tonne
    of product. Dividing the limit by the same number judges the same and keeps measured values as
    they are. A volume that is not known (0 or NaN) gives 1.

    >>> benchmark_share(30.0, 20.0), benchmark_share(10.0, 20.0)
    (1.5, 1.0)
    """
    if not (0.0 < discharge_m3_per_t < math.inf and benchmark_m3_per_t > 0.0):
        return 1.0
    return max(1.0, discharge_m3_per_t / benchmark_m3_per_t)


def merged(stretches: Iterable[Limit]) -> list[Limit]:
    """Put together what is the same in neighbouring stretches, and in both water temperatures."""
    grown: dict[tuple[object, ...], Limit] = {}
    done: list[Limit] = []
    for one in stretches:
        old = grown.get(_content(one))
        if old is not None and old.until == one.since:
            grown[_content(one)] = replace(old, until=one.until)
            continue
        if old is not None:
            done.append(old)
        grown[_content(one)] = one
    done.extend(grown.values())
    twins = {(_content(one), one.since, one.until) for one in done}
    both: dict[tuple[object, ...], Limit] = {}
    for one in done:
        span = (one.since, one.until)
        plain = replace(one, water_temperature="")
        if all((_content(replace(one, water_temperature=t)), *span) in twins for t in TIERS):
            both[(_content(plain), *span)] = plain  # the water temperature makes no difference
        else:
            both[(_content(one), *span)] = one
    return sorted(both.values(), key=lambda one: (one.since, one.water_temperature))


def _content(one: Limit) -> tuple[object, ...]:
    """What a limit says, without its span; a bound that is not there equals another such."""
    bounds = tuple(None if math.isnan(value) else value for value in (one.lower, one.upper))
    return (
        *bounds, one.limit_id, one.averaging, one.unit, one.ref_o2, one.source, one.decimals,
        one.basis, one.why, one.water_temperature,
    )  # fmt: skip

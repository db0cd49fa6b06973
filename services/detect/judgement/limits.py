"""限值选用: of permit, standards, overlays and policy values, the ones that judge. Pure.

Order (domain.md C): the stricter of permit and standard; an emergency overlay beside it, again the
stricter; policy values (超低排放) only warn. Compared is only what has the same averaging,
reference oxygen and unit. Each limit that is given says in `why` how it came to judge.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from services.detect.domain.block import Limit
from services.detect.judgement.limit_grid import limit_grid
from services.detect.judgement.parameters import OutletFacts
from services.detect.judgement.standards import (
    AVERAGINGS,
    END,
    FIRST,
    TIERS,
    Kind,
    kind_of,
    merged,
    scale,
    standard_limits,
)

__all__ = ["comparable", "limit_grid", "resolve_limits", "shown"]

#: Begins and ends a token; no id and no source holds it.
_MARK = "\x02"

if TYPE_CHECKING:
    from services.detect.packs.pack import Pack


def resolve_limits(
    own: Sequence[Limit], pack: "Pack", facts: OutletFacts, factor: str
) -> tuple[Limit, ...]:
    """限值选用 for one outlet and factor.

    `own` are the registry's limits of the series (permit, local, emergency, policy). The result
    holds, for each averaging, hour and water temperature, at most one limit that carries a penalty
    and at most one policy value that only warns; each with `basis` and `why`, in the factor's unit
    of HJ 212. By averaging, policy last, then time.
    """
    ordered = sorted(own, key=lambda one: (one.since, one.limit_id))
    kind = kind_of(pack, facts)
    ends = (hour for one in ordered for hour in (one.since, one.until))
    cuts = sorted({FIRST, END, *(hour for hour in ends if FIRST < hour < END)})
    found: list[Limit] = []
    for since, until in itertools.pairwise(cuts):
        now = tuple(one for one in ordered if one.since <= since < one.until)
        for one in _standing(pack, kind, tuple(map(_said, now)), factor):
            span = max(one.since, since), min(one.until, until)
            if span[0] < span[1]:
                found.append(_named(one, now, span))
    return tuple(found if len(cuts) == 2 else sorted(merged(found), key=_order))


def _order(one: Limit) -> tuple[int, bool, int, str]:
    """By averaging, policy last, then time: as they stand without registry limits."""
    return (
        AVERAGINGS.index(one.averaging), one.basis == "policy", one.since, one.water_temperature
    )  # fmt: skip


@dataclass(frozen=True)
class _Said:
    """What a registry limit says, without whose it is: many outlets share one."""

    averaging: str
    lower: float | None
    upper: float | None
    unit: str
    ref_o2: float
    decimals: int
    basis: str
    water_temperature: str


def _said(one: Limit) -> _Said:
    lower, upper = (None if math.isnan(bound) else bound for bound in (one.lower, one.upper))
    return _Said(
        one.averaging, lower, upper, one.unit, one.ref_o2, one.decimals, one.basis,
        one.water_temperature,
    )  # fmt: skip


def _token(at: int, what: str) -> str:
    """Stands for id or source of the limit at a place; sorts by place."""
    return f"{_MARK}{at:04d}{what}{_MARK}"


def _named(one: Limit, own: Sequence[Limit], span: tuple[int, int]) -> Limit:
    """A resolved limit of an outlet: its own ids and sources for the tokens."""
    return replace(
        one,
        limit_id=_filled(one.limit_id, own),
        source=_filled(one.source, own),
        why=_filled(one.why, own),
        since=span[0],
        until=span[1],
    )


def _filled(text: str, own: Sequence[Limit]) -> str:
    if _MARK not in text:
        return text
    for at, mine in enumerate(own):
        text = text.replace(_token(at, "id"), mine.limit_id)
        text = text.replace(_token(at, "source"), mine.source)
    return text


@lru_cache(maxsize=65536)
def _standing(pack: "Pack", kind: Kind, said: tuple[_Said, ...], factor: str) -> tuple[Limit, ...]:
    """Limits of a kind of outlet while these registry limits stand, over all time."""
    unit = pack.book.factor(factor).unit
    own = [
        Limit(
            limit_id=_token(at, "id"), averaging=one.averaging,
            lower=math.nan if one.lower is None else one.lower,
            upper=math.nan if one.upper is None else one.upper, unit=one.unit, ref_o2=one.ref_o2,
            source=_token(at, "source"), since=FIRST, until=END, decimals=one.decimals,
            basis=one.basis, water_temperature=one.water_temperature,
        )
        for at, one in enumerate(said)
    ]  # fmt: skip
    given = [*(_in_unit(one, unit) for one in own), *standard_limits(pack, kind, factor)]
    mine = {id(one) for one in given[: len(own)]}
    found: list[Limit] = []
    for averaging in AVERAGINGS:
        some = [one for one in given if one.averaging == averaging]
        found += merged(_over_time(some, lambda now: _penalty(now, mine)))
        found += merged(_over_time(some, lambda now: _policy(now, mine)))
    return tuple(found)


def _in_unit(limit: Limit, unit: str) -> Limit:
    """A registry limit in the factor's unit; as it is where its unit does not compare."""
    by = scale(limit.unit, unit)
    if by in {None, 1.0}:
        return replace(limit)
    assert by is not None
    return replace(limit, lower=limit.lower * by, upper=limit.upper * by, unit=unit)


def _over_time(
    limits: Sequence[Limit], choose: Callable[[list[Limit]], Limit | None]
) -> Iterator[Limit]:
    """Choose in each stretch of time in which nothing changes, for each water temperature."""
    tiers = TIERS if any(one.water_temperature for one in limits) else ("",)
    inner = (hour for one in limits for hour in (one.since, one.until))
    cuts = sorted({FIRST, END, *(hour for hour in inner if FIRST < hour < END)})
    for since, until in itertools.pairwise(cuts):
        for tier in tiers:
            now = [
                one
                for one in limits
                if one.since <= since < one.until and one.water_temperature in {"", tier}
            ]
            chosen = choose(now)
            if chosen is not None:
                yield replace(chosen, since=since, until=until, water_temperature=tier)


def _penalty(now: list[Limit], mine: set[int]) -> Limit | None:
    """The limit beyond which a value is an exceedance."""
    permit = _strictest([one for one in now if one.basis == "permit"])
    local = _strictest([one for one in now if one.basis == "local" and id(one) in mine])
    shipped = _strictest(
        [one for one in now if id(one) not in mine and one.basis not in {"permit", "policy"}]
    )
    standard = replace(local, why="地方标准（登记）") if local is not None else shipped
    base = _permit_and_standard(permit, standard)
    emergency = _strictest([one for one in now if one.basis == "emergency"])
    return base if emergency is None else _overlaid(base, emergency)


def _permit_and_standard(permit: Limit | None, standard: Limit | None) -> Limit | None:
    """The stricter of both, or the one that is there."""
    if permit is None:
        return standard and replace(standard, why=f"无许可限值，适用{standard.why}")
    if standard is None:
        return replace(permit, why="许可限值；无适用的标准限值")
    if not comparable(permit, standard):
        return replace(permit, why=f"许可限值；与{standard.source}基准含氧量或单位不同，未比较")
    if _bounds(permit) == _bounds(standard):
        return replace(permit, why=f"许可限值，与{standard.source}一致")
    if _inside(permit, standard):
        return replace(permit, why=f"许可限值严于{standard.source}的{shown(standard)}")
    if _inside(standard, permit):
        why = f"{standard.source}严于许可限值{shown(permit)}（{standard.why}）"
        return replace(standard, why=why)
    return _crossed(permit, standard)


def _overlaid(base: Limit | None, emergency: Limit) -> Limit:
    """应急管控限值 over what holds anyway; a more lenient one lifts nothing."""
    if base is None or not comparable(base, emergency):
        return replace(emergency, why="应急管控期间限值")
    if _inside(base, emergency):
        return replace(base, why=f"{base.why}；应急管控限值{shown(emergency)}不更严")
    if _inside(emergency, base):
        return replace(emergency, why=f"应急管控期间限值，严于{base.source}的{shown(base)}")
    return _crossed(emergency, base)


def _policy(now: list[Limit], mine: set[int]) -> Limit | None:
    """The policy value that only warns: the registry's own before the pack's."""
    policies = [one for one in now if one.basis == "policy"]
    registered = [one for one in policies if id(one) in mine]
    chosen = _strictest(registered or policies)
    penalty = _penalty(now, mine)
    if chosen is None or (penalty is not None and penalty.ref_o2 != chosen.ref_o2):
        return None  # converted to another oxygen, one value cannot be held against both
    return replace(chosen, why="超低排放等政策值，仅预警，不作处罚依据")


def _strictest(limits: list[Limit]) -> Limit | None:
    """The strictest of one kind; of those that do not compare the newest, then the last by id."""
    if not limits:
        return None
    newest = max(limits, key=lambda one: (one.since, one.limit_id))
    same = [one for one in limits if comparable(one, newest)]
    upper, lower = min(_bounds(one)[1] for one in same), max(_bounds(one)[0] for one in same)
    fit = [one for one in same if _bounds(one) == (lower, upper)]
    return max(fit or same, key=lambda one: (-_bounds(one)[1], one.since, one.limit_id))


def comparable(one: Limit, other: Limit) -> bool:
    """Whether two limits say the same kind of thing."""
    return (
        one.averaging == other.averaging
        and one.ref_o2 == other.ref_o2
        and scale(one.unit, other.unit) == 1.0
    )


def _bounds(one: Limit) -> tuple[float, float]:
    """Lower and upper; a bound that is not there is infinite."""
    lower = -math.inf if math.isnan(one.lower) else one.lower
    return lower, math.inf if math.isnan(one.upper) else one.upper


def _inside(one: Limit, other: Limit) -> bool:
    """Whether all that one allows the other allows too."""
    (low, high), (lower, upper) = _bounds(one), _bounds(other)
    return low >= lower and high <= upper


def _crossed(one: Limit, other: Limit) -> Limit:
    """Each stricter at one end: what both allow."""
    (low, high), (lower, upper) = _bounds(one), _bounds(other)
    return replace(
        one,
        limit_id=f"{one.limit_id}+{other.limit_id}",
        lower=max(low, lower),
        upper=min(high, upper),
        source=f"{one.source}；{other.source}",
        decimals=max(one.decimals, other.decimals),
        why=f"{shown(one)}与{shown(other)}两端各取严者",
    )


def shown(one: Limit) -> str:
    """The bounds as people write them.

    >>> shown(Limit("", "hourly", 6.0, 9.0, "", 0.0, "", 0, 1, 0))
    '6~9'
    """
    lower, upper = _bounds(one)
    if math.isinf(lower):
        return f"{upper:g}"
    return f"≥{lower:g}" if math.isinf(upper) else f"{lower:g}~{upper:g}"

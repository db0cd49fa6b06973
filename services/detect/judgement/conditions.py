"""适用条件: whether the conditions of a standard's row are met by an outlet. Pure."""

from collections.abc import Iterable
from enum import IntEnum

from services.detect.judgement.parameters import OutletFacts, StandardLimit


class Holds(IntEnum):
    """Whether a condition is met, as far as the registry tells."""

    NO = 0
    UNKNOWN = 1
    YES = 2


def trait_holds(entry: str, traits: Iterable[tuple[str, str]]) -> Holds:
    """Whether an entry of `StandardLimit.traits` is met.

    "|" stands between alternatives, "&" inside one; an entry that ends with "!" needs to be known:
    a missing trait counts as not met.

    >>> trait_holds("boiler=w_flame|built<2004-01-01", {"built": "1999-05-01"}.items()).name
    'YES'
    >>> trait_holds("selected=yes!", {}.items()).name
    'NO'
    """
    known = dict(traits)
    alternatives = entry.removesuffix("!").split("|")
    best = max(min(_term(t, known) for t in one.split("&")) for one in alternatives)
    return Holds.NO if best is Holds.UNKNOWN and entry.endswith("!") else best


def _term(term: str, traits: dict[str, str]) -> Holds:
    for sign in (">=", "<", "="):
        name, found, wanted = term.partition(sign)
        if not found:
            continue
        value = traits.get(name.strip(), "")
        if not value:
            return Holds.UNKNOWN
        return Holds.YES if _compare(value, sign, wanted.strip()) else Holds.NO
    return Holds.UNKNOWN


def _compare(value: str, sign: str, wanted: str) -> bool:
    """Compare as numbers where both are, else as text, which orders ISO dates rightly."""
    if sign == "=":
        return value == wanted
    try:
        below = float(value) < float(wanted)
    except ValueError:
        below = value < wanted
    return below if sign == "<" else not below


def row_holds(row: StandardLimit, facts: OutletFacts) -> Holds:
    """Whether a row's conditions beside scope and period are met by an outlet."""
    if row.region == "special" and facts.traits.get("region") != "key":
        return Holds.NO  # 特别排放限值 hold where an announcement names the place, nowhere else
    held = [trait_holds(entry, facts.traits.items()) for entry in row.traits]
    if row.unit_age:
        held.append(trait_holds(f"unit={row.unit_age}", facts.traits.items()))
    return min(held, default=Holds.YES)


def in_months(months: str, month: int) -> bool:
    """Whether a month lies in a season such as 11-03; empty = the whole year.

    >>> in_months("11-03", 1), in_months("11-03", 4), in_months("", 4)
    (True, False, True)
    """
    if not months:
        return True
    first, last = (int(part) for part in months.split("-"))
    return first <= month <= last if first <= last else month >= first or month <= last

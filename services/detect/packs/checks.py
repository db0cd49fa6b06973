"""规则包检查: what only the whole pack shows: doubles, gaps, names that lead nowhere. Pure."""

import datetime as dt
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from services.detect.judgement.parameters import Row, StandardLimit
from services.detect.packs.pack import Pack
from services.detect.packs.schema import refusal

#: A row for everybody must be in force from here on: the oldest data anybody will judge.
SINCE_EVER = dt.date(2000, 1, 1)
_FOR_EVERYBODY = ("validity", "warnings", "amounts", "rates", "power")
_NEVER = dt.date.max


def check_pack(pack: Pack, names: Mapping[str, str]) -> None:
    """Check a pack as a whole; `names` gives the file of each part. Raises InputRejected."""
    for part, name in names.items():
        rows: Sequence[Row] = getattr(pack, part)
        if part == "legal":
            _check_once([row.key for row in pack.legal], name)
            continue
        for row in rows:
            _check_period(row, name)
        _check_overlaps(rows, name)
        if part in _FOR_EVERYBODY:
            _check_everybody(rows, name)
    for row in pack.standards:
        _check_standard(row, names["standards"])
    _check_pools(pack, names)
    _check_rates(pack)
    _check_families(pack)
    if len(pack.dials) != 1:
        what = f"has {len(pack.dials)} rows"
        raise refusal("screening/dial.yaml", "", what, "keep exactly one")


def _check_once(keys: Sequence[str], name: str) -> None:
    for key in keys:
        if keys.count(key) > 1:
            raise refusal(f"{name}, {key}", "key", "stands twice", "give each row its own key")


def _check_period(row: Row, name: str) -> None:
    if row.until is not None and row.since >= row.until:
        raise refusal(f"{name}, {row.key}", "until", "is not after since", "correct one of them")


def _check_overlaps(rows: Sequence[Row], name: str) -> None:
    """The same key may stand twice for two periods, never for one day."""
    ordered = sorted(rows, key=lambda row: (row.key, row.since))
    for old, new in itertools.pairwise(ordered):
        if old.key == new.key and new.since < (old.until or _NEVER):
            what = f"two rows are in force on {new.since}"
            raise refusal(f"{name}, {old.key}", "until", what, "end one where the other begins")


def _check_everybody(rows: Sequence[Row], name: str) -> None:
    for medium in ("air", "water"):
        if not any(_is_for_all(row, medium) for row in rows):
            what = f"has no row for every outlet of medium {medium}, without end"
            remedy = f"add one without scope (or scope media), since {SINCE_EVER} or earlier"
            raise refusal(name, "scope", what, remedy)


def _is_for_all(row: Row, medium: str) -> bool:
    scope = row.scope
    return (
        row.since <= SINCE_EVER
        and row.until is None
        and scope.narrowness == bool(scope.media)
        and (not scope.media or medium in scope.media)
    )


def _check_standard(row: StandardLimit, name: str) -> None:
    where = f"{name}, {row.key}"
    for field, what, remedy in _standard_faults(row):
        raise refusal(where, field, what, remedy)


def _standard_faults(row: StandardLimit) -> Iterator[tuple[str, str, str]]:
    if row.averaging and not row.scope.factors:
        yield "factors", "an averaging without a factor", "name the factor, or empty the averaging"
    if row.scope.factors and math.isnan(row.lower) and math.isnan(row.upper):
        yield "upper", "neither lower nor upper", "write at least one"
    if row.lower >= row.upper:
        yield "upper", "not above lower", "correct one of them"
    if row.since_existing is not None and row.since_existing < row.since:
        yield "since_existing", "before since", "existing units are bound later, or leave it empty"


def _check_pools(pack: Pack, names: Mapping[str, str]) -> None:
    """Marks and pools must know each other, or hours would be exempt without a cap."""
    pools = {pool.key for pool in pack.pools}
    conditions = {mark.condition for mark in pack.marks} - {""}
    for mark in pack.marks:
        if mark.pool and mark.pool not in pools:
            where, remedy = f"{names['marks']}, {mark.key}", f"choose one of {sorted(pools)}"
            raise refusal(where, "pool", f"there is no pool {mark.pool}", remedy)
        if mark.effect == "exempt" and not mark.pool:
            where = f"{names['marks']}, {mark.key}"
            raise refusal(where, "pool", "an exemption without a pool", "name a pool, cap 0 = none")
    for pool in pack.pools:
        where = f"{names['pools']}, {pool.key}"
        unknown = sorted({*pool.conditions, *pool.event_cap_conditions} - conditions)
        if unknown:
            what = f"no mark has the condition {unknown}"
            raise refusal(where, "conditions", what, "correct it or add the mark")
        if not set(pool.event_cap_conditions) <= set(pool.conditions):
            what, remedy = "names conditions beyond `conditions`", "name some of those only"
            raise refusal(where, "event_cap_conditions", what, remedy)


def _check_rates(pack: Pack) -> None:
    """A larger score must never be the more frequent one: alarms would come for weaker signs."""
    name = "screening/rates.csv"
    ordered = sorted(pack.test_rates, key=lambda p: (p.test, p.interval_class, p.score))
    for old, new in itertools.pairwise(ordered):
        where = f"{name}, {new.test} {new.interval_class}"
        if (old.test, old.interval_class) != (new.test, new.interval_class):
            continue
        if old.score == new.score:
            raise refusal(where, "score", f"{new.score} stands twice", "keep one of them")
        if new.per_station_year > old.per_station_year:
            what = f"rises from {old.per_station_year} to {new.per_station_year}"
            raise refusal(where, "per_station_year", what, "a larger score is never more frequent")


def _check_families(pack: Pack) -> None:
    name = "screening/families.csv"
    _check_once([row.id for row in pack.test_families], name)
    _check_once([row.test for row in pack.test_shares], "screening/shares.csv")

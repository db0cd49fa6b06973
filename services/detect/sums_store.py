"""Queries of day sums (schema `detect`): written with each judged day, summed by area and time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected
from services.chassis.identity import Scope

#: Rows of one answer.
ROWS = 10_000


class SumRow(NamedTuple):
    """小时计数和排放量 of one outlet, day and factor; a row of table `day_sum`."""

    day: date
    outlet_id: str
    factor: str
    revision: int
    division: str
    credit_code: str
    operator: str
    hours: int
    stopped: int
    received: int
    valid: int
    free: int
    excused: int
    marked: int
    exempt: int
    amount_kg: float | None
    substituted_kg: float | None


_TYPES = {int: "int4", str: "text", date: "date"}
_COLUMNS = ", ".join(SumRow._fields)
_ARRAYS = ", ".join(
    f"CAST(:{name} AS {_TYPES.get(kind, 'float8')}[])"
    for name, kind in SumRow.__annotations__.items()
)
_KEY = ("day", "outlet_id", "factor")
_SAVE = text(
    f"INSERT INTO day_sum ({_COLUMNS})"  # noqa: S608 - names of ours
    f" SELECT n.* FROM unnest({_ARRAYS}) AS n ({_COLUMNS}) WHERE NOT EXISTS ("
    " SELECT FROM day_sum AS s"
    " WHERE s.day = n.day AND s.outlet_id = n.outlet_id AND s.revision > n.revision)"
    f" ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = EXCLUDED.{name}" for name in SumRow._fields if name not in _KEY)
)
_DROP = text(
    "DELETE FROM day_sum AS s USING unnest(CAST(:day AS date[]), CAST(:outlet_id AS text[]),"
    " CAST(:revision AS int4[])) AS n (day, outlet_id, revision)"
    " WHERE s.day = n.day AND s.outlet_id = n.outlet_id AND s.revision < n.revision"
)


def save_sums(session: Session, rows: Sequence[SumRow]) -> None:
    """Keep the sums of judged days instead of those of earlier revisions.

    A revision that is older than the kept one changes nothing, so the order of writing is free.
    """
    if not rows:
        return
    values = dict(zip(SumRow._fields, map(list, zip(*rows, strict=True)), strict=True))
    session.execute(_SAVE, values)
    # A factor that the newer revision has no more (its limit was taken back) goes with the older.
    session.execute(_DROP, {name: values[name] for name in ("day", "outlet_id", "revision")})


_LEVELS = {
    "outlet": "outlet_id",
    "enterprise": "credit_code",
    "county": "division",
    "city": "left(division, 4) || '00'",
    "province": "left(division, 2) || '0000'",
    "operator": "operator",
    "all": "''",
}
LEVELS = tuple(level for level in _LEVELS if level != "all")
_SUMS = """
    SELECT {key} AS key, {factor} AS factor, sum(hours) AS hours, sum(stopped) AS stopped,
           sum(received) AS received, sum(valid) AS valid, sum(free) AS free,
           sum(excused) AS excused, sum(marked) AS marked, sum(exempt) AS exempt,
           sum(amount_kg) AS amount_kg, sum(substituted_kg) AS substituted_kg,
           count(DISTINCT outlet_id) AS outlets, max(day) AS last_day
    FROM day_sum
    WHERE day >= :first AND day < :end AND division LIKE :division
      AND (:credit_code = '' OR credit_code = :credit_code)
    GROUP BY 1, 2 ORDER BY 1, 2 LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which sums: days [first, end) inside a scope."""

    first: date
    end: date
    scope: Scope
    credit_code: str = ""
    by_factor: bool = False


@dataclass(frozen=True, slots=True)
class Summed:
    """Sums of a key and factor; `factor` is empty where all are taken together."""

    key: str
    factor: str
    hours: int
    stopped: int
    received: int
    valid: int
    free: int
    excused: int
    marked: int
    exempt: int
    amount_kg: float | None
    substituted_kg: float | None
    outlets: int
    last_day: date


def sums(session: Session, asked: Asked, level: str) -> list[Summed]:
    """Sum the days by key. `level` is one of `LEVELS`, or "all". Raises InputRejected: too many."""
    query = _SUMS.format(key=_LEVELS[level], factor="factor" if asked.by_factor else "''")
    terms = {
        "first": asked.first,
        "end": asked.end,
        "division": f"{asked.scope.division_prefix}%",
        "credit_code": asked.scope.enterprise_id or asked.credit_code,
        "limit": ROWS + 1,
    }
    found = [Summed(**row) for row in session.execute(text(query), terms).mappings()]
    if len(found) > ROWS:
        raise InputRejected(f"more than {ROWS} sums: ask for a smaller area or a wider level")
    if asked.by_factor:
        return found
    # Kilograms of different pollutants are not added.
    return [replace(one, amount_kg=None, substituted_kg=None) for one in found]

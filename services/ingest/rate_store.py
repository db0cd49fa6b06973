"""Reads what completeness keeps: certificates of an outlet, rates of a jurisdiction."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.chassis.identity import Scope

#: Rows of one answer.
ROWS = 10_000

_KEYS = {
    "outlet": "outlet_id",
    "enterprise": "credit_code",
    "county": "division",
    "city": "left(division, 4) || '00'",
    "province": "left(division, 2) || '0000'",
    "all": "''",
}
#: Slots of a day that the 23/24 rule counts as come: only of a whole day, and only missing ones.
_FREE = (
    "CASE WHEN due - stopped >= 24"
    " THEN least(free_hours, greatest(due - stopped - came{}, 0)) ELSE 0 END"
)
_RATES = """
    SELECT {key} AS key, {period} AS period, sum(due) AS due, sum(stopped) AS stopped,
           sum(came) AS came, sum(filled + after) AS filled,
           sum({free}) AS free, sum({free_after}) AS free_after,
           count(DISTINCT outlet_id) AS outlets, min(hours) AS hours, max(day) AS last_day
    FROM rate_day
    WHERE kind = :kind AND day >= :first AND day < :end AND division LIKE :division
      AND (:credit_code = '' OR credit_code = :credit_code)
    GROUP BY 1, 2 ORDER BY 2, 1 LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rates: days [first, end) of a kind, inside a scope."""

    kind: int
    first: date
    end: date
    scope: Scope
    credit_code: str = ""
    by_day: bool = False


@dataclass(frozen=True, slots=True)
class RateRow:
    """Sums of a key and period."""

    key: str
    period: str
    due: int
    stopped: int
    came: int
    filled: int
    free: int
    free_after: int
    outlets: int
    hours: int  # closed hours of the least complete outlet and day
    last_day: date


def rates(session: Session, asked: Asked, level: str) -> list[RateRow]:
    """Sum the days' counts by key and period. `level` is one of `_KEYS`."""
    query = _RATES.format(
        key=_KEYS[level],
        period="to_char(day, 'YYYY-MM-DD')" if asked.by_day else "''",
        free=_FREE.format(""),
        free_after=_FREE.format(" - filled - after"),
    )
    terms = {
        "kind": asked.kind,
        "first": asked.first,
        "end": asked.end,
        "division": f"{asked.scope.division_prefix}%",
        "credit_code": asked.scope.enterprise_id or asked.credit_code,
        "limit": ROWS,
    }
    return [RateRow(**row) for row in session.execute(text(query), terms).mappings()]


def certificates_between(
    session: Session, outlet_id: str, kind: int, start: datetime, end: datetime
) -> list[dict[str, Any]]:
    """Fixed certificates of an outlet with what came after; `kind` 0 = all."""
    rows = session.execute(
        text(
            "SELECT c.*, f.late AS after_late, f.filled AS after_filled, f.first_at, f.last_at"
            " FROM certificate AS c LEFT JOIN certificate_fill AS f"
            " ON f.outlet_id = c.outlet_id AND f.hour = c.hour AND f.kind = c.kind"
            " WHERE c.outlet_id = :outlet_id AND c.hour >= :start AND c.hour < :end"
            " AND (:kind = 0 OR c.kind = :kind) ORDER BY c.hour, c.kind"
        ),
        {"outlet_id": outlet_id, "kind": kind, "start": start, "end": end},
    )
    return [dict(row) for row in rows.mappings()]

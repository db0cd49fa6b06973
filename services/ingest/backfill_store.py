"""Holes and the requests that were made for them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.chassis.identity import Scope
from services.ingest.domain.holes import Attempt, Cell, Hole
from services.ingest.fill_store import MARKED

_CELLS = f"""
    SELECT c.outlet_id, p.mn, c.kind, c.hour,
           c.missing + c.failed - coalesce(f.late + f.filled, 0) AS slots
    FROM certificate AS c
    JOIN (
        SELECT DISTINCT ON (outlet_id) outlet_id, mn, division, credit_code FROM monitor_point
        WHERE enabled ORDER BY outlet_id, since
    ) AS p ON p.outlet_id = c.outlet_id
    LEFT JOIN certificate_fill AS f
      ON f.outlet_id = c.outlet_id AND f.hour = c.hour AND f.kind = c.kind
    WHERE c.kind > 1 AND c.missing + c.failed > 0 AND c.hour >= :start AND c.hour < :end
      AND c.missing + c.failed > coalesce(f.late + f.filled, 0)
      AND {{which}} AND NOT {MARKED}
    ORDER BY c.hour DESC LIMIT :limit
"""  # noqa: S608 - constants
_INSIDE = (
    "p.division LIKE :division AND (:credit_code = '' OR p.credit_code = :credit_code)"
    " AND (:outlet_id = '' OR p.outlet_id = :outlet_id)"
)
#: Loggers that are connected long enough for a back-fill of their own to have come first.
_BACK = (
    "p.mn IN (SELECT mn FROM logger_session WHERE closed_at IS NULL AND opened_at <= :back_since)"
    " AND p.mn NOT IN (SELECT mn FROM backfill WHERE state = 'asked')"
)


def cells_inside(
    session: Session, scope: Scope, outlet_id: str, start: datetime, end: datetime, *, limit: int
) -> list[Cell]:
    """Certificates with missing slots inside a scope, newest first; marked hours are none."""
    terms = {
        "division": f"{scope.division_prefix}%",
        "credit_code": scope.enterprise_id,
        "outlet_id": outlet_id,
        "start": start,
        "end": end,
        "limit": limit,
    }
    return _cells(session, _INSIDE, terms)


def cells_of_loggers_that_are_back(
    session: Session, back_since: datetime, start: datetime, end: datetime, *, limit: int
) -> list[Cell]:
    """The same of loggers that are connected since `back_since` and not busy with a request."""
    terms = {"back_since": back_since, "start": start, "end": end, "limit": limit}
    return _cells(session, _BACK, terms)


def _cells(session: Session, which: str, terms: dict[str, object]) -> list[Cell]:
    rows = session.execute(text(_CELLS.format(which=which)), terms)
    return [Cell(row.outlet_id, row.mn, row.kind, row.hour, row.slots) for row in rows]


def attempts(
    session: Session, outlets: Sequence[str], since: datetime
) -> dict[tuple[str, int], list[Attempt]]:
    """Requests by outlet and kind that reach beyond `since`."""
    found: dict[tuple[str, int], list[Attempt]] = {}
    rows = session.execute(
        text(
            "SELECT outlet_id, kind, start_at, end_at, state, reason, ended_at FROM backfill"
            " WHERE outlet_id = ANY (:outlets) AND end_at > :since"
        ),
        {"outlets": list(outlets), "since": since},
    )
    for row in rows:
        one = Attempt(row.start_at, row.end_at, row.state, row.reason, row.ended_at)
        found.setdefault((row.outlet_id, row.kind), []).append(one)
    return found


def outstanding(session: Session) -> set[str]:
    """MNs that are busy with a back-fill."""
    return set(session.scalars(text("SELECT mn FROM backfill WHERE state = 'asked'")))


def minute_interval(session: Session, mn: str) -> int:
    """Minutes between two 2051 of a logger; 10 where it is not registered (HJ 212-2017 6.6)."""
    known = session.scalar(text("SELECT minute_min FROM monitor_point WHERE mn = :mn"), {"mn": mn})
    return known or 10


def logger_of(session: Session, outlet_id: str) -> str | None:
    """MN of the outlet's enabled logger."""
    found: str | None = session.scalar(
        text(
            "SELECT mn FROM monitor_point WHERE outlet_id = :o AND enabled ORDER BY since LIMIT 1"
        ),
        {"o": outlet_id},
    )
    return found


def keep_request(
    session: Session, hole: Hole, command_id: object, requested_by: str, now: datetime
) -> None:
    """Note a request. The database refuses a second one that is outstanding for a logger."""
    session.execute(
        text(
            "INSERT INTO backfill (mn, outlet_id, kind, start_at, end_at, state, command_id,"
            " requested_by, asked_at)"
            " VALUES (:mn, :outlet_id, :kind, :start, :end, 'asked', :command_id, :by, :now)"
        ),
        {
            "mn": hole.mn,
            "outlet_id": hole.outlet_id,
            "kind": hole.kind,
            "start": hole.start,
            "end": hole.end,
            "command_id": command_id,
            "by": requested_by,
            "now": now,
        },
    )


def end_requests(session: Session, now: datetime) -> int:
    """Take over how the commands of outstanding requests ended; gives their number.

    ExeRtn=100 says that the logger has no data (hj212.md 2.3): it is not asked again.
    """
    done = session.execute(
        text(
            "UPDATE backfill AS b SET ended_at = coalesce(c.ended_at, :now), reason = c.outcome,"
            " state = CASE WHEN EXISTS (SELECT FROM command_step AS s"
            "   WHERE s.command_id = c.command_id AND s.kind = 'result' AND s.detail ~ '^100\\M')"
            "   THEN 'no_data'"
            "  WHEN c.state = 'done' THEN 'answered'"
            "  WHEN c.state IN ('expired', 'cancelled') THEN 'expired' ELSE 'failed' END"
            " FROM command AS c WHERE b.state = 'asked' AND c.command_id = b.command_id"
            " AND c.state IN ('done', 'failed', 'lost', 'expired', 'cancelled') RETURNING 1"
        ),
        {"now": now},
    )
    return len(done.all())

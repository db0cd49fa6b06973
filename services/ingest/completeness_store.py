"""Certificates of completeness, set-based: a statement a partition and hour, never one a frame.

The counting reads the readings themselves, so it gives the same whenever it runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.ingest.domain.completeness import (
    DAY,
    HOUR,
    MINUTE,
    ONE_DAY,
    ONE_HOUR,
    REALTIME,
    Arrivals,
    Certificate,
    Place,
    Rules,
    certify,
)
from services.ingest.store import copy_rows

HOURLY, DAILY = "hour", "day"
SPANS = {HOURLY: ONE_HOUR, DAILY: ONE_DAY}
KIND_OF_SPAN = {HOURLY: HOUR, DAILY: DAY}

#: How the stored values of a point came. F on every factor that has a flag: 停运 (hj212.md 3.2).
#: A furnace's temperature has its own cadence of five minutes beside the logger's minute data.
_ARRIVALS = """
    SELECT
        count(*) FILTER (WHERE way = 's') AS stopped,
        count(*) FILTER (WHERE way = 'c') AS came,
        count(*) FILTER (WHERE way = 'l') AS late,
        count(*) FILTER (WHERE way = 'f') AS filled,
        sha256(coalesce(string_agg(
            timestamptz_send(data_time) || timestamptz_send(received_at) || way::bytea,
            ''::bytea ORDER BY data_time, received_at), ''::bytea)) AS inputs_sha256
    FROM (
        SELECT data_time, received_at, CASE
            WHEN strpos(flags, 'F') > 0 AND translate(flags, 'F-', '') = '' THEN 's'
            WHEN origin > 1 THEN 'f'
            WHEN received_at <= data_time + d.period + d.grace THEN 'c'
            ELSE 'l' END AS way
        FROM reading
        WHERE outlet_id = d.outlet_id AND kind = d.kind
          AND data_time >= :hour AND data_time < :hour_end AND received_at < :closed_at
          AND NOT (kind = 2 AND factors = ARRAY['a01901'])
    ) AS one
"""

#: Points of a partition that are due at an hour, one row a kind; several loggers of an outlet
#: (main and backup) are one point.
_DUE = """
    SELECT outlet_id, k.kind, max(k.slots)::int AS due, max(k.period) AS period, k.grace,
           max(division) AS division, max(credit_code) AS credit_code,
           CASE WHEN k.kind = 3 THEN max(free_hours) ELSE 0 END AS free_hours
    FROM monitor_point CROSS JOIN LATERAL (VALUES {kinds}) AS k (kind, slots, period, grace)
    WHERE enabled AND since <= :hour AND k.slots > 0 AND {which}
    GROUP BY outlet_id, k.kind, k.grace
"""
_KINDS_OF_SPAN = {
    HOURLY: """
        (1, CASE WHEN realtime_s > 0 THEN 3600 / realtime_s ELSE 0 END,
            interval '0', CAST(:grace1 AS interval)),
        (2, CASE WHEN minute_min > 0 THEN 60 / minute_min ELSE 0 END,
            make_interval(mins => minute_min), CAST(:grace2 AS interval)),
        (3, 1, interval '1 hour', CAST(:grace3 AS interval))
    """,
    DAILY: "(4, 1, interval '1 day', CAST(:grace4 AS interval))",
}
_CN = {"2011": REALTIME, "2051": MINUTE, "2061": HOUR, "2031": DAY}

#: Refused frames of the hour: by their DataTime, or, where that was not readable, by arrival less
#: the period, since a value is sent when its period is over.
_REFUSED = """
    SELECT outlet_id, cn, count(*) AS number FROM (
        SELECT outlet_id, cn, coalesce(data_time, received_at - CASE cn
            WHEN '2061' THEN interval '1 hour' WHEN '2031' THEN interval '1 day'
            WHEN '2051' THEN interval '10 minutes' ELSE interval '0' END) AS moment
        FROM ledger
        WHERE part = :part AND outcome = 'refused' AND outlet_id <> ''
          AND arrival_hour >= :hour AND arrival_hour < :closed_at
          AND cn IN ('2011', '2051', '2061', '2031')
    ) AS one
    WHERE moment >= :hour AND moment < :hour_end
    GROUP BY outlet_id, cn
"""

_COLUMNS = (
    "hour, outlet_id, kind, due, came, late, filled, failed, stopped, missing, closed_at,"
    " inputs_sha256, sm3"
)
_TYPES = ("timestamptz", "text", *("int2",) * 8, "timestamptz", "bytea", "bytea")


def note_late(session: Session, places: Sequence[Place]) -> None:
    """Have the certificates of these places, where there are any, counted again."""
    if not places:
        return
    session.execute(
        text(
            "INSERT INTO arrived_late"
            " SELECT hour, outlet_id, kind FROM unnest("
            "  CAST(:hours AS timestamptz[]), CAST(:outlets AS text[]), CAST(:kinds AS int2[]))"
            "  AS late (hour, outlet_id, kind)"
            " WHERE EXISTS (SELECT FROM certificate AS c WHERE c.hour = late.hour"
            "  AND c.outlet_id = late.outlet_id AND c.kind = late.kind)"
            " ON CONFLICT DO NOTHING"
        ),
        {
            "hours": [place.hour for place in places],
            "outlets": [place.outlet_id for place in places],
            "kinds": [place.kind for place in places],
        },
    )


def note_settled(session: Session, part: int, received_at: datetime, now: datetime) -> None:
    """Note how far a partition has been settled."""
    session.execute(
        text(
            "INSERT INTO settled_until VALUES (:part, :received_at, :now)"
            " ON CONFLICT (part) DO UPDATE SET"
            " received_at = greatest(settled_until.received_at, excluded.received_at),"
            " settled_at = excluded.settled_at"
        ),
        {"part": part, "received_at": received_at, "now": now},
    )


@dataclass(frozen=True, slots=True)
class Due:
    """Whose certificate it is, for the rates."""

    certificate: Certificate
    division: str
    credit_code: str
    free_hours: int


def certificates_of(
    session: Session, part: int, span: str, hour: datetime, rules: Rules, *, outlet_id: str = ""
) -> list[Due]:
    """Count a partition's points (or one outlet of it) at an hour, as of its closing."""
    which = "outlet_id = :outlet_id" if outlet_id else "part = :part"
    due = _DUE.format(kinds=_KINDS_OF_SPAN[span], which=which)
    closed_at = rules.closed_at(hour, KIND_OF_SPAN[span])
    terms = {
        "part": part,
        "outlet_id": outlet_id,
        "hour": hour,
        "hour_end": hour + SPANS[span],
        "closed_at": closed_at,
        **{f"grace{kind}": grace for kind, grace in rules.grace.items()},
    }
    found = session.execute(text(_REFUSED), terms)
    refused = {(row.outlet_id, _CN[row.cn]): int(row.number) for row in found}
    rows = session.execute(
        text(f"SELECT d.*, a.* FROM ({due}) AS d CROSS JOIN LATERAL ({_ARRIVALS}) AS a"),  # noqa: S608 - constants
        terms,
    )
    return [
        Due(
            certify(
                Place(hour, row.outlet_id, row.kind),
                row.due,
                Arrivals(
                    stopped=row.stopped,
                    came=row.came,
                    late=row.late,
                    filled=row.filled,
                    refused=refused.get((row.outlet_id, row.kind), 0),
                    inputs_sha256=bytes(row.inputs_sha256),
                ),
                closed_at,
            ),
            row.division,
            row.credit_code,
            row.free_hours,
        )
        for row in rows
    ]


def begin_closing(session: Session, part: int, span: str, hour: datetime, now: datetime) -> bool:
    """Claim an hour's closing; False when it is closed already, or another replica is at it."""
    done = session.execute(
        text(
            "INSERT INTO certificate_close VALUES (:part, :span, :hour, 0, :now)"
            " ON CONFLICT DO NOTHING RETURNING hour"
        ),
        {"part": part, "span": span, "hour": hour, "now": now},
    )
    return done.first() is not None


def keep_certificates(session: Session, rows: Sequence[Due]) -> None:
    """Write certificates, once and for all, and add them to the day's rates."""
    if not rows:
        return
    hour = rows[0].certificate.place.hour
    session.execute(text("SELECT ensure_certificates(CAST(:hour AS date))"), {"hour": hour.date()})
    session.execute(
        text(
            "CREATE TEMPORARY TABLE IF NOT EXISTS closing (LIKE certificate, division text,"
            " credit_code text, free_hours int2) ON COMMIT DELETE ROWS"
        )
    )
    columns = f"{_COLUMNS}, division, credit_code, free_hours"
    copy_rows(session, "closing", columns, (*_TYPES, "text", "text", "int2"), map(_row, rows))
    session.execute(
        text(f"INSERT INTO certificate ({_COLUMNS}) SELECT {_COLUMNS} FROM closing")  # noqa: S608 - constants
    )
    session.execute(
        text(
            "INSERT INTO rate_day (day, outlet_id, kind, division, credit_code, free_hours, hours,"
            " due, stopped, came, filled)"
            " SELECT (hour AT TIME ZONE 'UTC' + interval '8 hours')::date, outlet_id, kind,"
            "  division, credit_code, free_hours, 1, due, stopped, came, late + filled FROM closing"
            " ON CONFLICT (day, outlet_id, kind) DO UPDATE SET"
            "  hours = rate_day.hours + 1, due = rate_day.due + excluded.due,"
            "  stopped = rate_day.stopped + excluded.stopped,"
            "  came = rate_day.came + excluded.came, filled = rate_day.filled + excluded.filled,"
            "  division = excluded.division, credit_code = excluded.credit_code"
        )
    )


def _row(one: Due) -> tuple[object, ...]:
    found = one.certificate
    return (
        *found.place,
        found.due,
        found.came,
        found.late,
        found.filled,
        found.failed,
        found.stopped,
        found.missing,
        found.closed_at,
        found.inputs_sha256,
        found.sm3,
        one.division,
        one.credit_code,
        one.free_hours,
    )


def set_closed(session: Session, part: int, span: str, hour: datetime, outlets: int) -> None:
    """Note how many outlets an hour's closing covered."""
    session.execute(
        text(
            "UPDATE certificate_close SET outlets = :outlets"
            " WHERE part = :part AND span = :span AND hour = :hour"
        ),
        {"part": part, "span": span, "hour": hour, "outlets": outlets},
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a partition stands."""

    part: int
    since: datetime  # its first point
    closed: dict[str, datetime]  # last closed hour by span
    received_at: datetime | None  # settled up to this arrival
    settled_at: datetime | None  # when a batch was last settled


def progress(session: Session) -> list[Progress]:
    """Where every partition with points stands."""
    rows = session.execute(
        text(
            "SELECT p.part, min(p.since) AS since, max(s.received_at) AS received_at,"
            " max(s.settled_at) AS settled_at FROM monitor_point AS p"
            " LEFT JOIN settled_until AS s ON s.part = p.part"
            " WHERE p.enabled GROUP BY p.part ORDER BY p.part"
        )
    ).all()
    last = session.execute(
        text("SELECT part, span, max(hour) AS hour FROM certificate_close GROUP BY part, span")
    )
    closed: dict[int, dict[str, datetime]] = {}
    for row in last:
        closed.setdefault(row.part, {})[row.span] = row.hour
    return [
        Progress(row.part, row.since, closed.get(row.part, {}), row.received_at, row.settled_at)
        for row in rows
    ]

"""What came after a certificate was fixed, and the day's rates that follow from both."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

_PLACES = (
    "unnest(CAST(:hours AS timestamptz[]), CAST(:outlets AS text[]), CAST(:kinds AS int2[]))"
    " AS p (hour, outlet_id, kind)"
)
#: Slots of which something is stored now, less those the certificate knows. A value that came in
#: time but was settled after the closing (our own delay) counts here too, as late.
_COUNT_FILLS = f"""
    INSERT INTO certificate_fill (hour, outlet_id, kind, late, filled, first_at, last_at)
    SELECT hour, outlet_id, kind, after - least(filled, after), least(filled, after),
           first_at, last_at
    FROM (
        SELECT c.hour, c.outlet_id, c.kind, n.filled, n.first_at, n.last_at,
               least(n.number, c.due) - c.came - c.late - c.filled - c.stopped AS after
        FROM {_PLACES}
        JOIN certificate AS c USING (hour, outlet_id, kind)
        CROSS JOIN LATERAL (
            SELECT count(*) AS number,
                   count(*) FILTER (WHERE origin > 1 AND received_at >= c.closed_at) AS filled,
                   coalesce(min(received_at) FILTER (WHERE received_at >= c.closed_at),
                            max(received_at)) AS first_at,
                   max(received_at) AS last_at
            FROM reading AS r
            WHERE r.outlet_id = c.outlet_id AND r.kind = c.kind AND r.data_time >= c.hour
              AND r.data_time < c.hour
                + CASE WHEN c.kind = 4 THEN interval '1 day' ELSE interval '1 hour' END
              AND NOT (r.kind = 2 AND r.factors = ARRAY['a01901'])
        ) AS n
    ) AS counted
    WHERE after > 0
    ON CONFLICT (outlet_id, hour, kind) DO UPDATE SET
        late = excluded.late, filled = excluded.filled,
        first_at = excluded.first_at, last_at = excluded.last_at
"""  # noqa: S608 - constants

#: Marks by which a whole outlet stands still: 4.2 long shutdown, and the working conditions 停运
#: (interface V1.6 2.2.4 and 2.2.7; marks.csv dev_not_my_fault, tp_ty, mswi_ty). One unit of several
#: behind an outlet does not stop it.
STOP_MARK = (
    "m.status = 'active' AND m.facility = '' AND ((m.family = 4 AND m.subtype = 2)"
    " OR m.condition IN ('tp_ty', 'mswi_ty'))"
)
#: Whole hours inside such a mark; a part of an hour is due.
MARKED = f"""EXISTS (
    SELECT FROM mark_now AS m WHERE m.outlet_id = c.outlet_id AND {STOP_MARK}
      AND m.start_at <= c.hour AND m.end_at >= c.hour
        + CASE WHEN c.kind = 4 THEN interval '1 day' ELSE interval '1 hour' END)"""
_RECOUNT = f"""
    UPDATE rate_day AS r SET stopped = s.stopped, came = s.came, filled = s.filled, after = s.after
    FROM (
        SELECT day, outlet_id, kind, sum(CASE WHEN marked THEN due ELSE stopped END) AS stopped,
               sum(came) FILTER (WHERE NOT marked) AS came,
               sum(filled) FILTER (WHERE NOT marked) AS filled,
               sum(after) FILTER (WHERE NOT marked) AS after
        FROM (
            SELECT d.day, c.outlet_id, c.kind, c.due, c.stopped, c.came,
                   c.late + c.filled AS filled, coalesce(f.late + f.filled, 0) AS after,
                   {MARKED} AS marked
            FROM (SELECT DISTINCT day, outlet_id FROM unnest(
                    CAST(:days AS date[]), CAST(:outlets AS text[])) AS d (day, outlet_id)) AS d
            JOIN certificate AS c ON c.outlet_id = d.outlet_id
              AND c.hour >= (d.day - interval '8 hours') AT TIME ZONE 'UTC'
              AND c.hour < (d.day + interval '16 hours') AT TIME ZONE 'UTC'
            LEFT JOIN certificate_fill AS f
              ON f.outlet_id = c.outlet_id AND f.hour = c.hour AND f.kind = c.kind
        ) AS one
        GROUP BY day, outlet_id, kind
    ) AS s
    WHERE r.day = s.day AND r.outlet_id = s.outlet_id AND r.kind = s.kind
"""  # noqa: S608 - constants
_BEIJING_DAY = "(({}) AT TIME ZONE 'UTC' + interval '8 hours')::date"
_TAKE_LATE = f"""
    DELETE FROM arrived_late WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM arrived_late LIMIT :limit FOR UPDATE SKIP LOCKED))
    RETURNING hour, outlet_id, kind, {_BEIJING_DAY.format("hour")} AS day
"""  # noqa: S608 - constants
_MARKED_DAYS = f"""
    SELECT r.day, r.outlet_id FROM rate_day AS r JOIN unnest(CAST(:outlets AS text[]),
        CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
        AS m (outlet_id, start_at, end_at) ON m.outlet_id = r.outlet_id
    WHERE r.day BETWEEN {_BEIJING_DAY.format("m.start_at")} AND {_BEIJING_DAY.format("m.end_at")}
"""  # noqa: S608 - constants
_MARKED_NOW = f"""
    SELECT DISTINCT m.outlet_id, {_BEIJING_DAY.format("CAST(:hour AS timestamptz)")} AS day
    FROM mark_now AS m JOIN monitor_point AS p ON p.outlet_id = m.outlet_id
    WHERE p.part = :part AND {STOP_MARK} AND m.start_at <= :hour AND m.end_at > :hour
"""  # noqa: S608 - constants
_START = datetime(2000, 1, 1, tzinfo=UTC)


def count_fills(session: Session, limit: int) -> int:
    """Count again what came after its certificate was fixed; gives the certificates looked at."""
    places = session.execute(text(_TAKE_LATE), {"limit": limit}).all()
    if places:
        terms = {
            "hours": [place.hour for place in places],
            "outlets": [place.outlet_id for place in places],
            "kinds": [place.kind for place in places],
        }
        session.execute(text(_COUNT_FILLS), terms)
        recount_days(session, [(place.day, place.outlet_id) for place in places])
    return len(places)


def recount_days(session: Session, days: Sequence[tuple[object, str]]) -> None:
    """Sum the rates of these (day, outlet) again, from certificates, fills and marks."""
    if days:
        terms = {"days": [day for day, _ in days], "outlets": [outlet for _, outlet in days]}
        session.execute(text(_RECOUNT), terms)


def take_marks(session: Session) -> int:
    """Count the days of stop marks again that were made, changed or decided since last time.

    Gives the number of marks. Marks of a day come until 12:00 of the next (announcement 21 of
    2022), so after its certificates; those stay as they are, the rates follow.
    """
    since = session.scalar(text("SELECT at FROM completeness_progress WHERE name = 'marks'"))
    rows = session.execute(
        text(
            "SELECT outlet_id, start_at, end_at, received_at AS at FROM mark"
            " WHERE received_at > :since AND family IN (4, 6, 7)"
            " UNION ALL"
            " SELECT outlet_id, start_at, end_at, decided_at FROM mark_decision"
            " JOIN mark USING (outlet_id, mark_id, revision)"
            " WHERE decided_at > :since AND family IN (4, 6, 7) ORDER BY at LIMIT 1000"
        ),
        {"since": since or _START},
    ).all()
    if not rows:
        return 0
    days = session.execute(
        text(_MARKED_DAYS),
        {
            "outlets": [row.outlet_id for row in rows],
            "starts": [row.start_at for row in rows],
            "ends": [row.end_at for row in rows],
        },
    )
    recount_days(session, [(row.day, row.outlet_id) for row in days])
    session.execute(
        text(
            "INSERT INTO completeness_progress (name, number, at) VALUES ('marks', 0, :at)"
            " ON CONFLICT (name) DO UPDATE SET at = excluded.at"
        ),
        {"at": rows[-1].at},
    )
    return len(rows)


def recount_marked(session: Session, part: int, hour: datetime) -> None:
    """After a closing: count the outlets again that a stop mark covers at that hour."""
    rows = session.execute(text(_MARKED_NOW), {"part": part, "hour": hour}).all()
    recount_days(session, [(row.day, row.outlet_id) for row in rows])

"""What came after a certificate was fixed: counted again from the readings, kept beside it."""

from sqlalchemy import text
from sqlalchemy.orm import Session


def count_fills(session: Session, limit: int) -> int:
    """Count again what came after its certificate was fixed; gives the certificates looked at."""
    places = session.execute(
        text(
            "DELETE FROM arrived_late WHERE ctid = ANY (ARRAY("
            " SELECT ctid FROM arrived_late LIMIT :limit FOR UPDATE SKIP LOCKED))"
            " RETURNING hour, outlet_id, kind"
        ),
        {"limit": limit},
    ).all()
    if not places:
        return 0
    terms = {
        "hours": [place.hour for place in places],
        "outlets": [place.outlet_id for place in places],
        "kinds": [place.kind for place in places],
    }
    session.execute(text(_COUNT_FILLS), terms)
    session.execute(text(_RATE_FILLS), terms)
    return len(places)


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
        ) AS n
    ) AS counted
    WHERE after > 0
    ON CONFLICT (outlet_id, hour, kind) DO UPDATE SET
        late = excluded.late, filled = excluded.filled,
        first_at = excluded.first_at, last_at = excluded.last_at
"""  # noqa: S608 - constants
_RATE_FILLS = f"""
    UPDATE rate_day AS r SET after = f.after
    FROM (
        SELECT d.day, d.outlet_id, d.kind, sum(f.late + f.filled) AS after
        FROM (
            SELECT DISTINCT (p.hour AT TIME ZONE 'UTC' + interval '8 hours')::date AS day,
                   p.outlet_id, p.kind FROM {_PLACES}
        ) AS d
        JOIN certificate_fill AS f ON f.outlet_id = d.outlet_id AND f.kind = d.kind
          AND f.hour >= (d.day - interval '8 hours') AT TIME ZONE 'UTC'
          AND f.hour < (d.day + interval '16 hours') AT TIME ZONE 'UTC'
        GROUP BY d.day, d.outlet_id, d.kind
    ) AS f
    WHERE r.day = f.day AND r.outlet_id = f.outlet_id AND r.kind = f.kind
"""  # noqa: S608 - constants

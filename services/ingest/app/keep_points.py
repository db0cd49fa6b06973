"""监测点位: whose data are due and how often, from the registry's loggers and outlets.

Only what completeness needs is copied; passwords and keys of loggers stay where they are.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.chassis.partition import partition_of
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import last_revision, record_of
from services.chassis.tables import ReplicaRow
from services.ingest.domain.completeness import FREE_FACTORS, Rules

_KEEP_POINT = text(
    "INSERT INTO monitor_point VALUES (:mn, :outlet_id, :part, :division, :credit_code,"
    " :realtime_s, :minute_min, :free_hours, :enabled, :now, :revision)"
    " ON CONFLICT (mn) DO UPDATE SET outlet_id = excluded.outlet_id, part = excluded.part,"
    " division = excluded.division, credit_code = excluded.credit_code,"
    " realtime_s = excluded.realtime_s, minute_min = excluded.minute_min,"
    " free_hours = excluded.free_hours, enabled = excluded.enabled, revision = excluded.revision,"
    # Nothing is due of the time in which a logger was switched off.
    " since = CASE WHEN monitor_point.enabled THEN monitor_point.since ELSE excluded.since END"
    " WHERE monitor_point.revision < excluded.revision"
)
_KEEP_OUTLET = text(
    "UPDATE monitor_point SET division = :division, credit_code = :credit_code,"
    " free_hours = :free_hours WHERE outlet_id = :outlet_id"
)


#: Revisions may be committed a little out of order; looking back this far finds them.
_OVERLAP = 1000
_KINDS = (pb.RECORD_KIND_OUTLET, pb.RECORD_KIND_LOGGER)


def refresh_points(session: Session, partitions: int, rules: Rules, now: datetime) -> int:
    """Take over what changed in the registry's copy since last time; gives the loggers."""
    seen = session.scalar(
        text("SELECT number FROM completeness_progress WHERE name = 'points' FOR UPDATE")
    )
    newest = last_revision(session)
    if newest == seen:
        return 0
    query = select(ReplicaRow).where(
        ReplicaRow.kind.in_(_KINDS), ReplicaRow.revision > (seen or 0) - _OVERLAP
    )
    rows = session.scalars(query).all()
    done = keep_points(session, [_record(row) for row in rows], partitions, rules, now)
    session.execute(
        text(
            "INSERT INTO completeness_progress (name, number) VALUES ('points', :newest)"
            " ON CONFLICT (name) DO UPDATE SET number = excluded.number"
        ),
        {"newest": newest},
    )
    return done


def _record(row: ReplicaRow) -> pb.Record:
    record = pb.Record.FromString(row.body)
    record.deleted = row.deleted
    return record


def keep_points(
    session: Session, records: Sequence[pb.Record], partitions: int, rules: Rules, now: datetime
) -> int:
    """Take loggers and outlets over; gives the number of loggers.

    A logger's outlet is looked for among the records, then in the registry's copy.
    """
    outlets = {
        record.key: record.outlet
        for record in records
        if record.kind == pb.RECORD_KIND_OUTLET and not record.deleted
    }
    points = []
    for record in records:
        if record.kind != pb.RECORD_KIND_LOGGER:
            continue
        outlet_id = record.logger.outlet_id
        if outlet_id not in outlets:
            known = record_of(session, pb.RECORD_KIND_OUTLET, outlet_id)
            outlets[outlet_id] = known.outlet if known else pb.Outlet(outlet_id=outlet_id)
        outlet = _outlet(outlets[outlet_id], rules)
        points.append({**outlet, **_point(record, partitions), "now": now})
    if points:
        session.execute(_KEEP_POINT, points)
    changed = [_outlet(outlet, rules) for outlet in outlets.values()]
    if changed:
        session.execute(_KEEP_OUTLET, changed)
    return len(points)


def _point(record: pb.Record, partitions: int) -> dict[str, Any]:
    logger = record.logger
    return {
        "mn": record.key or logger.mn,
        "outlet_id": logger.outlet_id,
        "part": partition_of(logger.outlet_id, partitions),
        "realtime_s": logger.realtime_interval_s,
        "minute_min": logger.minute_interval_min,
        "enabled": logger.enabled and not record.deleted and bool(logger.outlet_id),
        "revision": record.revision,
    }


def _outlet(outlet: pb.Outlet, rules: Rules) -> dict[str, Any]:
    """What the rates need of an outlet; one of the four factors makes an hour a day free."""
    free = bool(FREE_FACTORS & set(outlet.factors))
    return {
        "outlet_id": outlet.outlet_id,
        "division": outlet.division,
        "credit_code": outlet.credit_code,
        "free_hours": rules.free_hours if free else 0,
    }

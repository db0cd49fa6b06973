"""监测点位: whose data are due and how often, from the registry's loggers and outlets.

Only what completeness needs is copied; passwords and keys of loggers stay where they are.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.chassis.partition import partition_of
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import record_of
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


def keep_points(
    session: Session, records: Iterable[pb.Record], partitions: int, rules: Rules, now: datetime
) -> int:
    """Take loggers and outlets over; gives the number of loggers.

    Call it after the records are in the registry copy, where a logger's outlet is looked up.
    """
    points: list[dict[str, Any]] = []
    for record in records:
        if record.kind == pb.RECORD_KIND_LOGGER:
            points.append(_point(session, record, partitions, rules, now))
        elif record.kind == pb.RECORD_KIND_OUTLET and not record.deleted:
            session.execute(_KEEP_OUTLET, _outlet(record.outlet, rules))
    if points:
        session.execute(_KEEP_POINT, points)
    return len(points)


def _point(
    session: Session, record: pb.Record, partitions: int, rules: Rules, now: datetime
) -> dict[str, Any]:
    logger = record.logger
    outlet_id = logger.outlet_id
    known = record_of(session, pb.RECORD_KIND_OUTLET, outlet_id)
    outlet = known.outlet if known else pb.Outlet(outlet_id=outlet_id)
    return {
        **_outlet(outlet, rules),
        "mn": record.key or logger.mn,
        "outlet_id": outlet_id,
        "part": partition_of(outlet_id, partitions),
        "realtime_s": logger.realtime_interval_s,
        "minute_min": logger.minute_interval_min,
        "enabled": logger.enabled and not record.deleted and bool(outlet_id),
        "now": now,
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

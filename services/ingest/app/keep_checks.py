"""标样核查入库: keeps each standard check once and tells it, in the transaction of its batch."""

from collections.abc import Sequence
from math import isnan, nan

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.outbox import record_event
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.check_tables import CheckRow


def keep_checks(session: Session, frames: Sequence[pb.Frame]) -> int:
    """标样核查 of accepted frames of known outlets; gives how many were new.

    The first result of an outlet, factor and moment stays, as the first value of a reading does.
    """
    news = 0
    for frame in frames:
        if frame.outcome == pb.OUTCOME_ACCEPTED and frame.outlet_id:
            news += sum(_keep(session, frame, result) for result in frame.checks)
    return news


def error_share(measured: float, standard: float) -> float:
    """示值误差: |measured - standard| / standard; NaN where it can't be told.

    Source: HJ 355-2019 (domain.md B.6).

    >>> round(error_share(39.21, 40.0), 5)
    0.01975
    """
    return abs(measured - standard) / standard if standard > 0 else nan


def _keep(session: Session, frame: pb.Frame, result: pb.CheckResult) -> bool:
    received_at = from_unix(frame.received_at_us / 1e6)
    row = insert(CheckRow).values(
        outlet_id=frame.outlet_id,
        factor=result.factor,
        checked_at=from_unix(result.time_s),
        measured=_null(result.measured),
        standard=_null(result.standard),
        said=result.said,
        mn=frame.mn,
        command_id=frame.command_id,
        received_at=received_at,
        sm3=frame.sm3,
    )
    new = row.on_conflict_do_nothing().returning(CheckRow.factor)
    if session.execute(new).first() is None:
        return False
    event = pb.QualityCheck(
        outlet_id=frame.outlet_id,
        result=result,
        error_share=error_share(result.measured, result.standard),
        received_at=to_timestamp(received_at),
        command_id=frame.command_id,
        sm3=frame.sm3,
        mn=frame.mn,
    )
    record_event(session, event)
    return True


def _null(value: float) -> float | None:
    return None if isnan(value) else value

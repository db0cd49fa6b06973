"""标样核查: keeps what ingest tells of standard checks, and asks for judging again."""

import math
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.clock import from_timestamp
from services.chassis.errors import InputRejected
from services.chassis.pb.ingest.v1 import ingest_pb2
from services.detect import check_store
from services.detect.app.keep_news import ask
from services.detect.check_store import CheckRow
from services.detect.domain.standard_checks import Said
from services.detect.packs import store as pack_store
from services.detect.packs.timeline import Timeline

#: How far a failed check reaches back where no passed one is known (`qc_failed`).
_UNKNOWN_H = 24
_SAID = {ingest_pb2.CHECK_WORD_PASSED: Said.PASSED, ingest_pb2.CHECK_WORD_FAILED: Said.FAILED}


def keep_check(
    session: Session, event: ingest_pb2.QualityCheck, partitions: int, now: datetime
) -> bool:
    """标样核查: keep it; its outlet is judged again where it changes hours (reason check).

    It can where it, or a later one of its factor, failed: from the last passed one before it on.
    Gives whether judging was asked for. Raises InputRejected for an event that can't be one.
    """
    row = _row(event)
    if not check_store.save_check(session, row):
        return False
    least = least_tolerance(pack_store.timeline(session))
    if least is None or not check_store.failed_after(session, row, least):
        return False
    good_s = check_store.passed_before(session, row, least)
    since = row.at_s // 3600 - _UNKNOWN_H if good_s is None else good_s // 3600
    ask(session, {row.outlet_id: since}, "check", partitions, now)
    return True


def least_tolerance(timeline: Timeline) -> float | None:
    """The strictest tolerance of all packs, as a share; None where no pack has the rule."""
    shares = (
        rule.qc_tolerance_share
        for pack in timeline.packs
        for rule in pack.validity
        if rule.qc_tolerance_share > 0
    )
    return min(shares, default=None)


def _row(event: ingest_pb2.QualityCheck) -> CheckRow:
    result = event.result
    if not event.outlet_id or not result.factor or result.time_s <= 0:
        raise InputRejected("a check without outlet, factor or moment")
    return CheckRow(
        outlet_id=event.outlet_id,
        factor=result.factor,
        at_s=result.time_s,
        measured=_null(result.measured),
        standard=_null(result.standard),
        error_share=_null(event.error_share),
        said=_SAID.get(result.said, Said.NOTHING),
        received_at=from_timestamp(event.received_at),
        command_id=event.command_id,
        sm3=event.sm3,
    )


def _null(value: float) -> float | None:
    return value if math.isfinite(value) else None

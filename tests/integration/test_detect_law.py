"""Findings of frozen days on a real PostgreSQL: raised by the freeze, withdrawn with reason."""

import numpy as np
import pytest

from services.chassis.pb.detect.v1 import detect_pb2 as pb
from services.chassis.pb.ingest.v1 import mark_pb2
from tests.integration.detect_rig import Rig, limit_record, outlet_record
from tests.integration.test_detect_judgement import DAY, _hours, _outlet, mark
from tests.unit.detect.scene import MONDAY, SO2

ACCEPTED = mark_pb2.MARK_DECISION_ACCEPTED


@pytest.fixture
def rig(migrated_db, tmp_path):
    """A detector of its own folder."""
    made = Rig(migrated_db("detect"), tmp_path)
    yield made
    made.close()


def _daily(outlet: str, upper: float):
    record = limit_record(outlet, SO2, upper)
    record.key = record.limit.limit_id = f"{record.key}-daily"
    record.limit.averaging = "daily"
    return record


def _told(rig, outlet: str, rule_id: str) -> list[pb.Finding]:
    return [
        event.finding
        for event in rig.events()
        if isinstance(event, pb.FindingChanged)
        and (event.finding.outlet_id, event.finding.rule_id) == (outlet, rule_id)
    ]


def test_a_day_is_raised_by_its_freeze_and_withdrawn_by_an_objection(rig):
    """Nothing before noon; then the day with pack, digest and picture; then why it is gone."""
    outlet = _outlet("LAW")
    rig.know([outlet_record(outlet), _daily(outlet, 80.0)])
    so2 = [50.0] * 36
    so2[6:24] = [100.0] * 18
    rig.take(_hours(outlet, range(36), so2))
    rig.work()
    before = _told(rig, outlet, "daily_exceedance")

    rig.freeze(DAY)
    rig.work()
    late = mark(outlet, 6, 24, received_h=40.0)
    rig.mark(late)
    rig.work()
    unanswered = _told(rig, outlet, "daily_exceedance")
    late.decision = ACCEPTED
    late.decided_at.seconds = int((MONDAY + 50) * 3600)
    rig.mark(late)
    rig.work()

    assert before == []
    (raised,) = unanswered
    assert (raised.count, raised.statistic, raised.facts["pack"]) == (1, 87.5, "base@2026-11-22.2")
    assert raised.end.seconds - raised.start.seconds == 24 * 3600
    assert len(raised.facts["inputs_sha256"]) == 64
    shown = np.array(raised.picture.value)
    assert shown[np.isfinite(shown)].max() == 100.0
    gone = _told(rig, outlet, "daily_exceedance")[-1]
    assert (gone.revision, gone.count) == (2, 0)
    assert gone.facts["reason"] == "标记m1第1版生效"
    assert gone.seen.startswith("因标记m1第1版生效")


def test_the_same_again_changes_nothing(rig):
    """Freeze, mark and batch redelivered: no further revision of anything."""
    outlet = _outlet("SAME")
    rig.know([outlet_record(outlet), _daily(outlet, 40.0), limit_record(outlet, SO2, 45.0)])
    batch = _hours(outlet, range(36))
    rig.take(batch)
    rig.freeze(DAY)
    rig.mark(mark(outlet, 2, 4))
    rig.work()
    first = [(f.finding_id, f.revision) for f in rig.findings() if f.outlet_id == outlet]

    batch.batch_id = "again"
    rig.take(batch)
    rig.freeze(DAY)
    rig.mark(mark(outlet, 2, 4))
    rig.work()

    again = [(f.finding_id, f.revision) for f in rig.findings() if f.outlet_id == outlet]
    assert sorted(again) == sorted(first)
    assert first

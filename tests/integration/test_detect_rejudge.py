"""The detect process killed between what it was told and what it does about it."""

import itertools

import pytest
from sqlalchemy import func, select

from services.chassis.bus.publish import Publisher
from services.chassis.partition import partition_of
from services.chassis.pb.ingest.v1 import mark_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.detect import judgement_wire, store
from services.detect.judgement_tables import DayRow, FrozenRow, MarkRow, RejudgeRow
from tests.integration.detect_rig import Rig
from tests.integration.test_detect_judgement import DAY, _at, _hours, _records, mark
from tests.integration.test_detect_service import (
    PARTITIONS,
    Process,
    _dead,
    _knows,
    _publish,
    _taken,
    _wait,
    bus,
)
from tests.unit.detect.scene import MONDAY

__all__ = ["bus"]

OUTLETS = ("91130402MA00000KA1-DA001", "91130402MA00000KA2-DA001")
_REVISION = itertools.count(1)


def _story(first=0, end=48):
    """Batches of two outlets: three hours of each above the limit."""
    found = []
    for outlet in OUTLETS:
        so2 = [50.0] * 50
        so2[4:7] = [140.0, 150.0, 160.0]
        batch = _hours(outlet, range(first, end), so2)
        batch.partition = partition_of(outlet, PARTITIONS)
        found.append(batch)
    return found


def _count(rig: Rig, row) -> int:
    with rig.database.transaction() as session:
        return session.scalar(select(func.count()).select_from(row)) or 0


def _said(rig: Rig):
    """Findings and newest judgements in every field that comes from event time and data."""
    findings = sorted(
        (f.outlet_id, f.rule_id, tuple(f.factors), tuple(f.hours_s), f.seen)
        for f in rig.findings() if f.count
    )  # fmt: skip
    days = [judgement_wire.content_of(rig.days(outlet, DAY)[-1]) for outlet in OUTLETS]
    return findings, days


@pytest.mark.fault
def test_a_kill_between_mark_and_rejudgement_changes_nothing(migrated_db, bus, tmp_path):
    """kill -9 with rows waiting, events twice and swapped: what a calm run says, and once."""
    rig = Rig(migrated_db("detect"), tmp_path / "unused")
    publisher = Publisher(bus)
    process = Process(migrated_db("detect"), bus, tmp_path)
    process.start()
    records = [record for outlet in OUTLETS for record in _records(outlet)]
    for record in records:
        record.revision = next(_REVISION)
    publisher.publish_event(registry_pb2.RecordsChanged(records=records))
    _wait(lambda: _knows(rig, OUTLETS))
    batches = _story()
    for batch in batches:
        _publish(publisher, batch)
    _wait(lambda: _taken(rig) == len(batches))
    marks = mark_pb2.MarksChanged(records=[mark(outlet, 4, 6) for outlet in OUTLETS])
    frozen = mark_pb2.DayFrozen(day=DAY, frozen_at=_at(36))

    with rig.database.transaction() as session:  # whoever works off waits for this lock
        for partition in range(PARTITIONS):
            store.lock_partition(session, partition)
        publisher.publish_event(marks)
        publisher.publish_event(frozen)
        _wait(lambda: _count(rig, MarkRow) == 2 and _count(rig, FrozenRow) == 1)
        process.kill()
        waiting = _count(rig, RejudgeRow)
        said_before = {f.rule_id: f.count for f in rig.findings()}
    publisher.publish_event(frozen)
    publisher.publish_event(marks)
    process.start()
    for batch in _story(48, 50):  # with the next batch a process takes its partitions
        _publish(publisher, batch)
    _wait(lambda: _count(rig, DayRow) >= 2 and _count(rig, RejudgeRow) == 0)
    process.stop()

    assert waiting >= 2
    assert said_before["hourly_exceedance"] == 3
    wild, days = _said(rig)
    assert (wild, days) == _calm(migrated_db, tmp_path, records)
    assert [f[3] for f in wild if f[1] == "hourly_exceedance"] == [((MONDAY + 6) * 3600,)] * 2
    assert [d.revision for outlet in OUTLETS for d in rig.days(outlet, DAY)] == [1, 1]
    assert _dead(bus) == 0
    rig.close()


def _calm(migrated_db, tmp_path, records):
    """The same told in another order to a detector that nobody kills."""
    rig = Rig(migrated_db("detect", "cases"), tmp_path / "calm")
    rig.mark(*[mark(outlet, 4, 6) for outlet in OUTLETS])
    rig.freeze(DAY)
    rig.know(records)
    for story in (_story(), _story(48, 50)):
        for batch, outlet in zip(story, OUTLETS, strict=True):
            batch.partition = partition_of(outlet, 8)
            rig.take(batch)
    rig.work()
    said = _said(rig)
    rig.close()
    return said

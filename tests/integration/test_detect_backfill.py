"""Late values are judged: a back-filled exceeding hour becomes a finding while rules look there."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from services.chassis.pb.ingest.v1 import ingest_pb2
from services.detect.app.take_batch import NOT_JUDGED
from tests.integration.detect_rig import Rig, batch_of, limit_record, outlet_record
from tests.unit.detect.scene import MONDAY, SO2, honest

HOURS = 45 * 24
FIRST = MONDAY - HOURS
NAN = float("nan")


@dataclass
class Site:
    """A detector and an outlet of its own."""

    rig: Rig
    outlet: str

    def hours(self, *numbers: int, value: float | None = None) -> list:
        """Frames of the hours with these numbers, honest unless a value is given."""
        story = honest(5, HOURS, 60)
        return [
            (
                self.outlet,
                (FIRST + n) * 3600,
                {SO2: (float(story[n]) if value is None else value, NAN)},
            )
            for n in numbers
        ]

    def lose(self, lost: int) -> None:
        """All hours come but one."""
        self.rig.take(batch_of(self.hours(*(n for n in range(HOURS) if n != lost))))

    def exceedances(self) -> list[list[int]]:
        """Hours of the exceedances that stand."""
        return [
            list(one.hours_s)
            for one in self.rig.findings()
            if one.outlet_id == self.outlet and one.rule_id == "hourly_exceedance" and one.count
        ]


@pytest.fixture
def site(migrated_db, tmp_path) -> Iterator[Site]:
    """A detector that knows an outlet with a limit of 180 mg/m3."""
    made = Site(Rig(migrated_db("detect"), tmp_path), f"{uuid.uuid4().hex[:18].upper()}-DA001")
    made.rig.know([outlet_record(made.outlet), limit_record(made.outlet, SO2, 180.0)])
    yield made
    made.rig.close()


def late(*frames: tuple, **fields: int) -> ingest_pb2.ReadingBatch:
    """A batch whose frames carry an origin or a value state."""
    batch = batch_of(frames)
    for frame in batch.frames:
        for name, value in fields.items():
            setattr(frame, name, value)
    return batch


@pytest.mark.parametrize("days", [1, 10, 20])
def test_a_backfilled_exceeding_hour_becomes_a_finding(site: Site, days: int) -> None:
    """The hour was missing while days of later hours were judged; its value comes marked RF."""
    lost = HOURS - days * 24
    site.lose(lost)
    assert site.exceedances() == []

    site.rig.take(late(*site.hours(lost, value=250.0), origin=ingest_pb2.ORIGIN_BACKFILL))

    assert site.exceedances() == [[(FIRST + lost) * 3600]]


def test_a_value_older_than_the_judged_weeks_is_kept_and_counted(site: Site) -> None:
    """Five weeks back no finding is made; the metric says that it was not judged."""
    lost = HOURS - 36 * 24
    site.lose(lost)
    before = NOT_JUDGED.labels("0")._value.get()

    site.rig.take(late(*site.hours(lost, value=250.0), origin=ingest_pb2.ORIGIN_ASKED))

    assert site.exceedances() == []
    assert NOT_JUDGED.labels("0")._value.get() == before + 1


def test_corrected_and_exempted_values_are_not_judged(site: Site) -> None:
    """They stand beside what was received, and take no empty cell of it."""
    lost = HOURS - 48
    site.lose(lost)

    for state in (ingest_pb2.VALUE_STATE_CORRECTED, ingest_pb2.VALUE_STATE_EXEMPTED):
        site.rig.take(late(*site.hours(lost, value=250.0), value_state=state))
    nothing = site.exceedances()
    site.rig.take(late(*site.hours(lost, value=250.0), origin=ingest_pb2.ORIGIN_BACKFILL))

    assert nothing == []
    assert len(site.exceedances()) == 1

"""复算: a judged day computed again from ingest's store, as known then and as known now."""

import math
from datetime import date

import numpy as np
import pytest
from gmssl_pyx import sm3_hash

from services.chassis.db import Database
from services.chassis.errors import NotFound
from services.detect import judgement_wire
from services.detect.app.compare_days import differences
from services.detect.app.recompute import Source, recompute_now, recompute_then
from services.ingest.app.read_series import read_series
from services.ingest.app.settle_batch import SettleBatch
from services.ingest.archive import Archive
from tests.integration.detect_rig import MINUTE, Rig, batch_of, limit_record
from tests.integration.test_detect_judgement import (
    DAY,
    SO2,
    _hours,
    _outlet,
    _records,
    mark,
    mark_pb2,
    partition_of,
)
from tests.unit.detect.scene import MONDAY


class Stored:
    """Ingest's own settling and reading on its own database."""

    def __init__(self, url: str, folder) -> None:
        self.database = Database(url, "ingest")
        self._settle = SettleBatch(self.database, Archive(folder, "test"))

    def settle(self, batch) -> None:
        """Keep a batch as ingest does, with the frames that brought it."""
        for number, frame in enumerate(batch.frames):
            frame.mn, frame.cn = frame.outlet_id[:24], "2061"
            frame.raw = f"{batch.batch_id}{number}".encode()
            frame.sm3 = sm3_hash(frame.raw)
        nothing = np.full(len(batch.flag), math.nan).tobytes()
        batch.min = batch.max = batch.cou = nothing
        self._settle(batch, f"ingest.readings.p{batch.partition}")

    def history(self, outlet_id, kind, start, end):
        """What the door of ingest answers."""
        with self.database.transaction() as session:
            return read_series(session, outlet_id, kind, start, end)


@pytest.fixture
def stored(migrated_db, tmp_path):
    """An ingest of its own."""
    made = Stored(migrated_db("ingest"), tmp_path / "archive")
    yield made
    made.database.engine.dispose()


@pytest.fixture
def rig(migrated_db, tmp_path, stored):
    """A detector whose ingest is real."""
    made = Rig(migrated_db("detect"), tmp_path, history=stored.history)
    yield made
    made.close()


def _both(rig, stored, batch) -> None:
    stored.settle(batch)
    rig.take(batch)


def _minutes(outlet, hours, value=50.0):
    """Ten-minute values of hours."""
    frames = [
        (outlet, (MONDAY + h) * 3600 + m * 600, {SO2: (value + m, math.nan)})
        for h in hours for m in range(6)
    ]  # fmt: skip
    batch = batch_of(frames, partition_of(outlet, 8), kind=MINUTE)
    for frame in batch.frames:
        frame.received_at_us = int((frame.data_time_s + 700) * 1e6)
    return batch


def test_an_old_revision_comes_to_the_same_bytes_after_everything_changed(rig, stored):
    """Late values, a late mark, another limit: then is then, now differs and says in what."""
    outlet = _outlet("THEN")
    records = _records(outlet)
    rig.know(records)
    _both(rig, stored, _minutes(outlet, range(36)))
    _both(rig, stored, _hours(outlet, [*range(3), *range(5, 36)], 60.0))
    rig.freeze(DAY)
    rig.work()
    (first,) = rig.days(outlet, DAY)

    _both(rig, stored, _hours(outlet, [3, 4], 60.0, received_h=70.0))
    late = mark(outlet, 8, 10, received_h=40.0, decision=mark_pb2.MARK_DECISION_ACCEPTED)
    rig.mark(late)
    changed = limit_record(outlet, SO2, 40.0)
    rig.know([changed])
    rig.work()
    newest = rig.days(outlet, DAY)[-1]
    source = Source(stored.history, lambda _code: [records[2], changed])
    with rig.database.transaction() as session:
        then = recompute_then(session, first, source)
        now = recompute_now(session, outlet, date.fromisoformat(DAY), source)
        again = recompute_then(session, newest, source)

    assert then == first
    assert judgement_wire.body_of(then) == judgement_wire.body_of(first)
    assert judgement_wire.content_of(again) == judgement_wire.content_of(newest)
    assert judgement_wire.content_of(now) == judgement_wire.content_of(newest)
    said = differences(first, now, str)
    assert "标记 m1/1 新计入" in said
    assert f"{SO2} 限值 小时95mg/m3→小时40mg/m3" in said
    assert f"{SO2} 03时 缺失→有效" in said
    assert f"{SO2} 08时 有效→标记无效" in said
    so2 = next(one for one in first.factors if one.factor == SO2)
    assert so2.recomputed[6] == pytest.approx(52.5)


def test_what_nobody_sent_cannot_be_computed(rig, stored):
    """An outlet without readings is not found, whatever is known of it."""
    outlet = _outlet("NOTHING")
    rig.know(_records(outlet))

    source = Source(stored.history, lambda _code: [])
    with rig.database.transaction() as session, pytest.raises(NotFound):
        recompute_now(session, outlet, date.fromisoformat(DAY), source)

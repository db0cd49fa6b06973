"""标样核查 from 2062 on the wire to withdrawn findings: ingest's and detect's own databases."""

import math
import random
from datetime import date

import numpy as np
import pytest
from gmssl_pyx import sm3_hash
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from farsight.lab.device import Device, device_of
from farsight.lab.province import demo_loggers
from services.chassis.clock import beijing, from_unix
from services.chassis.db import Database
from services.chassis.partition import partition_of
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.tables import OutboxRow
from services.detect import judgement_wire
from services.detect.app.recompute import Source, recompute_now, recompute_then
from services.ingest.app.read_series import read_series
from services.ingest.app.settle_batch import SettleBatch
from services.ingest.archive import Archive
from services.ingest.gate.check_results import check_results
from services.ingest.hj212.session import Session
from tests.integration.detect_rig import Rig, batch_of, limit_record, outlet_record
from tests.unit.detect.scene import MONDAY

COD = "w01018"
DAY = "2026-07-27"
FAILED = 4  # HourState.QC_FAILED


class Ingest:
    """Ingest's settling on its own database, fed with what the gate makes of a logger's bytes."""

    def __init__(self, url: str, folder) -> None:
        self.database = Database(url, "ingest")
        self._settle = SettleBatch(self.database, Archive(folder, "test"))
        model = demo_loggers(MONDAY, 7, honest=True)[0]
        self._device: Device = device_of(model, version=2025)
        self._told = 0
        self.told()  # what earlier tests of this module left

    def upload(self, outlet: str, *checks: tuple[float, float, int]) -> None:
        """A 2062 a check: hour after Monday 00:00, value read against 40.00, the logger's word."""
        frames = [self._frame(outlet, *check) for check in checks]
        batch = pb.ReadingBatch(
            batch_id=random.randbytes(8).hex(), partition=partition_of(outlet, 8), frames=frames
        )
        self._settle(batch, f"ingest.readings.p{batch.partition}")

    def settle(self, batch: pb.ReadingBatch) -> None:
        """Keep readings too."""
        for number, frame in enumerate(batch.frames):
            frame.mn, frame.cn = frame.outlet_id[:24], "2061"
            frame.raw = f"{batch.batch_id}{number}".encode()
            frame.sm3 = sm3_hash(frame.raw)
        batch.min = batch.max = batch.cou = np.full(len(batch.flag), math.nan).tobytes()
        self._settle(batch, f"ingest.readings.p{batch.partition}")

    def told(self) -> list[pb.QualityCheck]:
        """Events since the last look."""
        name = pb.QualityCheck.DESCRIPTOR.full_name
        with self.database.transaction() as session:
            rows = session.scalars(select(OutboxRow).order_by(OutboxRow.outbox_id))
            found = [pb.QualityCheck.FromString(r.body) for r in rows if r.type_name == name]
        news, self._told = found[self._told :], len(found)
        return news

    def history(self, outlet_id, kind, start, end):
        """What the door of ingest answers."""
        with self.database.transaction() as session:
            return read_series(session, outlet_id, kind, start, end)

    def _frame(self, outlet: str, hour: float, measured: float, said: int) -> pb.Frame:
        at = from_unix((MONDAY + hour) * 3600)
        moment = f"{beijing(at):%Y%m%d%H%M%S}"
        area = (
            f"DataTime={moment};{COD}-SampleRd={measured:.2f},"
            f"{COD}-StandardValue=40.00,{COD}-ResultType={said}"
        )
        data = self._device.speech.upload("2062", f"{moment}000", area).data
        (received,) = Session(0.0).receive(data, 0.0)
        received_s = (MONDAY + hour) * 3600 + 60
        return pb.Frame(
            mn=outlet[:24], outlet_id=outlet, cn="2062", outcome=pb.OUTCOME_ACCEPTED, version=2025,
            raw=data, sm3=sm3_hash(data), raw_size=len(data), peer="127.0.0.1:5",
            received_at_us=int(received_s * 1e6),
            checks=check_results(received, from_unix(received_s)),
        )  # fmt: skip


@pytest.fixture
def ingest(migrated_db, tmp_path):
    """An ingest of its own."""
    made = Ingest(migrated_db("ingest"), tmp_path / "archive")
    yield made
    made.database.engine.dispose()


@pytest.fixture
def rig(migrated_db, tmp_path, ingest):
    """A detector whose ingest is real."""
    made = Rig(migrated_db("detect"), tmp_path, history=ingest.history)
    yield made
    made.close()


def _records(outlet: str):
    record = outlet_record(outlet)
    record.outlet.medium = "water"
    return [record, limit_record(outlet, COD, 50.0)]


def _sewage(rig: Rig, ingest: Ingest, name: str) -> str:
    """An outlet of water with 36 hours of COD, two of them over its limit of 50 mg/L."""
    outlet = f"91130402MA0{name:0>7}-DW001"
    rig.know(_records(outlet))
    cod = [30.0 + h % 3 for h in range(36)]
    cod[5], cod[6] = 140.0, 150.0
    frames = [(outlet, (MONDAY + h) * 3600, {COD: (cod[h], math.nan)}) for h in range(36)]
    batch = batch_of(frames, partition_of(outlet, 8))
    for frame, hour in zip(batch.frames, range(36), strict=True):
        frame.received_at_us = int((MONDAY + hour + 1.2) * 3600e6)
    ingest.settle(batch)
    rig.take(batch)
    return outlet


def _failed_hours(day) -> list[int]:
    (factor,) = [one for one in day.factors if one.factor == COD]
    return np.flatnonzero(np.frombuffer(factor.state, np.uint8) == FAILED).tolist()


def _exceedances(rig: Rig, outlet: str):
    return [f for f in rig.findings() if f.outlet_id == outlet and f.rule_id == "hourly_exceedance"]


def test_a_failed_check_takes_hours_and_their_exceedance_back(rig, ingest):
    """39.21 of 40.00 passes at 02:30, 31.00 fails at 08:30; a later pass brings nothing back."""
    outlet = _sewage(rig, ingest, "QC")
    rig.freeze(DAY)
    rig.work()
    (first,) = rig.days(outlet, DAY)
    (raised,) = _exceedances(rig, outlet)
    assert (raised.count, _failed_hours(first)) == (2, [])

    ingest.upload(outlet, (2.5, 39.21, 1))
    passed = ingest.told()
    rig.check(*passed)
    assert [round(one.error_share, 5) for one in passed] == [0.01975]
    assert rig.work() == 0  # a passed check alone changes nothing

    ingest.upload(outlet, (8.5, 31.0, 0))
    failed = ingest.told()
    rig.check(*failed)
    assert rig.work() == 1
    second = rig.days(outlet, DAY)[-1]
    assert (second.revision, second.reason) == (2, "check")
    assert _failed_hours(second) == [2, 3, 4, 5, 6, 7, 8]
    at_s = int((MONDAY + 8.5) * 3600)
    assert [one.id for one in second.inputs if one.kind == "qc"] == [f"{COD}/{at_s}"]
    (gone,) = _exceedances(rig, outlet)
    assert (gone.count, gone.facts["withdrawn"] != "") == (0, True)
    assert "w01018于2026-07-27 08:30标样核查不合格，上次合格以来的数据无效" in gone.seen

    ingest.upload(outlet, (12.5, 40.0, 1), (2.5, 39.21, 1), (8.5, 31.0, 0))
    later = ingest.told()
    assert len(later) == 1  # what came again is not told
    rig.check(*later, *failed, *passed)
    assert rig.work() == 0
    assert _failed_hours(rig.days(outlet, DAY)[-1]) == [2, 3, 4, 5, 6, 7, 8]
    assert _exceedances(rig, outlet) == [gone]


def test_any_order_of_checks_comes_to_the_same_day(rig, ingest):
    """The failed check first, then the passed ones, each twice, with judging in between."""
    calm, wild = _sewage(rig, ingest, "CALM"), _sewage(rig, ingest, "WILD")
    story = [(2.5, 40.1, 1), (6.5, 41.0, 1), (8.5, 31.0, 0), (20.5, 50.0, 1), (22.5, 40.0, 1)]
    rig.freeze(DAY)
    for outlet in (calm, wild):
        ingest.upload(outlet, *story)
    told = ingest.told()
    rig.check(*(one for one in told if one.outlet_id == calm))
    rig.work()
    mine = [one for one in told if one.outlet_id == wild] * 2
    random.Random(4).shuffle(mine)
    for one in mine:
        rig.check(one)
        rig.work()

    days = [rig.days(outlet, DAY)[-1] for outlet in (calm, wild)]
    assert [_failed_hours(day) for day in days] == [list(range(6, 21))] * 2
    states = [[bytes(f.state) for f in day.factors] for day in days]
    assert states[0] == states[1]
    causes = [[one.id for one in day.inputs if one.kind == "qc"] for day in days]
    assert causes[0] == causes[1] == [f"{COD}/{int((MONDAY + h) * 3600)}" for h in (8.5, 20.5)]
    assert [f.count for o in (calm, wild) for f in _exceedances(rig, o)] == [1, 1]


def test_a_revision_of_before_the_check_comes_to_the_same_again(rig, ingest):
    """As known then without the check, as known now with it."""
    outlet = _sewage(rig, ingest, "THEN")
    records = _records(outlet)[1:]
    rig.freeze(DAY)
    rig.work()
    ingest.upload(outlet, (2.5, 39.21, 1), (8.5, 31.0, 0))
    rig.check(*ingest.told())
    rig.work()
    first, newest = rig.days(outlet, DAY)
    ingest.upload(outlet, (7.5, 40.0, 1))
    rig.check(*ingest.told())
    source = Source(ingest.history, lambda _code: records)
    with rig.database.transaction() as session:
        then = [recompute_then(session, one, source) for one in (first, newest)]
        now = recompute_now(session, outlet, date.fromisoformat(DAY), source)

    assert [one.SerializeToString(deterministic=True) for one in then] == [
        one.SerializeToString(deterministic=True) for one in (first, newest)
    ]
    assert _failed_hours(now) == [7, 8]
    rig.work()
    assert judgement_wire.content_of(now) == judgement_wire.content_of(rig.days(outlet, DAY)[-1])


def test_checks_cannot_be_changed_afterwards(rig, ingest):
    """No service may rewrite what a logger reported; another result of a moment is not told."""
    outlet = _sewage(rig, ingest, "KEEP")
    ingest.upload(outlet, (2.5, 31.0, 0), (2.5, 40.0, 1))

    (told,) = ingest.told()
    assert told.result.measured == 31.0
    rig.check(told)
    for database, table in ((ingest.database, "quality_check"), (rig.database, "standard_check")):
        for statement in (f"UPDATE {table} SET said = 1", f"DELETE FROM {table}"):
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                database.transaction() as session,
            ):
                session.execute(text(statement))


def test_a_check_of_the_future_is_left_out_by_the_gate(ingest):
    """It would reach back over hours that nobody has checked yet."""
    frame = ingest._frame("91130402MA00000FUT-DW001", 3.0, 31.0, 0)
    (received,) = Session(0.0).receive(frame.raw, 0.0)

    assert len(frame.checks) == 1
    assert check_results(received, from_unix((MONDAY + 2) * 3600)) == []

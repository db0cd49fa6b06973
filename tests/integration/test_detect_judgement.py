"""日研判 on a real PostgreSQL: marks, freezes, back-fill and limits in any order and twice."""

import math

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.partition import partition_of
from services.chassis.pb.detect.v1 import detect_pb2 as pb
from services.chassis.pb.ingest.v1 import mark_pb2, outside_pb2
from services.detect.judgement.model import HourState
from tests.integration.detect_rig import Rig, batch_of, limit_record, outlet_record
from tests.unit.detect.scene import MONDAY, NOX, O2, SO2

DAY = "2026-07-27"
THIRD = "2026-07-29"
MAINTENANCE = outside_pb2.MARK_FAMILY_MAINTENANCE


@pytest.fixture
def rig(migrated_db, tmp_path):
    """A detector of its own folder."""
    made = Rig(migrated_db("detect"), tmp_path)
    yield made
    made.close()


def _outlet(name: str) -> str:
    return f"91130402MA0{name:0>7}-DA001"


def mark(outlet, first_h, last_h, *, mark_id="m1", revision=1, received_h=30.0, decision=0,
         **other):  # fmt: skip
    """A device maintenance mark of SO2, hours counted from Monday 00:00."""
    known = {"status": outside_pb2.MARK_STATUS_ACTIVE, "family": MAINTENANCE, "factors": [SO2]}
    return mark_pb2.MarkRecord(
        outlet_id=outlet, division="130402", credit_code=outlet.partition("-")[0],
        received_at=_at(received_h), sm3=b"\1" * 32, channel="console", decision=decision,
        mark=outside_pb2.Mark(
            mark_id=mark_id, revision=revision, start=_at(first_h), end=_at(last_h),
            reason="校准", made_by="env", **(known | other),
        ),
    )  # fmt: skip


def _at(hour: float):
    return to_timestamp(from_unix((MONDAY + hour) * 3600))


def _hours(outlet, hours, so2=50.0, *, received_h=None, nan=math.nan):
    """Frames of hours, each received ten minutes after its hour."""
    frames = [
        (outlet, (MONDAY + h) * 3600, {SO2: (so2 if np.isscalar(so2) else so2[h], nan),
                                       NOX: (60.0 + h % 5, nan), O2: (8.0, nan)})
        for h in hours
    ]  # fmt: skip
    batch = batch_of(frames, partition_of(outlet, 8))
    for frame, hour in zip(batch.frames, hours, strict=True):
        at = MONDAY + (hour + 1.2 if received_h is None else received_h)
        frame.received_at_us = int(at * 3600e6)
    return batch


def _state(day, factor=SO2):
    (found,) = [one for one in day.factors if one.factor == factor]
    return np.frombuffer(found.state, dtype=np.uint8)


def _records(outlet, so2=95.0):
    return [
        outlet_record(outlet, lines=(f"{SO2}+{NOX}",)),
        limit_record(outlet, SO2, so2),
        limit_record(outlet, NOX, 200.0),
    ]


def test_a_frozen_day_is_judged_once_and_never_changed(rig):
    """The freeze writes revision 1 with inputs, limits and readings; the row can't be changed."""
    outlet = _outlet("ONCE")
    rig.know(_records(outlet))
    rig.take(_hours(outlet, range(36)))

    before = rig.work()
    rig.freeze(DAY)
    rig.freeze(DAY)
    first = rig.work()
    again = rig.work()

    assert (before, first, again) == (0, 1, 0)
    (day,) = rig.days(outlet)
    assert (day.revision, day.day, day.reason, day.frozen) == (1, DAY, "frozen", True)
    assert {one.factor for one in day.factors} == {SO2, NOX, O2}
    so2 = next(one for one in day.factors if one.factor == SO2)
    assert (so2.mean, so2.valid_hours, so2.flags) == (50.0, 24, "N" * 24)
    assert [(one.upper, one.averaging, one.basis) for one in so2.limits] == [
        (95.0, "hourly", "permit")
    ]
    assert {one.kind for one in day.inputs} == {"readings", "limit", "pack", "facts"}
    assert day.known_at.seconds == int((MONDAY + 36.2) * 3600)
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        rig.database.transaction() as s,
    ):
        s.execute(text("UPDATE day_judgement SET reason = 'x'"))
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        rig.database.transaction() as s,
    ):
        s.execute(text("DELETE FROM mark_revision"))


def test_a_mark_takes_hours_out_and_withdraws_their_exceedance(rig):
    """hourly_exceedance is raised at once; the mark of its hours withdraws it with the reason."""
    outlet = _outlet("MARK")
    rig.know(_records(outlet))
    so2 = [50.0] * 30
    so2[4:7] = [140.0, 150.0, 160.0]
    rig.take(_hours(outlet, range(30), so2))
    raised = [f for f in rig.findings() if f.outlet_id == outlet and f.count]

    rig.mark(mark(outlet, 4, 7))
    rig.mark(mark(outlet, 4, 7))
    rig.work()

    assert [(f.rule_id, f.count) for f in raised if f.rule_id == "hourly_exceedance"] == [
        ("hourly_exceedance", 3)
    ]
    exceeding = [
        e.finding for e in rig.events()
        if isinstance(e, pb.FindingChanged) and e.finding.outlet_id == outlet
        and e.finding.rule_id == "hourly_exceedance"
    ]  # fmt: skip
    assert [(e.revision, e.count) for e in exceeding] == [(1, 3), (2, 0)]
    assert exceeding[-1].facts["withdrawn"]
    assert "标记" in exceeding[-1].seen


def test_what_changes_a_frozen_day_makes_a_revision_with_its_reason(rig):
    """Objection, back-fill and limit each make one; the same again makes none."""
    outlet = _outlet("REVISE")
    rig.know(_records(outlet))
    rig.take(_hours(outlet, [*range(3), *range(5, 36)]))
    rig.freeze(DAY)
    rig.work()

    late = mark(outlet, 8, 10, received_h=40.0)
    rig.mark(late)
    undecided = rig.work()
    late.decision, late.decided_by = mark_pb2.MARK_DECISION_ACCEPTED, "李"
    late.decided_at.CopyFrom(_at(60.0))
    rig.mark(late)
    rig.work()
    rig.take(_hours(outlet, [3, 4], received_h=70.0))
    rig.work()
    rig.know([limit_record(outlet, SO2, 40.0)])
    rig.work()
    rig.know([limit_record(outlet, SO2, 40.0)])
    same = rig.work()

    assert (undecided, same) == (0, 0)
    days = rig.days(outlet)
    assert [(d.revision, d.reason) for d in days] == [
        (1, "frozen"), (2, "objection"), (3, "backfill"), (4, "limit"),
    ]  # fmt: skip
    assert [int((_state(d) == HourState.MISSING).sum()) for d in days] == [2, 2, 0, 0]
    assert [int((_state(d) == HourState.MARKED).sum()) for d in days] == [0, 2, 2, 2]
    assert [sum(next(f for f in d.factors if f.factor == SO2).over) for d in days] == [0, 0, 0, 22]
    assert [len(d.marks) for d in days] == [0, 1, 1, 1]


ORDERS = (
    "know a b first second freeze work",
    "freeze second work a first work b know work second work",
    "second second freeze freeze work b work know a first work first work",
)


def test_any_order_and_repetition_comes_to_the_same_day(rig):
    """Marks, freeze, values and registry in three orders, some twice: the same at the end."""
    seen = []
    for number, order in enumerate(ORDERS):
        outlet = _outlet(f"ORD{number}")
        first, second = mark(outlet, 52, 56), mark(outlet, 53, 55, revision=2)
        steps = {
            "know": lambda outlet=outlet: rig.know(_records(outlet)),
            "a": lambda outlet=outlet: rig.take(_hours(outlet, range(48, 68), 120.0)),
            "b": lambda outlet=outlet: rig.take(_hours(outlet, range(68, 90), 120.0)),
            "first": lambda record=first: rig.mark(record),
            "second": lambda record=second: rig.mark(record),
            "freeze": lambda: rig.freeze(THIRD),
            "work": rig.work,
        }
        for step in order.split():
            steps[step]()
        newest = rig.days(outlet, THIRD)[-1]
        findings = sorted(
            (f.rule_id, tuple(f.factors), tuple(f.hours_s), f.seen) for f in rig.findings()
            if f.count and f.outlet_id == outlet
        )  # fmt: skip
        marks = [(m.mark.mark_id, m.mark.revision) for m in newest.marks]
        inputs = [(i.kind, i.id) for i in newest.inputs if i.kind != "facts"]
        factors = [f.SerializeToString(deterministic=True) for f in newest.factors]
        limit_ids = [one.replace(outlet.encode(), b"") for one in factors]
        seen.append((limit_ids, [i for i in inputs if i[0] != "limit"], marks, findings))

    assert seen[1] == seen[0]
    assert seen[2] == seen[0]
    assert any(rule == "hourly_exceedance" for rule, *_ in seen[0][3])

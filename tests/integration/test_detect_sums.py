"""Day sums on a real PostgreSQL: what a judged day adds, what a revision changes, who sees what."""

import math
import random
from datetime import date

import pytest

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.identity import Scope
from services.chassis.partition import partition_of
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.chassis.pb.ingest.v1 import mark_pb2, outside_pb2
from services.detect.app.list_sums import list_sums, span_of
from services.detect.judgement.model import HourState, Note
from services.detect.sums_answers import day_sums
from services.detect.sums_store import Asked, save_sums
from services.detect.sums_wire import sum_message, sums_of
from tests.integration.detect_rig import Rig, batch_of, limit_record, outlet_record
from tests.unit.detect.scene import MONDAY

EVERYWHERE = Scope("")
SO2, COD, O2 = "a21026", "w01018", "a19001"
PLANTS = {"91130100FARS000001": "130402", "91130100FARS000002": "130404"}
FIRST, SECOND = PLANTS


def factor(code=SO2, *, states=(HourState.VALID,) * 24, kg=10.0, filled=0.0, limited=True, free=0,
           flags="", notes=()):  # fmt: skip
    """One factor's day; "." in the flags where the state says missing, unless told otherwise."""
    missing = HourState.MISSING
    return pb.FactorDay(
        factor=code,
        state=bytes(states),
        notes=bytes(notes) or bytes(24),
        flags=flags or "".join("." if state == missing else "N" for state in states),
        free_hours=free,
        limits=[pb.AppliedLimit(averaging="hourly")] if limited else [],
        amount_kg=kg,
        substituted_kg=filled,
    )


def day(*factors, plant=FIRST, number=1, when="2026-11-21", revision=1, operator=""):
    """A judged day of an outlet."""
    return pb.DayJudgement(
        outlet_id=f"{plant}-DA{number:03}", day=when, revision=revision, factors=factors,
        facts=pb.JudgedFacts(division=PLANTS[plant], credit_code=plant, operator=operator),
    )  # fmt: skip


@pytest.fixture
def database(migrated_db):
    """A database without sums."""
    found = Database(migrated_db("detect"), "detect")
    with found.transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM day_sum")
    return found


def keep(database, *days):
    """Write days as the writer of judgements does."""
    with database.transaction() as session:
        save_sums(session, [row for one in days for row in sums_of(one)])


def asked(when="2026-11-21", month="", *, scope=EVERYWHERE, by_factor=True, credit_code=""):
    """A request."""
    return Asked(*span_of("" if month else when, month), scope, credit_code, by_factor)


def listed(database, request, level):
    """Messages by key and factor."""
    with database.transaction() as session:
        rows, total = list_sums(session, request, level)
    return {(one.row.key, one.row.factor): sum_message(one, "") for one in rows}, total


def test_a_judged_day_gives_a_row_for_each_factor_with_a_limit(database):
    """Hours by kind; oxygen is only read with the others; what has no mass has no amount."""
    v, m = HourState.VALID, HourState.MISSING
    states = (
        [v] * 15 + [HourState.STOPPED] * 3 + [HourState.EXEMPT] * 2 + [HourState.MARKED] + [m] * 3
    )
    notes = bytes(23) + bytes([Note.EXCUSED])
    keep(database, day(factor(states=states, notes=notes, filled=1.5), factor(O2, limited=False),
                       factor("w01001", kg=math.nan, filled=math.nan)))  # fmt: skip

    found, _ = listed(database, asked(), "outlet")

    assert [code for _, code in found] == [SO2, "w01001"]
    so2 = found[f"{FIRST}-DA001", SO2]
    assert (so2.hours, so2.stopped, so2.excused, so2.received) == (24, 3, 1, 18)
    assert (so2.valid, so2.exempt, so2.marked, so2.free) == (17, 2, 1, 0)
    assert so2.validity == pytest.approx(17 / 18)
    assert (so2.amount_kg, so2.substituted_kg) == (10.0, 1.5)
    assert math.isnan(found[f"{FIRST}-DA001", "w01001"].amount_kg)


def test_the_free_hour_of_a_standard_check_counts_as_valid(database):
    """23 of 24 valid hours of COD are all that was due; 22 are not."""
    check = [HourState.FLAGGED] + [HourState.VALID] * 23
    worse = [HourState.FLAGGED] * 2 + [HourState.VALID] * 22
    keep(database, day(factor(COD, states=check, free=1)),
         day(factor(COD, states=worse, free=1), number=2))  # fmt: skip

    found, _ = listed(database, asked(), "outlet")

    shares = [one.validity for _, one in sorted(found.items())]
    assert shares == [1.0, pytest.approx(22 / 24)]


def test_the_highest_revision_counts_in_any_order_and_repetition(database):
    """Replays, shuffles and a factor that the newer revision dropped leave the same sums."""
    first = day(factor(), factor(COD))
    second = day(factor(kg=7.0), revision=2)
    writes = [first, second] * 3
    random.Random(4).shuffle(writes)
    for one in [second, *writes, first]:
        keep(database, one)

    found, _ = listed(database, asked(), "outlet")

    assert {key: one.amount_kg for key, one in found.items()} == {(f"{FIRST}-DA001", SO2): 7.0}


def test_sums_by_area_operator_and_plant_never_leave_the_scope(database):
    """Levels add up; a county sees itself, a plant its own; pollutants are not added up in kg."""
    keep(database, day(factor(), factor(COD, kg=3.0), operator="运维甲"),
         day(factor(kg=5.0), number=2, operator="运维乙"),
         day(factor(kg=1.0), plant=SECOND, operator="运维甲"))  # fmt: skip

    county, total = listed(database, asked(), "county")
    operator, _ = listed(database, asked(), "operator")
    own, _ = listed(database, asked(scope=Scope("", SECOND)), "enterprise")
    inside, _ = listed(database, asked(scope=Scope("130402")), "province")
    together, _ = listed(database, asked(by_factor=False), "city")

    assert {key: one.amount_kg for key, one in county.items()} == {
        ("130402", COD): 3.0, ("130402", SO2): 15.0, ("130404", SO2): 1.0
    }  # fmt: skip
    assert operator["运维甲", SO2].amount_kg == 11.0
    assert list(own) == [(SECOND, SO2)]
    assert inside["130000", SO2].outlets == 2
    assert (together["130400", ""].hours, together["130400", ""].outlets) == (96, 3)
    assert math.isnan(together["130400", ""].amount_kg)
    assert total is not None
    assert total.hours == 96


def test_change_is_against_the_same_days_of_the_period_before(database):
    """A day against the day before; a month that goes on against as many days of the one before."""
    keep(database, *(day(factor(kg=kg, filled=1.0), when=when) for when, kg in [
        ("2026-10-01", 1.0), ("2026-10-02", 2.0), ("2026-10-03", 400.0), ("2026-10-31", 800.0),
        ("2026-11-01", 4.0), ("2026-11-02", 5.0),
    ]))  # fmt: skip
    key = (FIRST, SO2)

    one, _ = listed(database, asked("2026-11-02"), "enterprise")
    first, _ = listed(database, asked("2026-10-01"), "enterprise")
    month, _ = listed(database, asked(month="2026-11"), "enterprise")

    assert one[key].amount_before_kg == 5.0
    assert math.isnan(first[key].amount_before_kg)
    assert (month[key].amount_kg, month[key].amount_before_kg) == (9.0, 5.0)


def test_a_whole_month_is_compared_with_a_whole_month(database):
    """February has fewer days than January; all of January counts all the same."""
    days = [date(2026, month, n) for month, last in ((1, 31), (2, 28)) for n in range(1, last + 1)]
    keep(database, *(day(factor(kg=1.0), when=one.isoformat()) for one in days))

    february, _ = listed(database, asked(month="2026-02"), "enterprise")

    assert february[FIRST, SO2].amount_kg == 28.0
    assert february[FIRST, SO2].amount_before_kg == 31.0


def test_the_answer_names_its_period_and_its_total(database):
    """What the door tells: rows, their sum, and that the effective rate is not known to detect."""
    keep(database, day(factor(), factor(COD, kg=3.0)))
    request = pb.ListDaySumsRequest(month="2026-11", level=pb.SUM_LEVEL_CITY, by_factor=True)
    with database.transaction() as session:
        answer = day_sums(session, request, EVERYWHERE)
        empty = day_sums(session, request, Scope("99"))

    assert [(one.key, one.period, one.factor) for one in answer.sums] == [
        ("130400", "2026-11", SO2), ("130400", "2026-11", COD),
    ]  # fmt: skip
    assert (answer.total.hours, answer.total.validity) == (48, 1.0)
    assert math.isnan(answer.sums[0].effective_realtime)
    assert not empty.HasField("total")


def test_an_answer_needs_a_level(database):
    """No level is no question."""
    with database.transaction() as session, pytest.raises(InputRejected):
        day_sums(session, pb.ListDaySumsRequest(day="2026-11-21"), EVERYWHERE)


def test_judging_keeps_the_sums_and_a_mark_moves_kilograms_to_the_substituted(
    migrated_db, tmp_path
):
    """50 mg/m3 in 20 m3/s are 3.6 kg/h; three marked hours cost the largest hour before them."""
    rig = Rig(migrated_db("detect"), tmp_path)
    outlet = "91130402MA0SUMS001-DA001"
    frames = [
        (outlet, (MONDAY + h) * 3600, {SO2: (50.0, math.nan), "a00000": (20.0, math.nan)})
        for h in range(30)
    ]
    batch = batch_of(frames, partition_of(outlet, 8))
    for frame, (_, time_s, _) in zip(batch.frames, frames, strict=True):
        frame.received_at_us = (time_s + 4200) * 1_000_000
    rig.know([outlet_record(outlet), limit_record(outlet, SO2, 95.0)])
    rig.take(batch)
    rig.freeze("2026-07-27")
    rig.work()
    key = (outlet, SO2)
    request = asked("2026-07-27", credit_code=outlet[:18])
    before = listed(rig.database, request, "outlet")[0][key]

    rig.mark(
        mark_pb2.MarkRecord(
            outlet_id=outlet, division="130402", credit_code=outlet[:18],
            received_at=to_timestamp(from_unix((MONDAY + 30) * 3600)), sm3=b"\1" * 32,
            channel="console",
            mark=outside_pb2.Mark(
                mark_id="m1", revision=1, status=outside_pb2.MARK_STATUS_ACTIVE,
                family=outside_pb2.MARK_FAMILY_MAINTENANCE, factors=[SO2], reason="校准",
                start=to_timestamp(from_unix((MONDAY + 4) * 3600)),
                end=to_timestamp(from_unix((MONDAY + 7) * 3600)),
            ),
        )
    )  # fmt: skip
    rig.work()
    after = listed(rig.database, request, "outlet")[0][key]
    rig.close()

    assert (before.valid, before.marked) == (24, 0)
    assert (before.amount_kg, before.substituted_kg) == (pytest.approx(24 * 3.6), 0.0)
    assert (after.valid, after.marked, after.received) == (21, 3, 24)
    assert after.amount_kg == pytest.approx(21 * 3.6)
    assert after.substituted_kg == pytest.approx(3 * 3.6)


@pytest.mark.parametrize(("when", "month"), [("", ""), ("2026-11-21", "2026-11"), ("x", "")])
def test_a_period_is_a_day_or_a_month(when, month):
    """Anything else is refused at the edge."""
    with pytest.raises(InputRejected):
        span_of(when, month)

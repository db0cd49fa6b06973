"""The night's screening on a real database: signs to findings and clues, and what waits."""

import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from services.chassis.clock import to_timestamp
from services.chassis.partition import partition_of
from services.chassis.pb.detect.v1 import detect_pb2
from services.chassis.pb.ingest.v1 import mark_pb2, outside_pb2
from services.detect import screening_store, store
from services.detect.app import sweep as sweeping
from services.detect.app import sweep_plan
from services.detect.app.screen_outlets import FAST
from services.detect.app.screen_panel import DAYS, Span, screen_panel
from services.detect.app.sweep import sweep
from services.detect.domain.known import Known
from services.detect.packs.load import shipped_pack
from tests.integration.detect_rig import Rig
from tests.integration.screening_rig import (
    COD,
    END,
    HOURS,
    NH3,
    NOW,
    REPLAYED,
    know,
    outlet,
    screen,
    send,
    story,
)


@pytest.fixture
def rig(migrated_db, tmp_path):
    """A detector on this module's database with a folder of its own."""
    made = Rig(migrated_db("detect"), tmp_path)
    yield made
    made.close()


def found(rig, name: str) -> dict[str, detect_pb2.Finding]:
    return {f"{f.rule_id} {f.factors[0]}": f for f in rig.findings()
            if f.outlet_id == outlet(name) and f.rule_id == "exact_replay"}  # fmt: skip


def clues(rig, name: str) -> list[detect_pb2.Clue]:
    made = [e.clue for e in rig.events() if isinstance(e, detect_pb2.ClueChanged)]
    return [clue for clue in made if clue.outlet_id == outlet(name)]


def signs(rig, name: str) -> list[screening_store.SignRow]:
    with rig.database.transaction() as session:
        rows = screening_store.signs_since(session, [outlet(name)], 0)
        session.expunge_all()
        return rows


def test_a_replay_becomes_confidential_findings_a_picture_and_a_clue_overnight(rig):
    """From received hours to the clue, and the same night twice changes nothing."""
    know(rig, "1", "2")
    send(rig, "1", story(1, cheats=True))
    send(rig, "2", story(2, cheats=False))

    assert screen(rig) == 2
    mine = found(rig, "1")
    assert set(mine) == {f"exact_replay {COD}", f"exact_replay {NH3}"}
    one = mine[f"exact_replay {COD}"]
    assert one.confidential
    assert "与本序列自" in one.seen
    assert one.silenced_by
    assert one.facts["false_alarms_per_station_year"] < 2.0
    (clue,) = {clue.clue_id: clue for clue in clues(rig, "1")}.values()
    assert clue.pattern == "D03"
    assert set(clue.factors) == {COD, NH3}
    assert "数据雷同或重复" in clue.reason
    assert not found(rig, "2")

    before = len(rig.events())
    assert screen(rig) == 0, "nothing is due again before the next day"
    with rig.database.transaction() as session:
        for row in screening_store.states(session, [outlet("1")]).values():
            row.screened_until -= 24
    assert screen(rig) == 1
    assert len(rig.events()) == before, "judged again, nothing is said twice"


def test_a_correction_takes_the_findings_and_the_clue_back(rig):
    """Marked as maintenance afterwards, the replayed hours prove no copy any more.

    That just these hours were marked may be told of by another test.
    """
    know(rig, "3")
    send(rig, "3", story(3, cheats=True))
    screen(rig)
    assert len(found(rig, "3")) == 2

    _mark(rig, "3")
    with rig.database.transaction() as session:
        for row in screening_store.states(session, [outlet("3")]).values():
            row.screened_until -= 24
    screen(rig)

    assert {f.state for f in found(rig, "3").values()} == {detect_pb2.FINDING_STATE_CLOSED}
    assert all("本疑似问题撤回" in f.seen for f in found(rig, "3").values())
    last = clues(rig, "3")[-1]
    assert last.state == detect_pb2.FINDING_STATE_CLOSED or last.pattern != "D03"
    assert not [row for row in signs(rig, "3") if row.rule_id == "exact_replay"]


def test_what_a_county_cannot_see_today_waits_on_the_list_and_is_raised_when_there_is_room(
    rig, monkeypatch
):
    """Budget of one a day for three plants that cheat at once; nothing is dropped."""
    names = [n for n in map(str, range(100, 400)) if partition_of(outlet(n), 8) == 5][:3]
    know(rig, *names, division="130999")
    for at, name in enumerate(names):
        send(rig, name, story(10 + at, cheats=True))
    _dial(rig, monkeypatch, county_a_day=1)
    assert screen(rig) == 3
    states = {name: {row.state for row in signs(rig, name)} for name in names}
    raised = [name for name in names if states[name] == {"raised"}]
    assert sorted(map(tuple, states.values())) == [("held",), ("held",), ("raised",)]
    held = next(name for name in names if name not in raised)
    assert {row.reason for row in signs(rig, held)} == {"county_budget"}
    assert not found(rig, held)

    with rig.database.transaction() as session:
        for name in names:
            session.get(screening_store.StateRow, outlet(name)).screened_until -= 24
    assert screen(rig) == 3
    assert sum(bool(found(rig, name)) for name in names) == 2, "one more each day"


def test_a_suppressed_sign_raises_nothing_until_its_time_is_over(rig):
    know(rig, "7")
    send(rig, "7", story(7, cheats=True))
    _suppress(rig, "7", until=NOW + timedelta(days=2))
    screen(rig)
    assert not found(rig, "7")
    assert {row.state for row in signs(rig, "7")} == {"suppressed"}

    with rig.database.transaction() as session:
        session.get(screening_store.StateRow, outlet("7")).screened_until -= 24
    screen(rig, NOW + timedelta(days=2, minutes=1))
    assert len(found(rig, "7")) == 2


def test_a_short_history_is_not_evaluated_and_never_called_clean(rig):
    """Twelve days of values: tests that need more say so, and stop saying so later."""
    know(rig, "8")
    values = {f: v.copy() for f, v in story(8, cheats=False).items()}
    for series in values.values():
        series[: HOURS - 12 * 24] = np.nan
    send(rig, "8", values)
    screen(rig)
    with rig.database.transaction() as session:
        rows = store.list_evaluations(session, outlet("8"))
        told = {(r.rule_id, r.factor): (r.known_days, r.needed_days) for r in rows}
    tests = {rule for rule, _ in told} - {"constant_value", "low_variance_part_of_day"}
    assert len(tests) > 3
    assert all(known == 12 < needed for (rule, _), (known, needed) in told.items() if rule in tests)


def test_a_frozen_day_is_screened_again_and_a_filling_logger_is_left_alone(rig):
    know(rig, "9")
    send(rig, "9", story(9, cheats=False))
    assert screen(rig) == 1
    day = (NOW + timedelta(hours=8)).date() - timedelta(days=2)
    rig.freeze(day.isoformat())
    assert screen(rig) >= 1, "its marks are final now"
    assert screen(rig) == 0

    know(rig, "11")
    send(rig, "11", story(11, cheats=False), end=END - 30 * 24)
    patient = sweep(rig.detector, NOW, 60.0, 0)
    assert patient == 0, "who sends hours that are long past is not done"
    assert screen(rig) == 1


def test_a_running_day_is_looked_at_by_the_fast_tests(rig, monkeypatch):
    """A replay of last month's day is said before its day is over, and stays said at night."""
    know(rig, "14")
    values = story(14, cheats=False)
    send(rig, "14", values)
    midnight = datetime.fromtimestamp(END * 3600, UTC)
    assert screen(rig, midnight + timedelta(hours=1)) == 1
    assert not found(rig, "14")

    monkeypatch.setattr(sweeping, "FAST_EVERY_S", 0.0)
    day = {f: np.concatenate([v[20:], v[-720:-700]]) for f, v in values.items()}
    send(rig, "14", day, end=END + 20)
    evening = midnight + timedelta(hours=20)
    assert screen(rig, evening) == 1
    assert screen(rig, evening) == 0, "no hour came since"
    running = found(rig, "14")
    assert len(running) == 2
    assert {row.rule_id for row in signs(rig, "14")} <= FAST

    rest = {f: np.concatenate([v[24:], v[-720:-696]]) for f, v in values.items()}
    send(rig, "14", rest, end=END + 24)
    assert screen(rig, midnight + timedelta(hours=26)) == 1
    nightly = found(rig, "14")
    assert {f.finding_id for f in nightly.values()} == {f.finding_id for f in running.values()}


def test_a_sweep_waits_for_its_hour(rig):
    know(rig, "12")
    send(rig, "12", story(12, cheats=False))
    assert sweep(rig.detector, NOW, 0.0, 24) == 0


def test_a_fault_in_one_partition_leaves_the_others_their_night(rig, monkeypatch):
    """The outlets of the faulty one stay due and are screened when it is mended."""
    names = ["21", "22", "23", "24"]
    numbers = {name: partition_of(outlet(name), 8) for name in names}
    bad = numbers["21"]
    assert set(numbers.values()) - {bad}
    for name in names:
        know(rig, name)
        send(rig, name, story(int(name), cheats=False))
    whole = sweeping.screen_outlets

    def faulty(session, windows, known, span, now):
        if windows.folder.name == f"p{bad}":
            raise ValueError("a ring that cannot be read")
        return whole(session, windows, known, span, now)

    monkeypatch.setattr(sweeping, "screen_outlets", faulty)
    others = sum(number != bad for number in numbers.values())
    assert screen(rig) == others
    monkeypatch.setattr(sweeping, "screen_outlets", whole)
    # The first look ends the sweep whose slice was lost, the next one finds the outlets due.
    assert screen(rig) + screen(rig) == len(names) - others


def test_a_panel_of_the_rings_is_the_panel_of_a_folder(rig):
    """The same values, marks and limits, cell by cell."""
    know(rig, "13")
    values = story(13, cheats=False)
    values[COD][500:520] = np.nan
    values[NH3][500:520] = np.nan
    send(rig, "13", values)
    number = partition_of(outlet("13"), 8)
    partition = rig.detector.partition(number)
    with rig.database.transaction() as session:
        rig.detector.known.refresh(session)
    known = Known(timeline=rig.detector.known.timeline)
    span = Span([outlet("13")], END, END - 24)
    made = screen_panel(partition.windows, rig.detector.known.directory, known, span)
    assert made is not None
    assert made.step_min == 60
    assert made.cells == DAYS * 24
    row = next(r for r, key in enumerate(made.keys) if key.factor == COD)
    assert np.array_equal(made.value[row, -HOURS:], values[COD], equal_nan=True)
    assert not np.isfinite(made.value[row, :-HOURS]).any()
    assert made.limit[row] == 900.0
    assert made.judged_since()[row] == made.cells - 24


def _mark(rig, name: str) -> None:
    start = (END - HOURS + REPLAYED.start) * 3600
    end = (END - HOURS + REPLAYED.stop) * 3600
    at = [to_timestamp(datetime.fromtimestamp(moment, UTC)) for moment in (start, end)]
    mark = outside_pb2.Mark(
        mark_id=f"m-{name}", revision=1, family=outside_pb2.MARK_FAMILY_MAINTENANCE, start=at[0],
        end=at[1], status=outside_pb2.MARK_STATUS_ACTIVE, reason="校准", made_by="env",
    )  # fmt: skip
    rig.mark(mark_pb2.MarkRecord(
        outlet_id=outlet(name), division="130402", credit_code=outlet(name)[:18],
        received_at=at[0], sm3=b"\1" * 32, channel="console", mark=mark,
    ))  # fmt: skip


def _suppress(rig, name: str, until) -> None:
    with rig.database.transaction() as session:
        session.add(screening_store.SuppressionRow(
            suppression_id=f"s-{name}", outlet_id=outlet(name), factor="", rule_id="",
            reason="同一排气筒两套登记", asked_by="a", asked_by_name="甲", asked_at=NOW,
            until=until, division="130402", credit_code=outlet(name)[:18], confirmed_by="b",
            confirmed_by_name="乙", confirmed_at=NOW,
        ))  # fmt: skip


def _dial(rig, monkeypatch, **changes) -> None:
    dial = dataclasses.replace(shipped_pack().dial, **changes)
    monkeypatch.setattr(type(shipped_pack()), "dial", property(lambda _: dial))


def test_outlets_of_different_owners_are_compared_with_each_other(rig, monkeypatch):
    """In slices of one, a copy is still found by the look that joins all outlets of the night."""
    names = [n for n in map(str, range(500, 900)) if partition_of(outlet(n), 8) == 6][:2]
    know(rig, *names)
    first, second = (story(40 + at, cheats=False) for at in range(2))
    second[COD][-120:] = first[COD][-120:]
    for name, values in zip(names, (first, second), strict=True):
        send(rig, name, values)
    monkeypatch.setattr(sweep_plan, "SLICE", 1)
    assert screen(rig) == 2
    copies = [f for f in rig.findings() if f.rule_id == "same_outlets"]
    assert {f.outlet_id for f in copies} & set(map(outlet, names))
    assert all(f.confidential for f in copies)


def test_outlets_of_different_partitions_are_compared_by_their_fingerprints(rig):
    """The partition that is swept last meets what the first one left, and names its outlet."""
    apart = (n for n in map(str, range(951, 999))
             if partition_of(outlet(n), 8) != partition_of(outlet("950"), 8))  # fmt: skip
    names = ["950", next(apart)]
    know(rig, *names)
    first, second = (story(50 + at, cheats=False) for at in range(2))
    second[COD][-120:] = first[COD][-120:]
    for name, values in zip(names, (first, second), strict=True):
        send(rig, name, values)
    assert screen(rig) == 2
    copies = [f for f in rig.findings() if f.rule_id == "same_outlets"]
    mine = {f.outlet_id: f for f in copies if f.outlet_id in set(map(outlet, names))}
    assert mine
    for found in mine.values():
        assert found.confidential
        assert found.factors == [COD]
        other = next(outlet(n) for n in names if outlet(n) != found.outlet_id)
        assert other in found.seen

"""From pushed things to clues on a real PostgreSQL: order, repetition, continuity, decisions."""

import random
from datetime import timedelta

import pytest

from farsight.lab.model.outside import items
from services.chassis.pb.detect.v1 import detect_pb2
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.detect import outside_store as store
from services.detect.app.judge_outside import judge_next_city
from services.detect.app.save_outside import decide
from services.detect.store import FindingRow
from tests.integration.outside_rig import OutsideRig, demo_records, entry

END = 489_944  # unix hours
CEMENT, WATER = "91130481FARX00099F", "91130404FARX00208X"
HOMES = {CEMENT: "130481", "91130404FARX00275U": "130404"}


@pytest.fixture
def rig(migrated_db):
    """A detect process that knows the demo province and nothing else."""
    made = OutsideRig(migrated_db("detect"))
    made.clear()
    made.know(*demo_records("enterprises", "outlets"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def story():
    """The demo's things from outside as entries of batches."""
    recent = [one for one in items(END, 7) if _recent(one)]
    made = [entry(one, HOMES.get(one.place.outlet_id[:18], "")) for one in recent]
    random.Random(3).shuffle(made)
    return made


def _recent(one):
    """Of grid and stations the particulates and wind of the last hours."""
    name = one.WhichOneof("item")
    if name not in ("grid", "station"):
        return True
    value = getattr(one, name)
    late = value.start.seconds >= (END - 16) * 3600
    return late and value.pollutant in ("a34004", "a01007", "a01008")


def push(rig, entries, size=1000):
    """Take entries in parts."""
    return sum(rig.take(entries[at : at + size]) for at in range(0, len(entries), size))


def finding(rig, finding_id, hour):
    """A finding of the cement plant's own data."""
    with rig.database.transaction() as session:
        session.add(
            FindingRow(
                finding_id=finding_id, outlet_id=f"{CEMENT}-DA001", rule_id="order_not_met",
                factor="", revision=1, open=True, begin_hour=hour, end_hour=hour + 2,
                division="130481", credit_code=CEMENT, confidential=False, hits=b"x", body=b"",
                picture=b"", inputs="",
            )
        )  # fmt: skip


def test_the_demo_becomes_a_few_places_with_reasons(rig, story) -> None:
    """Grid, station, video and the plant's own data are one clue; the river names its source."""
    finding(rig, "f-1", END - 10)

    push(rig, story)
    rig.judge()

    clues = {one.place: one for one in rig.clues()}
    cement, water = clues[f"plant:{CEMENT}"], clues[f"plant:{WATER}"]
    assert list(cement.families) == ["air_network", "own_data", "video"]
    assert list(cement.finding_ids) == ["f-1"]
    assert "合并" in cement.reason
    assert {one.kind for one in water.signs} == {
        pb.OUTSIDE_SIGN_KIND_FINGERPRINT, pb.OUTSIDE_SIGN_KIND_COMPLAINT
    }  # fmt: skip
    assert len(clues) <= 12
    assert all(one.candidates or "没有登记企业" in one.reason for one in clues.values())
    assert not any("冀D" in str(one) for one in clues.values())


def test_order_and_repetition_change_nothing(rig, story) -> None:
    """The same things again, otherwise parted, leave every clue and revision as it is."""
    push(rig, story)
    rig.judge()
    before = rig.clues()

    again = push(rig, story[::-1], size=777)
    changed = rig.judge()

    assert (again, changed) == (0, 0)
    assert rig.clues() == before


def test_a_clue_goes_on_and_ends(rig, story) -> None:
    """More of the same is a new revision of the same clue; days later it closes by itself."""
    late = [one for one in story if b"v-2" in one.raw]
    push(rig, [one for one in story if b"v-2" not in one.raw])
    rig.judge()
    first = {one.place: one for one in rig.clues()}[f"plant:{WATER}"]
    count = len(rig.clues())

    push(rig, late)
    rig.judge()
    same = {one.clue_id: one for one in rig.clues()}
    far = [one for one in items(END + 24 * 30, 7) if one.HasField("complaint")]
    for one in far:
        one.complaint.complaint_id += "-later"
    push(rig, [entry(one) for one in far])
    rig.judge()

    assert same[first.clue_id] == first
    assert len(same) >= count
    closed = {one.clue_id: one for one in rig.clues()}[first.clue_id]
    assert closed.state == detect_pb2.FINDING_STATE_CLOSED
    assert closed.revision == first.revision + 1
    assert [one.seen for one in closed.signs] == [one.seen for one in first.signs]


def test_what_was_decided_is_not_raised_again(rig, story) -> None:
    """A verdict closes a clue; its own signs never make another one."""
    push(rig, story)
    rig.judge()
    clue = next(one for one in rig.clues() if one.place == f"plant:{WATER}")
    with rig.database.transaction() as session:
        row = store.clue_by_id(session, clue.clue_id, lock=True)
        decide(row, pb.OUTSIDE_VERDICT_NOTHING, "现场未发现问题", "甲", 1.8e9)
        store.make_due(session, {"1304": END * 3600})

    rig.judge()

    mine = [one for one in rig.clues() if one.place == f"plant:{WATER}"]
    assert [(one.clue_id, one.verdict, one.state) for one in mine] == [
        (clue.clue_id, pb.OUTSIDE_VERDICT_NOTHING, detect_pb2.FINDING_STATE_CLOSED)
    ]


def test_a_city_is_looked_at_when_its_push_is_over_and_forgets_what_is_old(rig, story) -> None:
    """Not while parts come; after forty days records go, the waters of known sources stay."""
    singles = [one for one in story if b"demo-hot-1" not in one.raw]
    push(rig, singles)
    assert judge_next_city(rig.database, rig.desk, timedelta(minutes=5), timedelta(days=9)) is None
    rig.judge()

    later = [one for one in items(END + 24 * 60, 7) if one.HasField("complaint")]
    for one in later:
        one.complaint.complaint_id += "-later"
    push(rig, [entry(one) for one in later])
    rig.judge()

    with rig.database.transaction() as session:
        kept = store.items_since(session, "1304", 0)
        days = store.days_between(session, "1304", 0, 2**40)
    assert sorted({one.kind for one in kept}) == ["complaint", "reference"]
    assert len(kept) == len(later) + 2
    assert days == []

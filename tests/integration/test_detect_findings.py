"""From batches to findings, rows and events on a real PostgreSQL; redelivery, kills, lost files."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from services.chassis.clock import from_unix
from services.chassis.errors import InputRejected, Unavailable
from services.chassis.partition import partition_of
from services.chassis.pb.detect.v1 import detect_pb2 as pb
from services.chassis.pb.ingest.v1 import ingest_pb2
from services.detect import store
from services.detect.app import judge_outlets, take_batch
from services.detect.app.look_for_silence import look_for_silence
from services.detect.store import ClueRow, FindingRow
from tests.integration.detect_rig import Facts, Rig, batch_of, limit_record, outlet_record
from tests.unit.detect.scene import MONDAY, NOX, O2, SO2, honest

DAYS = 60
HOURS = DAYS * 24
FIRST = MONDAY - HOURS


def _outlet(name: str) -> tuple[str, int]:
    """An outlet id of our own and its partition."""
    outlet = f"91130402MA{name:0>8}-DA001"
    return outlet, partition_of(outlet, 8)


def _records(outlet: str, *, so2=180.0, nox=150.0):
    return [
        outlet_record(outlet, lines=(f"{SO2}+{NOX}",)),
        limit_record(outlet, SO2, so2),
        limit_record(outlet, NOX, nox),
    ]


def _story(seed: int) -> dict[str, np.ndarray]:
    """Sixty days with a bottle in the last week but one, four exceeding hours and a gap."""
    rng = np.random.default_rng(seed)
    so2, nox = honest(seed, HOURS, 60), honest(seed + 100, HOURS, 45)
    bottle = slice(48 * 24, 51 * 24)
    so2[bottle] = np.round(57 * (1 + rng.normal(0, 0.015, 72)), 1)
    nox[bottle] = np.round(43 * (1 + rng.normal(0, 0.015, 72)), 1)
    nox[52 * 24 : 52 * 24 + 4] = 190.0
    story = {SO2: so2, NOX: nox, O2: honest(seed + 200, HOURS, 8, 0.01)}
    for series in story.values():
        series[56 * 24 : 56 * 24 + 7] = np.nan
    return story


def _batches(outlet: str, partition: int, story, size=100, first=FIRST):
    frames = [
        (
            outlet,
            (first + hour) * 3600,
            {f: (float(v[hour]), float("nan")) for f, v in story.items()},
        )
        for hour in range(len(story[SO2]))
        if np.isfinite(story[SO2][hour])
    ]
    return [batch_of(frames[at : at + size], partition) for at in range(0, len(frames), size)]


@pytest.fixture
def rig(migrated_db, tmp_path):
    """A detector on this module's database with a folder of its own."""
    made = Rig(migrated_db("detect"), tmp_path)
    yield made
    made.close()


def _mine(rig: Rig, outlet: str) -> list[pb.Finding]:
    return [f for f in rig.findings() if f.outlet_id == outlet]


def _facts(rig: Rig, outlet: str) -> list[Facts]:
    """What stands of an outlet, without withdrawn findings."""
    return [Facts.of(f) for f in _mine(rig, outlet) if f.count]


def _events_of(rig: Rig, outlet: str) -> list:
    return [
        event for event in rig.events()
        if (event.finding if isinstance(event, pb.FindingChanged) else event.clue).outlet_id
        == outlet
    ]  # fmt: skip


def test_a_story_becomes_findings_with_pictures_and_a_clue(rig):
    """Exceedance, two quiet factors, silence; one confidential clue with its findings inside."""
    outlet, partition = _outlet("STORY")
    rig.know(_records(outlet))

    for batch in _batches(outlet, partition, _story(7)):
        rig.take(batch)

    found = {(f.rule_id, *f.factors): f for f in _mine(rig, outlet)}
    over = found["hourly_exceedance", NOX]
    assert (over.count, over.statistic, over.limit_value, over.unit) == (4, 190.0, 150.0, "mg/m3")
    assert over.limit_id == f"{outlet}-{NOX}"
    assert over.facts["limit_source"] == "排污许可证"
    assert over.hours_s == [(FIRST + 52 * 24 + h) * 3600 for h in range(4)]
    assert over.start.seconds == over.hours_s[0]
    assert over.correlation_id.startswith(f"frame-{outlet}-")
    assert over.division == "130402"
    assert found["silence",].statistic == 7
    assert found["low_variance_part_of_day", SO2].confidential
    clues = [e.clue for e in _events_of(rig, outlet) if isinstance(e, pb.ClueChanged)]
    assert {f.rule_id for f in clues[-1].findings} == {"low_variance_part_of_day"}
    assert set(clues[-1].factors) == {SO2, NOX}
    assert clues[-1].reason.startswith("同一采样管路的")
    whole = [e.finding for e in _events_of(rig, outlet) if isinstance(e, pb.FindingChanged)]
    assert all(len(f.picture.time_s) == len(f.picture.value) > 24 for f in whole if f.factors)


def test_every_batch_a_second_time_changes_nothing(rig):
    """Redelivery: rows, revisions and events are what they were."""
    outlet, partition = _outlet("TWICE")
    rig.know(_records(outlet))
    batches = _batches(outlet, partition, _story(8))
    for batch in batches:
        rig.take(batch)
    before, events = _mine(rig, outlet), len(rig.events())

    changed = [rig.take(batch) for batch in batches]

    assert set(changed) == {0}
    assert _mine(rig, outlet) == before
    assert len(rig.events()) == events


def test_the_same_values_in_new_batches_change_nothing(rig):
    """A logger that sends its history again under new batch ids: judged, and the same."""
    outlet, partition = _outlet("AGAIN")
    rig.know(_records(outlet))
    for batch in _batches(outlet, partition, _story(9)):
        rig.take(batch)
    before = _mine(rig, outlet)

    for batch in _batches(outlet, partition, _story(9), size=37)[-10:]:
        rig.take(batch)

    assert _mine(rig, outlet) == before


def test_a_process_killed_before_its_commit_loses_nothing(migrated_db, tmp_path, monkeypatch):
    """Values in the rings, transaction gone; the next process gets the batch again and judges."""
    outlet, partition = _outlet("KILLED")
    calm, calm_partition = _outlet("CALM")
    url = migrated_db("detect")
    first = Rig(url, tmp_path)
    first.know([*_records(outlet), *_records(calm)])
    for batch in _batches(calm, calm_partition, _story(10)):
        first.take(batch)

    for batch in _batches(outlet, partition, _story(10), size=350):

        def killed(session, windows, known, task):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(take_batch, "judge_outlets", killed)
            with pytest.raises(KeyboardInterrupt):
                Rig(url, tmp_path).take(batch)
        Rig(url, tmp_path).take(batch)  # another process, the same files

    def shown(name):
        return [
            (f.rule_id, f.factors, f.start, f.end, f.hours, f.state) for f in _facts(first, name)
        ]

    assert shown(outlet) == shown(calm)
    assert len(shown(outlet)) >= 4


def _history_of(story, outlet, first=FIRST):
    """An ingest that has the hours of a story."""

    def history(outlet_id, kind, start, end):
        answer = ingest_pb2.GetReadingsResponse(outlet_id=outlet_id, kind=kind)
        if outlet_id != outlet or kind != ingest_pb2.READING_KIND_HOUR:
            return answer
        for factor, values in story.items():
            there = np.flatnonzero(np.isfinite(values))
            answer.factors.add(
                factor=factor, time_s=((first + there) * 3600).tolist(),
                value=values[there].tolist(), converted=[float("nan")] * len(there),
                flags="N" * len(there), version=[0] * len(there),
            )  # fmt: skip
        return answer

    return history


def test_lost_files_come_back_from_ingest_before_anything_is_judged(migrated_db, tmp_path, rig):
    """The volume is gone: with ingest's history all findings stand as they stood."""
    outlet, partition = _outlet("LOST")
    story = _story(11)
    rig.know(_records(outlet))
    batches = _batches(outlet, partition, story)
    for batch in batches[:-1]:
        rig.take(batch)
    before = _facts(rig, outlet)
    monkey = Rig(
        migrated_db("detect"), tmp_path / "new", history=_history_of(story, outlet), owner="new"
    )

    monkey.take(batches[-1])

    assert len(before) >= 4
    assert [f for f in _facts(monkey, outlet) if f in before] == before
    assert not any(f.facts.fields["withdrawn"].bool_value for f in _mine(monkey, outlet))


def test_lost_files_without_ingest_judge_nothing(migrated_db, tmp_path, rig):
    """Better late than wrong: the batch goes back to the queue, findings stand."""
    outlet, partition = _outlet("AWAY")
    rig.know(_records(outlet))
    batches = _batches(outlet, partition, _story(12))
    for batch in batches[:-1]:
        rig.take(batch)
    before = _mine(rig, outlet)

    def away(outlet_id, kind, start, end):
        raise Unavailable("service ingest does not answer")

    other = Rig(migrated_db("detect"), tmp_path / "new", history=away)
    with pytest.raises(Unavailable):
        other.take(batches[-1])

    assert _mine(rig, outlet) == before


def test_a_limit_that_comes_after_its_hours_judges_them(rig):
    """The batch overtook the registry: with the next batch the earlier hours are judged too."""
    outlet, partition = _outlet("LATE")
    frames = [(outlet, (MONDAY + h) * 3600, {SO2: (200.0, float("nan"))}) for h in range(5)]
    rig.take(batch_of(frames[:4], partition))
    assert _mine(rig, outlet) == []

    rig.know(_records(outlet))
    rig.take(batch_of(frames[4:], partition))

    (finding,) = _mine(rig, outlet)
    assert finding.count == 5


def test_an_outlet_missing_in_the_copy_is_asked_for_once(rig):
    """A batch that overtakes RecordsChanged fetches the records before it is judged."""
    outlet, partition = _outlet("ASKED")
    asked = []

    def catch_up() -> bool:
        asked.append(outlet)
        rig.know(_records(outlet))
        return True

    rig.others = take_batch.Neighbours(catch_up=catch_up, history=rig.others.history)
    for hour in range(3):
        rig.take(batch_of([(outlet, (MONDAY + hour) * 3600, {SO2: (200.0, 1.0)})], partition))

    assert len(asked) == 1
    assert [f.count for f in _mine(rig, outlet)] == [3]


def test_two_open_findings_of_one_key_are_refused_by_the_database(rig):
    """The last line of defence behind the judge: a partial unique index."""

    def row(number: int) -> FindingRow:
        return FindingRow(
            finding_id=f"double-{number}", outlet_id="double", rule_id="r", factor="f", revision=1,
            open=True, begin_hour=1, end_hour=2, division="", credit_code="", confidential=False,
            hits=b"", body=b"", picture=b"", inputs="",
        )  # fmt: skip

    with pytest.raises(IntegrityError, match="finding_one_open"), rig.database.transaction() as s:
        store.save_findings(s, [row(1), row(2)])


@pytest.mark.parametrize(
    "harm",
    [
        lambda b: setattr(b, "value", b.value[:-8]),
        lambda b: setattr(b, "series_index", b"\xff\xff\xff\x7f"),
    ],
)
def test_a_batch_whose_columns_do_not_fit_is_rejected_for_good(rig, harm):
    """A broken batch goes to the dead letters at once and writes nothing."""
    outlet, partition = _outlet("BROKEN")
    batch = batch_of([(outlet, MONDAY * 3600, {SO2: (1.0, 1.0)})], partition)
    harm(batch)

    with pytest.raises(InputRejected):
        rig.take(batch)


def test_rows_of_refused_frames_are_no_readings(rig):
    """A frame with a wrong password may carry values; they are not judged."""
    outlet, partition = _outlet("REFUSED")
    rig.know(_records(outlet))
    batch = batch_of([(outlet, MONDAY * 3600, {SO2: (500.0, 1.0)})], partition)
    batch.frames[0].outcome = ingest_pb2.OUTCOME_REFUSED

    rig.take(batch)

    assert _mine(rig, outlet) == []


def _now(hours: float) -> datetime:
    return from_unix(MONDAY * 3600) + timedelta(hours=hours)


def test_silence_waits_until_the_queue_is_drained_and_is_said_once(migrated_db, tmp_path):
    """While a backlog is worked off nobody is silent; afterwards 2 h and 12 h are said once."""
    outlet, partition = _outlet("SILENT")
    rig = Rig(migrated_db("detect"), tmp_path, owner="silence-test")
    rig.know(_records(outlet))
    rig.take(batch_of([(outlet, MONDAY * 3600, {SO2: (50.0, 1.0)})], partition))

    busy = look_for_silence(rig.detector, _now(4), quiet_s=3600)
    looks = [look_for_silence(rig.detector, _now(h), quiet_s=0) for h in (2.5, 4, 4.1, 9, 13.5, 14)]
    rig.take(batch_of([(outlet, (MONDAY + 20) * 3600, {SO2: (50.0, 1.0)})], partition))

    assert busy == 0
    assert looks == [0, 1, 0, 0, 1, 0]
    said = [e.finding for e in _events_of(rig, outlet) if isinstance(e, pb.FindingChanged)]
    assert [(f.statistic, f.state) for f in said] == [
        (2, pb.FINDING_STATE_OPEN), (12, pb.FINDING_STATE_OPEN), (19, pb.FINDING_STATE_CLOSED),
    ]  # fmt: skip
    rig.close()


def test_who_fills_up_history_is_not_silent(migrated_db, tmp_path):
    """Frames of weeks ago arrive this second: not silent, though the newest hour is weeks old."""
    outlet, partition = _outlet("BACKFILL")
    rig = Rig(migrated_db("detect"), tmp_path, owner="back-fill-test")
    rig.know(_records(outlet))
    rig.take(batch_of([(outlet, MONDAY * 3600, {SO2: (50.0, 1.0)})], partition))
    taken = rig.detector.partition(partition)
    taken.last_batch_at -= 100

    sending = look_for_silence(rig.detector, _now(40 * 24), quiet_s=60)
    taken.arrived[outlet] -= 100
    pausing = look_for_silence(rig.detector, _now(40 * 24), quiet_s=60)
    taken.arrived[outlet] -= 600
    stopped = look_for_silence(rig.detector, _now(40 * 24), quiet_s=60)

    assert (sending, pausing, stopped) == (0, 0, 1)
    assert [f.statistic for f in _mine(rig, outlet)] == [39 * 24]
    rig.close()


def test_a_partition_whose_process_is_gone_is_watched_by_the_next(migrated_db, tmp_path):
    """An owner that was not seen for five minutes loses its partitions; a living one does not."""
    rig = Rig(migrated_db("detect"), tmp_path)
    with rig.database.transaction() as session:
        store.claim_partition(session, 901, "gone")
        store.claim_partition(session, 902, "alive")
        row = session.get(store.OwnerRow, 901)
        row.seen_at = datetime.now(UTC) - timedelta(minutes=6)

    with rig.database.transaction() as session:
        mine = store.partitions_to_watch(session, "next", timedelta(minutes=5))

    assert 901 in mine
    assert 902 not in mine
    with rig.database.transaction() as session:
        session.delete(session.get(store.OwnerRow, 901))
        session.delete(session.get(store.OwnerRow, 902))
    rig.close()


def test_the_group_size_of_judging_changes_nothing(migrated_db, tmp_path, monkeypatch):
    """Three outlets one by one or together: the same findings."""
    outlets = [f"91130402MA00000GR{n}-DA001" for n in range(3)]
    records = [r for o in outlets for r in _records(o)]
    frames = [
        (o, (MONDAY + h) * 3600, {SO2: (155.0 + 20 * n + h, float("nan"))})
        for h in range(30) for n, o in enumerate(outlets)
    ]  # fmt: skip
    shown = []
    for size in (64, 1):
        monkeypatch.setattr(judge_outlets, "GROUP", size)
        rig = Rig(migrated_db("detect"), tmp_path / str(size), owner="rig")
        rig.know(records)
        with rig.database.transaction() as session:
            session.query(FindingRow).filter(FindingRow.outlet_id.in_(outlets)).delete()
        rig.take(batch_of(frames, 903 + size))
        shown.append([f for o in outlets for f in _facts(rig, o)])
        rig.close()

    assert shown[0] == shown[1]
    assert [f.rule_id for f in shown[0]].count("hourly_exceedance") == 3


def test_clues_and_findings_of_all_tests_are_consistent(rig):
    """Every finding of every clue exists, is confidential, and belongs to the clue's outlet."""
    with rig.database.transaction() as session:
        clues = list(session.scalars(select(ClueRow)))
        assert session.scalar(select(func.count()).select_from(ClueRow))
        for clue in clues:
            rows = store.rows_by_id(session, clue.finding_ids)
            assert set(rows) == set(clue.finding_ids)
            assert {r.outlet_id for r in rows.values()} == {clue.outlet_id}
            assert all(r.confidential for r in rows.values())

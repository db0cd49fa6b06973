"""The life of marks over a real database, any order of acts, against a slow obvious model.

Clock and acts are the test's own; the code under test is what the door and the bus call.
"""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import pytest
from gmssl_pyx import sm3_hash
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.chassis.clock import BEIJING, to_timestamp
from services.chassis.db import Database
from services.chassis.errors import Conflict, RuleViolated
from services.chassis.pb.ingest.v1 import ingest_pb2, outside_pb2
from services.chassis.pb.ingest.v1 import mark_pb2 as pb
from services.chassis.tables import OutboxRow
from services.ingest import mark_store
from services.ingest.app.decide_mark import decide_mark
from services.ingest.app.freeze_days import freeze_days
from services.ingest.app.keep_outside import keep_outside
from services.ingest.app.leave_marks import leave_marks
from services.ingest.app.submit_mark import Maker, Outlet, submit_mark, withdraw_mark
from services.ingest.domain.marks import MarkTerms, counting
from services.ingest.mark_wire import record_message
from services.ingest.rules import mark_kinds

DAY0 = date(2026, 3, 1)
DAYS = 5
TERMS = MarkTerms()
DIVISION, CREDIT = "130402", "91130402MA0MARK12L"
PROOF = outside_pb2.Media(media_id="p", type="image/png", size=3, sm3=b"\1" * 32)
NUMBERS = itertools.count()


@dataclass(frozen=True)
class Said:
    """A revision as the model has it: hours of DAY0 from 0, [start, end)."""

    start: int
    end: int
    status: str
    at: datetime
    decision: str = ""


class Model:
    """Slow and obvious: for each hour of each day, which revision counts."""

    def __init__(self) -> None:
        self.marks: dict[str, list[Said]] = {}

    def counts(self, mark_id: str, day: int) -> int | None:
        """The number of the revision that counts on a day, None = none."""
        freeze = datetime(2026, 3, 1, 12, tzinfo=BEIJING) + timedelta(days=day + 1)
        best, blocked = None, False
        for number, one in enumerate(self.marks[mark_id], 1):
            if one.status == "rejected":
                best, blocked = number, True
            elif one.decision == "accepted":
                best, blocked = number, False
            elif one.at < freeze and not blocked:
                best = number
        return best

    def hours(self, mark_id: str, number: int | None, day: int) -> set[int]:
        """The hours of a day that a revision marks."""
        if number is None or self.marks[mark_id][number - 1].status != "active":
            return set()
        one = self.marks[mark_id][number - 1]
        return set(range(max(one.start, day * 24), min(one.end, day * 24 + 24)))

    def late(self, mark_id: str, new: Said) -> bool:
        """Whether adding `new` would change an hour of a day whose noon is over."""
        before = self.marks.get(mark_id, [])
        standing = [one for one in before if one.status == "rejected" or one.decision == "accepted"]
        if standing and standing[-1].status == "rejected":
            return True
        trial = Model()
        trial.marks[mark_id] = [*before, new]
        for day in range(DAYS):
            if new.at < datetime(2026, 3, 2, 12, tzinfo=BEIJING) + timedelta(days=day):
                continue
            was = self.hours(mark_id, self.counts(mark_id, day), day) if before else set()
            if trial.hours(mark_id, len(before) + 1, day) != was:
                return True
        return False


class Life(RuleBasedStateMachine):
    """Acts at a growing clock on one outlet, by door and by bus."""

    database: Database

    @initialize()
    def begin(self) -> None:
        """An outlet of its own, so that runs do not meet."""
        self.outlet = Outlet(f"{CREDIT}-DA{next(NUMBERS):05d}", DIVISION, CREDIT, mark_kinds())
        self.now = datetime(2026, 3, 1, 1, tzinfo=BEIJING)
        self.model = Model()
        self.told: list[tuple[str, int, str]] = []
        self.frames: list[bytes] = []
        self.pushed: list[outside_pb2.OutsideBatch] = []

    @rule(minutes=st.integers(1, 20 * 60))
    def time_goes_on(self, minutes: int) -> None:
        """Noon may pass."""
        self.now += timedelta(minutes=minutes)

    @rule(start=st.integers(0, 24 * DAYS - 2), hours=st.integers(1, 30))
    def submit(self, start: int, hours: int) -> None:
        """A new mark: refused where it overlaps one that stands."""
        end = min(start + hours, 24 * DAYS)
        clash = any(
            revisions[-1].status != "withdrawn"
            and revisions[-1].decision != "refused"
            and revisions[-1].start < end
            and start < revisions[-1].end
            for revisions in self.model.marks.values()
        )
        mark_id = f"m{len(self.model.marks)}"
        try:
            self._state(mark_id, start, end, 0)
        except RuleViolated:
            refused = True
        else:
            refused = False
        assert refused == clash

    @precondition(lambda self: self.model.marks)
    @rule(data=st.data(), stale=st.booleans(), shift=st.integers(-6, 6), hours=st.integers(1, 30))
    def revise(self, data: st.DataObject, *, stale: bool, shift: int, hours: int) -> None:
        """The next revision; a stale one is a conflict, whoever sends it."""
        mark_id = data.draw(st.sampled_from(sorted(self.model.marks)))
        revisions = self.model.marks[mark_id]
        start = max(0, revisions[-1].start + shift)
        end = min(start + hours, 24 * DAYS)
        expected = len(revisions) - stale
        if start >= end or (stale and expected == 0):
            return
        try:
            self._state(mark_id, start, end, expected)
        except Conflict:
            assert stale
        except RuleViolated:
            assert not stale  # it would overlap another mark
        else:
            assert not stale or len(self.model.marks[mark_id]) == len(revisions)

    @precondition(lambda self: self.model.marks)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        """Taken back once."""
        mark_id = data.draw(st.sampled_from(sorted(self.model.marks)))
        newest = self.model.marks[mark_id][-1]
        try:
            with self.database.transaction() as session:
                found, repeated, frame = withdraw_mark(
                    session, self._maker(), self.outlet, mark_id=mark_id, proof_ids=[],
                    expected=len(self.model.marks[mark_id]), reason="误标", terms=TERMS,
                )  # fmt: skip
                assert not repeated
                leave_marks(session, [found], [frame], 2)
        except RuleViolated:
            assert newest.status != "active"
        else:
            assert newest.status == "active"
            self._added(
                mark_id, replace(newest, status="withdrawn", at=self.now, decision=""), found
            )

    @precondition(lambda self: self.model.marks)
    @rule(data=st.data(), verdict=st.sampled_from(["accepted", "refused", "rejected"]))
    def decide(self, data: st.DataObject, verdict: str) -> None:
        """Only what is late is accepted or refused, once; only what is active is rejected."""
        mark_id = data.draw(st.sampled_from(sorted(self.model.marks)))
        revisions = self.model.marks[mark_id]
        newest, number = revisions[-1], len(revisions)
        self.model.marks[mark_id] = revisions[:-1]
        late = newest.status != "rejected" and self.model.late(
            mark_id, replace(newest, decision="")
        )
        self.model.marks[mark_id] = revisions
        words = {"accepted": pb.MARK_VERDICT_ACCEPT, "refused": pb.MARK_VERDICT_REFUSE,
                 "rejected": pb.MARK_VERDICT_REJECT}  # fmt: skip
        try:
            with self.database.transaction() as session:
                found, frame = decide_mark(
                    session, self._maker("王执法"), self.outlet, mark_id=mark_id,
                    revision=number, verdict=words[verdict], reason="经核实",
                )  # fmt: skip
                leave_marks(session, [found], [frame], 2)
        except Conflict:
            assert newest.decision
        except RuleViolated:
            assert newest.status != "active" if verdict == "rejected" else not late
        else:
            if verdict == "rejected":
                assert newest.status == "active"
                self._added(mark_id, replace(newest, status="rejected", at=self.now, decision=""),
                            found)  # fmt: skip
            else:
                assert late
                assert not newest.decision
                revisions[-1] = replace(newest, decision=verdict)
                self.told.append((mark_id, number, verdict))

    @rule(data=st.data(), start=st.integers(0, 24 * DAYS - 2), hours=st.integers(1, 30))
    def push(self, data: st.DataObject, start: int, hours: int) -> None:
        """A platform pushes the next revision of any mark, overlapping or not: it is kept."""
        names = [*sorted(self.model.marks), f"m{len(self.model.marks)}"]
        mark_id = data.draw(st.sampled_from(names))
        number = len(self.model.marks.get(mark_id, [])) + 1
        end = min(start + hours, 24 * DAYS)
        item = outside_pb2.OutsideItem(
            place=outside_pb2.Place(outlet_id=self.outlet.outlet_id),
            mark=self._mark(mark_id, start, end, revision=number, status=1, reason="平台推送"),
        )
        raw = item.SerializeToString(deterministic=True)
        entry = outside_pb2.OutsideEntry(
            raw=raw, sm3=sm3_hash(raw), division=DIVISION, credit_code=CREDIT,
            received_at_us=int(self.now.timestamp() * 1e6), peer="grpc:p:s", correlation_id="c",
        )  # fmt: skip
        batch = outside_pb2.OutsideBatch(batch_id=str(len(self.pushed)), entries=[entry])
        self.pushed.append(batch)
        self._deliver(batch)
        self.model.marks.setdefault(mark_id, []).append(Said(start, end, "active", self.now))
        self.told.append((mark_id, number, ""))

    @precondition(lambda self: self.pushed)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        """The bus delivers at least once: nothing changes, nothing is told again."""
        self._deliver(data.draw(st.sampled_from(self.pushed)))

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        """Revisions, what counts on each day, and what is late."""
        with self.database.transaction() as session:
            places = [(self.outlet.outlet_id, mark_id) for mark_id in self.model.marks]
            found = mark_store.revisions_of(session, places)
        for mark_id, revisions in self.model.marks.items():
            kept = found[self.outlet.outlet_id, mark_id]
            assert [one.row.revision for one in kept] == list(range(1, len(revisions) + 1))
            assert [one.row.status for one in kept] == [one.status for one in revisions]
            for day in range(DAYS):
                one = counting([k.kept for k in kept], DAY0 + timedelta(days=day), TERMS)
                number = one.mark.revision if one else None
                assert number == self.model.counts(mark_id, day), (mark_id, day)

    def teardown(self) -> None:
        """Each revision and each decision was told once; each mark of the door left one frame."""
        if not hasattr(self, "outlet"):
            return
        told, frames = [], []
        with self.database.transaction() as session:
            rows = session.execute(text("DELETE FROM outbox RETURNING type_name, body")).all()
        for name, body in rows:
            if name == ingest_pb2.ReadingBatch.DESCRIPTOR.full_name:
                batch = ingest_pb2.ReadingBatch.FromString(body)
                frames += [frame.raw for frame in batch.frames]
            else:
                for record in pb.MarksChanged.FromString(body).records:
                    words = {0: "", 1: "accepted", 2: "refused"}
                    told.append((record.mark.mark_id, record.mark.revision, words[record.decision]))
        assert sorted(told) == sorted(self.told)
        assert sorted(frames) == sorted(self.frames)

    def _maker(self, name: str = "刘工") -> Maker:
        return Maker("u", name, "console", self.now)

    def _mark(self, mark_id: str, start: int, end: int, **fields: object) -> outside_pb2.Mark:
        first = datetime(2026, 3, 1, tzinfo=BEIJING)
        return outside_pb2.Mark(
            mark_id=mark_id, family=outside_pb2.MARK_FAMILY_MAINTENANCE,
            start=to_timestamp(first + timedelta(hours=start)),
            end=to_timestamp(first + timedelta(hours=end)),
            proof_ids=["p"], proofs=[PROOF], **{"reason": "校准", **fields},  # type: ignore[arg-type]
        )  # fmt: skip

    def _state(self, mark_id: str, start: int, end: int, expected: int) -> None:
        draft = self._mark(mark_id, start, end)
        with self.database.transaction() as session:
            found, repeated, frame = submit_mark(
                session, self._maker(), self.outlet, draft, expected=expected, terms=TERMS
            )
            if not repeated:
                leave_marks(session, [found], [frame], 2)
        if not repeated:
            self._added(mark_id, Said(start, end, "active", self.now), found)

    def _added(self, mark_id: str, said: Said, found: mark_store.FoundMark) -> None:
        late = said.status != "rejected" and self.model.late(mark_id, said)
        assert found.row.late == late
        self.model.marks.setdefault(mark_id, []).append(said)
        self.told.append((mark_id, len(self.model.marks[mark_id]), ""))
        self.frames.append(found.raw)
        assert record_message(found).sm3 == sm3_hash(found.raw)

    def _deliver(self, batch: outside_pb2.OutsideBatch) -> None:
        with self.database.transaction() as session:
            keep_outside(session, batch)


@pytest.fixture(scope="module")
def database(migrated_db) -> Iterator[Database]:
    """An empty ingest database."""
    made = Database(migrated_db("ingest"), "ingest")
    with made.transaction() as session:
        session.query(OutboxRow).delete()
    yield made
    made.engine.dispose()


def test_marks_live_as_the_model_says(database: Database) -> None:
    """Any order of submitting, revising, taking back, deciding, pushing and repeating."""
    Life.database = database
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            deadline=None,
            phases=(Phase.explicit, Phase.generate),  # shrinking over a database takes minutes
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_rows_are_evidence(database: Database) -> None:
    """The service's own role may add decisions, proofs and frozen days, never change them."""
    for table in ("mark", "mark_decision", "mark_proof", "mark_freeze"):
        with pytest.raises(ProgrammingError, match="denied"), database.transaction() as session:
            session.execute(text(f"DELETE FROM {table}"))


def test_a_freeze_makes_up_for_what_was_missed_and_happens_once(database: Database) -> None:
    """Yesterday at first, every missed day in order later, each told once whoever looks again."""
    told: list[str] = []

    def look(now: datetime) -> list[str]:
        with database.transaction() as session:
            days = [day.isoformat() for day in freeze_days(session, TERMS, now)]
            rows = session.execute(text("DELETE FROM outbox RETURNING outbox_id, body")).all()
        told.extend(pb.DayFrozen.FromString(body).day for _, body in sorted(rows))
        return days

    noon = datetime(2026, 3, 10, 12, tzinfo=BEIJING)
    assert look(noon) == ["2026-03-09"]
    assert look(noon + timedelta(hours=23, minutes=59)) == []
    assert look(noon + timedelta(days=3)) == ["2026-03-10", "2026-03-11", "2026-03-12"]
    assert look(noon + timedelta(days=3)) == []
    with ThreadPoolExecutor(4) as pool:
        later = list(pool.map(look, [noon + timedelta(days=5)] * 4))

    assert sorted(day for days in later for day in days) == ["2026-03-13", "2026-03-14"]
    assert told[:4] == ["2026-03-09", "2026-03-10", "2026-03-11", "2026-03-12"]
    assert sorted(told[4:]) == ["2026-03-13", "2026-03-14"]

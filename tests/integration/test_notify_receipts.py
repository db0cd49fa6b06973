"""Answers and receipts in every order, on a real PostgreSQL without a wire."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from services.chassis.clock import utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.notify.app.apply_people import apply_people
from services.notify.app.hand_over import (
    MAX_ATTEMPTS,
    claim_texts,
    give_back,
    note_answer,
    note_lost,
)
from services.notify.app.request_notice import request_notice
from services.notify.app.take_receipt import take_receipt
from services.notify.gateway import Answer, Receipt
from services.notify.lease import Lease
from services.notify.settings import policy, templates
from services.notify.store import SendingRow
from services.notify.wire import notice_of
from tests.integration.notify_rig import notice, people

GATE = "smpp:test"
TABLES = "sendings, submissions, receipts, leases, people, duties, outbox, inbox, due"
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


class Desk:
    """The database of notify and the lease of one sender."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, "notify")
        self.lease = Lease(self.database, GATE, "tester", timedelta(minutes=5))
        assert self.lease.hold()

    def run(self, what, *args: object, **kw: object):
        """A use case in a transaction of its own."""
        with self.database.transaction() as session:
            return what(session, *args, **kw)

    def ask(self, cause: str = "c1", **changes: object) -> None:
        """A notice to the plant's manager at noon."""
        event = notice(cause, **changes)
        event.event_time.FromDatetime(NOON)
        self.run(request_notice, notice_of(event), templates=templates(), policy=policy(), now=NOON)

    def claim(self, room: int = 10):
        """What the sender would put on the wire."""
        return self.run(claim_texts, self.lease, NOON, room)

    def answer(self, submission_id: int, status: int = 0, message_id: str = "g1") -> None:
        """The gateway's answer."""
        answer = Answer(submission_id, status, message_id if not status else "", status == 0x58)
        self.run(note_answer, answer, NOON)

    def receipt(self, message_id: str = "g1", state: str = "DELIVRD", reference: int = 0) -> None:
        """A receipt for the manager's phone."""
        self.run(take_receipt, GATE, Receipt(1, message_id, state, "19900000001", reference), NOON)

    def lose(self) -> int:
        """The line broke."""
        return self.run(note_lost, GATE, self.lease.epoch, NOON)

    def row(self, cause: str = "c1") -> SendingRow:
        """The sending of a cause."""
        return self.run(lambda s: s.query(SendingRow).filter_by(cause_id=cause).one())

    def outcomes(self) -> int:
        """How many outcomes were told."""
        with self.database.transaction() as session:
            return session.connection().exec_driver_sql("SELECT count(*) FROM outbox").scalar()


@pytest.fixture
def desk(migrated_db, monkeypatch):
    """Empty tables and one known manager."""
    url = migrated_db("notify")
    with psycopg.connect(url) as owner:
        owner.execute("SET search_path TO notify")
        owner.execute(f"TRUNCATE {TABLES}")
    made = Desk(url)
    made.run(apply_people, people().records)
    yield made
    made.database.engine.dispose()


def test_a_receipt_that_overtakes_the_answer_is_not_lost(desk):
    """Receipt first, answer second: delivered with the answer."""
    desk.ask()
    (part,) = desk.claim()

    desk.receipt()
    assert desk.row().state == "sending"
    desk.answer(part.submission_id)

    assert desk.row().state == "delivered"


def test_a_receipt_that_comes_twice_changes_and_tells_nothing_more(desk):
    """Sent, delivered: two outcomes; the second receipt adds none, nor does a contrary one."""
    desk.ask()
    (part,) = desk.claim()
    desk.answer(part.submission_id)
    desk.receipt()
    told = desk.outcomes()

    desk.receipt()
    desk.receipt(state="UNDELIV")

    assert (desk.row().state, desk.outcomes(), told) == ("delivered", 2, 2)


def test_an_undelivered_part_fails_the_text_and_states_on_the_way_do_nothing(desk):
    """ENROUTE and ACCEPTD are no end; UNDELIV is."""
    desk.ask()
    (part,) = desk.claim()
    desk.answer(part.submission_id)

    for state in ("ENROUTE", "ACCEPTD", ""):
        desk.receipt(state=state)
    assert desk.row().state == "sent"
    desk.receipt(state="EXPIRED")

    assert desk.row().state == "failed"


def test_a_long_text_is_delivered_with_its_last_part(desk):
    """One receipt of two is not enough; a busy answer to part 2 sends part 2 alone again."""
    desk.ask(item="长" * 24, plant="名称较长的热电公司", number="督〔2026〕130402-0001")
    first, second = desk.claim()
    desk.answer(first.submission_id, message_id="g1")
    desk.answer(second.submission_id, status=0x58)
    assert desk.row().state == "queued"
    assert desk.claim() == []  # the gateway is left alone for a second
    desk.run(lambda s: s.query(SendingRow).update({"not_before": NOON}))

    (again,) = desk.claim()
    assert again.octets == second.octets
    desk.answer(again.submission_id, message_id="g2")
    desk.receipt("g1")
    assert desk.row().state == "sent"
    desk.receipt("g2")

    assert desk.row().state == "delivered"


@pytest.mark.parametrize("echoed", [True, False])
def test_a_lost_answer_is_settled_by_the_receipt(desk, echoed):
    """By our reference where the gateway echoes it, else because one text to that phone waits."""
    desk.ask()
    (part,) = desk.claim()
    assert desk.lose() == 1
    assert desk.row().state == "uncertain"
    assert desk.claim() == []

    desk.receipt("late", reference=part.submission_id & 0xFFFF if echoed else 0)

    assert desk.row().state == "delivered"


def test_a_receipt_that_could_mean_two_texts_settles_none(desk):
    """Two uncertain texts to one phone and no reference: both go on waiting."""
    desk.ask("c1", item="一")
    desk.ask("c2", item="二")
    desk.claim()
    desk.lose()

    desk.receipt("late")

    assert (desk.row("c1").state, desk.row("c2").state) == ("uncertain", "uncertain")


def test_an_urgent_text_is_repeated_a_few_times_and_then_waits(desk):
    """Marked from the first repetition on; not for ever."""
    desk.ask(level=1)
    for _ in range(MAX_ATTEMPTS):
        assert len(desk.claim()) == 1
        desk.lose()
    assert desk.claim() == []

    row = desk.row()
    assert (row.state, row.possibly_repeated, row.attempts) == ("uncertain", True, MAX_ATTEMPTS)


def test_a_part_that_was_never_written_goes_back_to_the_queue(desk):
    """The line broke before it: nothing is uncertain, nothing is marked."""
    desk.ask()
    (part,) = desk.claim()
    desk.run(give_back, [part.submission_id], NOON)

    assert desk.lose() == 0
    assert (desk.row().state, desk.row().possibly_repeated) == ("queued", False)
    assert len(desk.claim()) == 1


def test_a_sender_whose_lease_is_gone_claims_nothing(desk):
    """Another holder took over; the old epoch gets no text, the new one does."""
    desk.ask()
    other = Lease(desk.database, GATE, "other", timedelta(minutes=5))
    assert not other.hold()
    desk.run(
        lambda s: s.connection().exec_driver_sql(
            "UPDATE leases SET expires_at = now() - interval '1 s'"
        )
    )
    assert other.hold()

    assert desk.claim() == []
    assert len(desk.run(claim_texts, other, NOON, 5)) == 1
    assert other.epoch == desk.lease.epoch + 1


def test_urgent_texts_go_first_and_the_room_is_kept(desk):
    """Level before age; no more than there is room for."""
    for n in range(3):
        desk.ask(f"n{n}", item=f"甲{n}")
    desk.ask("u", level=1, item="急")

    desk.claim(room=2)

    assert desk.row("u").state == "sending"
    assert [desk.row(f"n{n}").state for n in range(3)] == ["sending", "queued", "queued"]


@pytest.mark.parametrize(
    "wrong", [{"template": "press"}, {"level": 0}, {"cause_id": ""}, {"plant": "http://x"}]
)
def test_a_notice_with_a_fault_is_rejected_and_writes_nothing(desk, wrong):
    """Unknown template, no level, no cause, a link."""
    event = notice("c1")
    for name, value in wrong.items():
        if name == "plant":
            event.parameters["plant"] = value
        else:
            setattr(event, name, value)

    with pytest.raises(InputRejected):
        desk.run(
            request_notice, notice_of(event), templates=templates(), policy=policy(), now=utc_now()
        )
    assert desk.run(lambda s: s.query(SendingRow).count()) == 0


def test_an_older_record_of_a_person_does_not_undo_a_newer_one(desk):
    """Order and repetition of registry events do not matter; a deleted person is told nothing."""
    newer = people()
    for record in newer.records:
        record.revision += 10
        record.deleted = True
    desk.run(apply_people, newer.records)
    desk.run(apply_people, people().records)

    desk.ask()

    assert desk.row().state == "failed"
    assert desk.row().reason.startswith("no_recipient")

"""Clocks, returns and reroutes of a referral on a real PostgreSQL; duplicates on a real bus."""

import datetime as dt

import psycopg
import pytest
from sqlalchemy import select

from services.chassis.clock import BEIJING, to_timestamp
from services.chassis.db import Database
from services.chassis.due import handle_one
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated, Unavailable
from services.chassis.identity import Actor, Role
from services.chassis.pb.cases.v1 import cases_pb2
from services.chassis.pb.referral.v1 import referral_pb2
from services.chassis.replica import apply_records
from services.chassis.tables import DueRow, OutboxRow
from services.referral import store
from services.referral.app.act_on_referral import act_on_referral
from services.referral.app.find_referrals import list_referrals, visible_referral
from services.referral.app.freeze_bundle import bundle_parts
from services.referral.app.open_referral import open_referral
from services.referral.app.record_step import CLOCK, breach_clock
from services.referral.domain import chain
from tests.integration import cases_rig as cr
from tests.integration.test_referral_walk import OTHER_POLICE, POLICE, PROCURATOR, agencies

NOW = dt.datetime(2026, 11, 20, 10, tzinfo=BEIJING)  # a Friday
MAIN = Actor("u-leader", Role.LEADER, cr.COUNTY, name="负责人", officer_id="o-leader")


class Desk:
    """A database with one referral in it."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, "referral")
        self.now = NOW

    def run(self, what, *args: object, **kw: object):
        """A use case in a transaction of its own."""
        with self.database.transaction() as session:
            return what(session, *args, **kw)

    def request(self, matter: str = "m1", division: str = cr.COUNTY) -> None:
        """The event of an approved case."""
        event = cases_pb2.ReferralRequested(
            matter_id=matter, number="案1", outlet_id=cr.OUTLET, credit_code=cr.PLANT,
            division=division, charge="338", requested_by="o-wang",
            requested_at=to_timestamp(NOW), approved_at=to_timestamp(NOW), approved_by="o-leader",
        )  # fmt: skip
        self.run(open_referral, event, self.now)

    def row(self) -> store.ReferralRow:
        """The one referral."""
        return self.run(lambda s: s.scalars(select(store.ReferralRow)).one())

    def set_state(self, state: str) -> None:
        """Skip the way that another test walks."""

        def put(session):
            session.scalars(select(store.ReferralRow)).one().state = state

        self.run(put)

    def act(self, who: Actor, act: str, reason: str = "因", **fields: str) -> None:
        """Act on it."""
        referral_id = self.row().referral_id

        def take(session):
            row = visible_referral(session, who, "referrals.act", referral_id, lock=True)
            act_on_referral(
                session,
                row,
                who,
                act,
                fields=fields,
                reason=reason,
                expected_version=0,
                now=self.now,
            )

        self.run(take)

    def clock(self, key: str) -> store.ClockRow:
        """The latest clock of a key."""
        found = self.run(store.clocks, self.row().referral_id)
        return [one for one in found if one.key == key][-1]

    def tick(self, now: dt.datetime) -> int:
        """Handle every clock that is due at a moment, as the service's timer does."""
        done = 0
        handle = lambda session, row: breach_clock(session, row.key, now)  # noqa: E731
        while handle_one(self.database, CLOCK, now, handle):
            done += 1
        return done

    def sent(self, kind) -> list:
        """Events in the outbox."""
        name = kind.DESCRIPTOR.full_name
        query = select(OutboxRow).where(OutboxRow.type_name == name).order_by(OutboxRow.outbox_id)
        return [kind.FromString(row.body) for row in self.run(lambda s: s.scalars(query).all())]

    def acts(self) -> list[str]:
        """The acts of the history."""
        return [r.line["act"] for r in self.run(store.history, self.row().referral_id)]


@pytest.fixture
def desk(migrated_db):
    """An empty schema with plant, people and agencies."""
    url = migrated_db("referral")
    with psycopg.connect(url) as owner:
        owner.execute("SET search_path TO referral")
        owner.execute("TRUNCATE referrals, referral_events, referral_clocks, numbers")
        owner.execute("TRUNCATE outbox, inbox, due, registry_copy")
    made = Desk(url)
    made.run(apply_records, agencies().records)
    made.request()
    yield made
    made.database.engine.dispose()


def test_a_second_request_of_the_same_case_opens_nothing(desk):
    """However often it comes: one row, one number, one clock, one freezing."""
    desk.request()
    desk.request()

    assert desk.row().number == "移〔2026〕130402-0001"
    assert desk.acts() == ["request"]
    due = desk.run(lambda s: sorted(row.kind for row in s.scalars(select(DueRow))))
    assert due == ["clock", "freeze"]


def test_numbers_count_within_division_and_year(desk):
    """The next case of the county gets the next number."""
    desk.request("m2")

    numbers = desk.run(lambda s: sorted(s.scalars(select(store.ReferralRow.number))))
    assert numbers == ["移〔2026〕130402-0001", "移〔2026〕130402-0002"]


def test_a_place_without_a_known_police_unit_waits(desk):
    """The registry's event may come later: retried, not lost."""
    with pytest.raises(Unavailable):
        desk.request("m3", division="140100")


def test_a_missed_hand_over_is_noted_once_and_told(desk):
    """24 hours run through the weekend; a second tick finds nothing; late handing over works."""
    end = NOW + dt.timedelta(hours=24)
    assert desk.tick(end - dt.timedelta(seconds=1)) == 0
    assert desk.tick(end) == 1
    assert desk.tick(end + dt.timedelta(days=9)) == 0

    assert desk.clock("crime_hand_over").state == "breached"
    assert desk.acts() == ["request", "overdue"]
    notices = [n for n in desk.sent(cases_pb2.NoticeRequested) if n.template == "clock_breached"]
    assert [(r.kind, r.key) for r in notices[0].recipients] == [("officer", "o-wang")]
    assert len(notices) == 1

    desk.set_state("prepared")
    desk.act(cr.WANG, "hand_over")
    clock = desk.clock("crime_hand_over")
    assert (clock.state, clock.ended_at is not None) == ("breached", True)


def test_a_refusal_that_nobody_contests_becomes_final_by_itself(desk):
    """Three working days over the weekend; then the outcome flows back to the case."""
    desk.set_state("accepted")
    desk.act(POLICE, "refuse", decision_number="不1")
    until = dt.datetime(2026, 11, 26, tzinfo=BEIJING)
    assert desk.clock("crime_reconsider").due_at == until

    desk.tick(until)

    assert (desk.row().state, desk.row().outcome) == ("not_filed", "not_filed")
    assert "lapse" in desk.acts()
    last = desk.sent(referral_pb2.ReferralChanged)[-1].referral
    assert last.outcome == "not_filed"


def test_reconsideration_in_time_keeps_the_refusal_open(desk):
    """The sender's clock stops, the police's starts, and a late tick of the first does nothing."""
    desk.set_state("accepted")
    desk.act(POLICE, "refuse", decision_number="不1")
    desk.act(MAIN, "ask_reconsideration")
    desk.tick(dt.datetime(2026, 11, 25, 12, tzinfo=BEIJING))

    assert desk.row().state == "reconsidering"
    assert desk.row().outcome == ""
    assert desk.clock("crime_reconsider").state == "satisfied"
    assert desk.clock("crime_reconsider_decide").state == "running"


def test_an_extension_moves_the_deadline_and_its_alarm(desk):
    """Seven days for clues that need checking, from the acceptance; the old alarm is gone."""
    desk.set_state("received")
    desk.act(POLICE, "accept")
    assert desk.clock("crime_decide").due_at == dt.datetime(2026, 11, 24, tzinfo=BEIJING)

    desk.act(POLICE, "extend_decision", kind="check_clues")

    assert desk.clock("crime_decide").due_at == dt.datetime(2026, 11, 28, tzinfo=BEIJING)
    desk.tick(dt.datetime(2026, 11, 25, tzinfo=BEIJING))
    assert desk.clock("crime_decide").state == "running"


def test_a_rerouted_file_moves_to_the_other_unit_and_away_from_the_first(desk):
    """The new unit receives it, the old one no longer sees it; other agencies are refused."""
    desk.set_state("received")
    for wrong in ("police-130400", "procuratorate-130400", "nobody"):
        with pytest.raises(InputRejected):
            desk.act(POLICE, "reroute", agency=wrong)

    desk.act(POLICE, "reroute", agency="police-130100")

    assert (desk.row().state, desk.row().police_agency_name) == (
        "handed_over",
        "石家庄市公安局环安支队",
    )
    with pytest.raises(NotFound):
        desk.act(POLICE, "receive")
    desk.act(OTHER_POLICE, "receive")
    assert desk.row().state == "received"


def test_a_returned_file_ends_with_its_reason(desk):
    """The reason is asked for and flows back as the outcome's reason."""
    desk.set_state("received")
    with pytest.raises(RuleViolated):
        desk.act(POLICE, "return_file", reason="")
    desk.act(POLICE, "return_file", reason="不属于公安机关管辖")

    row = desk.row()
    assert (row.outcome, row.outcome_reason) == ("returned", "不属于公安机关管辖")


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        (POLICE, True),
        (PROCURATOR, True),
        (cr.WANG, True),
        (Actor("x", Role.LEADER, "130000"), True),
        (OTHER_POLICE, False),
        (cr.NEIGHBOUR, False),
        (Actor("x", Role.PROCURATOR, "130100"), False),
        (Actor("x", Role.POLICE, ""), None),
        (cr.MANAGER, None),
        (Actor("x", Role.OPERATOR, "130000"), None),
        (Actor("x", Role.PLATFORM, "130000"), None),
    ],
)
def test_each_side_sees_what_its_jurisdiction_holds(desk, who, sees):
    """Lists and single reads agree; roles without a part in it are refused outright."""
    desk.set_state("handed_over")
    ask = {"state": "open", "matter_id": "", "page": "", "size": 10}
    if sees is None:
        with pytest.raises(Forbidden):
            desk.run(list_referrals, who, **ask)
    else:
        assert bool(desk.run(list_referrals, who, **ask)) == sees
    if sees:
        desk.run(visible_referral, who, "referrals.read", desk.row().referral_id)
    else:
        with pytest.raises(NotFound):
            desk.run(visible_referral, who, "referrals.read", desk.row().referral_id)


def test_the_history_is_chained_and_a_damaged_bundle_is_not_handed_out(desk, tmp_path):
    """Each line's digest follows the one before; a file that changed on disk is refused."""
    desk.tick(NOW + dt.timedelta(hours=24))
    rows = desk.run(store.history, desk.row().referral_id)
    lines = [{**row.line, "digest_sm3": row.digest.hex()} for row in rows]
    assert chain.first_break(lines) is None
    lines[0]["reason"] = "改"
    assert chain.first_break(lines) == 1

    row = desk.row()
    with pytest.raises(RuleViolated, match="not frozen"):
        bundle_parts(row, tmp_path, 10)
    row.bundle_name, row.bundle_sm3 = "b.zip", bytes(32)
    with pytest.raises(RuleViolated, match="missing"):
        bundle_parts(row, tmp_path, 10)
    (tmp_path / "b.zip").write_bytes(b"changed")
    with pytest.raises(RuleViolated, match="not what was frozen"):
        bundle_parts(row, tmp_path, 10)

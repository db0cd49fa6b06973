"""Rule packs over real gRPC and PostgreSQL: two persons, a report, one event, a way back."""

import concurrent.futures
import datetime as dt
import hashlib
import json
import subprocess
import sys

import grpc
import pytest
import sqlalchemy.exc
from sqlalchemy import func, select, text

from services.chassis.clock import utc_now
from services.chassis.db import Database
from services.chassis.errors import Conflict, Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.grpc_host import bearer, client_channel, error_from
from services.chassis.identity import Actor, Role, Tokens, create_token_key
from services.chassis.pb.detect.v1 import pack_pb2 as pb
from services.chassis.pb.detect.v1 import pack_pb2_grpc
from services.chassis.tables import OutboxRow
from services.detect.app import propose_pack
from services.detect.app.propose_pack import record_shipped
from services.detect.packs import store
from services.detect.packs.load import load_pack, shipped_pack
from services.detect.packs.pack import digest
from tests.integration.detect_rig import free_port

WHO = {
    "leader": Actor("leader.130000", Role.LEADER, "130000", name="邵牧野"),
    "operator": Actor("operator", Role.OPERATOR, "130000", name="维"),
    "officer": Actor("officer1.130000", Role.OFFICER, "130000", name="沈"),
    "city": Actor("leader.130400", Role.LEADER, "130400", name="赵"),
    "plant": Actor("plant", Role.ENTERPRISE, "", "91130402MA000DOOR1", name="厂"),
}


def report_of(files: dict[str, bytes], items: int = 3) -> bytes:
    """A difference report about a pack, as far as the door looks into it."""
    return json.dumps({"new": {"sha256": digest(files).hex()}, "items": items}).encode()


def read(report: bytes) -> bytes:
    """The digest that an approver states."""
    return hashlib.sha256(report).digest()


def changed(version: str, near: str = "0.8") -> dict[str, bytes]:
    """The shipped pack with another version and another warning share."""
    files = dict(shipped_pack().files)
    files["pack.yaml"] = f'id: base\nversion: "{version}"\ntitle: 试验\n'.encode()
    old = files["warnings.yaml"].decode()
    files["warnings.yaml"] = old.replace("near_share: 0.9", f"near_share: {near}").encode()
    return files


class Door:
    """A running doors process, its client, and the database behind it."""

    def __init__(self, address: str, tokens: Tokens, database: Database) -> None:
        self._stub = pack_pb2_grpc.PackServiceStub(client_channel(address))
        self._tokens = tokens
        self.database = database

    def call(self, who: str, method: str, **fields):
        """Call as somebody; the platform's own errors come back."""
        request = getattr(pb, f"{method}Request")(**fields)
        metadata = bearer(self._tokens.issue(WHO[who])[0])
        try:
            return getattr(self._stub, method)(request, metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            raise error_from(error) from error

    def propose(self, version: str, *, who="leader", since="2026-12-01", report=None) -> str:
        """A proposal's id; with a report about the pack unless told otherwise."""
        files = changed(version)
        answer = self.call(
            who, "ProposePack", files=files, applies_from=since, reason="试验",
            report=report_of(files) if report is None else report,
        )  # fmt: skip
        return answer.proposal.proposal_id

    def approve(self, who: str, proposal_id: str):
        """Read the report there is, and approve."""
        proposal = self.call(who, "GetProposal", proposal_id=proposal_id).proposal
        return self.call(
            who, "ApproveProposal", proposal_id=proposal_id, report_sha256=read(proposal.report)
        )

    def activate(self, version: str, since: str) -> None:
        """Both persons' part."""
        proposal = self.propose(version, since=since)
        self.approve("operator", proposal)

    def events(self) -> list[pb.PackActivated]:
        """What went into the outbox."""
        with self.database.transaction() as session:
            bodies = session.scalars(
                select(OutboxRow.body)
                .where(OutboxRow.type_name == "farsight.detect.v1.PackActivated")
                .order_by(OutboxRow.outbox_id)
            )
            return [pb.PackActivated.FromString(body) for body in bodies]


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory):
    """A doors process on a fresh database after the first start of detect."""
    folder, url = tmp_path_factory.mktemp("packs_door"), migrated_db("detect")
    create_token_key(folder / "token.jwk")
    address = f"127.0.0.1:{free_port()}"
    environment = {
        "DATABASE_URL": url, "FARSIGHT_TOKEN_KEY": str(folder / "token.jwk"),
        "FARSIGHT_GRPC_BIND": address, "FARSIGHT_PROBE_BIND": f"127.0.0.1:{free_port()}",
        "PATH": "/usr/bin:/bin",
    }  # fmt: skip
    command = [sys.executable, "-m", "services.chassis.doors", "detect"]
    process = subprocess.Popen(command, env=environment)
    database = Database(url, "detect")
    try:
        with database.transaction() as session:
            record_shipped(session, utc_now())
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(timeout=60)
        yield Door(address, Tokens(folder / "token.jwk"), database)
    finally:
        process.terminate()
        process.wait(30)
        database.engine.dispose()


def test_the_first_start_activates_the_shipped_pack_once(door: Door) -> None:
    """Every process records it at its start; there is one activation, from before all data."""
    with door.database.transaction() as session:
        record_shipped(session, utc_now())
    answer = door.call("officer", "GetTimeline")

    (only,) = answer.timeline
    assert (only.pack_id, only.version) == (shipped_pack().id, shipped_pack().version)
    assert only.applies_from == "1900-01-01"
    assert bytes(only.sha256) == shipped_pack().sha256
    assert list(answer.decisions) == [only]


def test_two_persons_activate_and_everybody_is_told_once(door: Door) -> None:
    """Proposed, read, approved: the timeline grows, one event holds timeline, files, triggers."""
    before = len(door.events())
    proposal = door.propose("2", since="2026-12-01")
    seen = door.call("operator", "GetProposal", proposal_id=proposal).proposal
    answer = door.call(
        "operator", "ApproveProposal", proposal_id=proposal, report_sha256=seen.report_sha256
    )
    with pytest.raises(Conflict):
        door.approve("operator", proposal)

    assert seen.report == report_of(changed("2"))
    assert answer.proposal.state == pb.PROPOSAL_STATE_APPROVED
    assert (answer.activation.proposed_by, answer.activation.approved_by) == (
        "leader.130000",
        "operator",
    )
    (event,) = door.events()[before:]
    assert [one.version for one in event.timeline] == [shipped_pack().version, "2"]
    assert dict(event.pack.files) == changed("2")
    with door.database.transaction() as session:
        timeline = store.timeline(session)
    assert timeline.newest.warnings[0].near_share == 0.8
    assert timeline.at(0).version == shipped_pack().version


@pytest.mark.parametrize("who", ["leader", "officer", "city", "plant"])
def test_the_same_person_and_strangers_cannot_approve(door: Door, who: str) -> None:
    """The proposer is refused by name; an officer, a city and a plant have no right at all."""
    proposal = door.propose(f"same-{who}")
    expected = RuleViolated if who == "leader" else Forbidden

    stated = read(report_of(changed(f"same-{who}")))
    with pytest.raises(expected):
        door.call(who, "ApproveProposal", proposal_id=proposal, report_sha256=stated)
    state = door.call("leader", "GetProposal", proposal_id=proposal).proposal.state
    assert state == pb.PROPOSAL_STATE_OPEN


def test_nothing_is_approved_without_the_report_that_was_read(door: Door) -> None:
    """No report, an unread report, a newer report, and a report by the approver: all refused."""
    bare, files = door.propose("bare", report=b""), changed("bare")
    with pytest.raises(RuleViolated, match="difference report"):
        door.approve("operator", bare)
    door.call("leader", "AttachReport", proposal_id=bare, report=report_of(files))
    with pytest.raises(RuleViolated, match="read the newest report"):
        door.call("operator", "ApproveProposal", proposal_id=bare)
    door.call("operator", "AttachReport", proposal_id=bare, report=report_of(files, 4))
    with pytest.raises(RuleViolated, match="cannot approve"):
        door.approve("operator", bare)
    about_another = report_of(changed("another"))
    for report in (b"[]", b"{", b"no", b'{"items": 1}', about_another):
        with pytest.raises(InputRejected):
            door.call("leader", "AttachReport", proposal_id=bare, report=report)


def test_a_refused_proposal_stays_refused(door: Door) -> None:
    """With a reason; afterwards neither approval nor a new report moves it."""
    proposal = door.propose("refused")
    with pytest.raises(InputRejected):
        door.call("operator", "RefuseProposal", proposal_id=proposal)
    door.call("operator", "RefuseProposal", proposal_id=proposal, reason="依据不足")

    for method, fields in (
        ("ApproveProposal", {"report_sha256": read(report_of(changed("refused")))}),
        ("RefuseProposal", {"reason": "再次"}),
        ("AttachReport", {"report": report_of(changed("refused"))}),
    ):
        with pytest.raises(Conflict):
            door.call("operator", method, proposal_id=proposal, **fields)
    refused = door.call("officer", "ListProposals", state=pb.PROPOSAL_STATE_REFUSED).proposals
    assert [one.decision_reason for one in refused] == ["依据不足"]


def test_a_broken_pack_and_a_changed_version_are_refused(door: Door) -> None:
    """The fault is told with file and field; the same id and version stand for one content."""
    broken = changed("broken") | {"pools.yaml": b"- key: x\n  cap_hours: -1\n"}
    with pytest.raises(InputRejected, match=r"pools\.yaml, row 1 \(x\), field"):
        door.call(
            "leader", "ProposePack", files=broken, applies_from="2026-12-01", reason="r"
        )  # fmt: skip
    door.propose("one-content")
    other = changed("one-content", near="0.7")
    with pytest.raises(Conflict):
        door.call("leader", "ProposePack", files=other, applies_from="2026-12-01", reason="r")
    for wrong in ({"applies_from": "soon"}, {"reason": " "}):
        fields = {"files": changed("x"), "applies_from": "2026-12-01", "reason": "r"} | wrong
        with pytest.raises(InputRejected):
            door.call("leader", "ProposePack", **fields)


def test_a_roll_back_is_a_proposal_of_the_pack_before(door: Door) -> None:
    """The earlier pack judges again from its day on; both decisions stay in the record."""
    door.activate("3", "2026-11-01")
    answer = door.call(
        "operator", "RollBack", pack_id="base", version=shipped_pack().version,
        applies_from="2026-11-10", reason="限值有误",
        report=report_of(shipped_pack().files),
    )  # fmt: skip
    door.approve("leader", answer.proposal.proposal_id)
    timeline = door.call("officer", "GetTimeline")

    assert [(one.version, one.applies_from) for one in timeline.timeline] == [
        (shipped_pack().version, "1900-01-01"),
        ("3", "2026-11-01"),
        (shipped_pack().version, "2026-11-10"),
    ]
    assert {"2", "3"} <= {one.version for one in timeline.decisions}
    with pytest.raises(NotFound):
        door.call(
            "operator", "RollBack", pack_id="base", version="never", applies_from="2026-11-10",
            reason="r",
        )  # fmt: skip


def test_of_two_approvers_at_once_one_is_too_late(door: Door) -> None:
    """One activation and one event, however many press the button."""
    before = len(door.events())
    proposal = door.propose("race", since="2026-12-20")

    def press(_: int) -> bool:
        try:
            door.approve("operator", proposal)
        except Conflict:
            return False
        return True

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(press, range(4))) == [False, False, False, True]
    assert len(door.events()) == before + 1


def test_a_newer_shipped_pack_is_offered_and_never_activated(door: Door, monkeypatch) -> None:
    """A release with another version leaves a proposal that needs a report and a person."""
    newer = load_pack(changed("2027-01-01"))
    monkeypatch.setattr(propose_pack, "shipped_pack", lambda: newer)
    timeline = door.call("officer", "GetTimeline")
    for _ in range(2):
        with door.database.transaction() as session:
            record_shipped(session, dt.datetime(2027, 1, 1, 20, tzinfo=dt.UTC))
    offers = [
        one
        for one in door.call("officer", "ListProposals", state=pb.PROPOSAL_STATE_OPEN).proposals
        if one.offered
    ]

    (offer,) = offers
    assert (offer.pack.version, offer.applies_from) == ("2027-01-01", "2027-01-02")
    assert door.call("officer", "GetTimeline") == timeline
    with pytest.raises(RuleViolated, match="difference report"):
        door.call("operator", "ApproveProposal", proposal_id=offer.proposal_id)
    report = report_of(newer.files)
    door.call("leader", "AttachReport", proposal_id=offer.proposal_id, report=report)
    door.approve("operator", offer.proposal_id)


@pytest.mark.parametrize(
    "table", ["pack", "pack_proposal", "pack_report", "pack_decision", "pack_activation"]
)
def test_what_was_decided_can_be_neither_changed_nor_deleted(door: Door, table: str) -> None:
    """The service's own role has no right to."""
    for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET version = version"):
        with (
            pytest.raises(sqlalchemy.exc.ProgrammingError),
            door.database.transaction() as session,
        ):
            session.execute(text(statement))
    with door.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(store.PackRow)) > 0


def test_a_pack_is_read_with_its_files_by_the_authority_only(door: Door) -> None:
    """Without a name the one that judges from now on; a plant sees none."""
    newest = door.call("officer", "GetPack").pack
    base = door.call("officer", "GetPack", pack_id="base", version=shipped_pack().version).pack

    assert dict(base.files) == dict(shipped_pack().files)
    assert newest.version == door.call("officer", "GetTimeline").timeline[-1].version
    assert {"race", "bare"} <= {one.version for one in door.call("city", "ListPacks").packs}
    with pytest.raises(Forbidden):
        door.call("plant", "ListPacks")
    with pytest.raises(NotFound):
        door.call("officer", "GetPack", pack_id="base", version="never")

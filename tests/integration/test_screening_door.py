"""The door ScreeningService over gRPC: who sees what waits, two persons for a suppression."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from services.chassis.clock import to_timestamp
from services.chassis.errors import Conflict, Forbidden, InputRejected, NotFound
from services.chassis.grpc_host import bearer, client_channel, error_from
from services.chassis.identity import Actor, Role, Tokens, create_token_key
from services.chassis.pb.detect.v1 import detect_pb2
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.chassis.pb.detect.v1 import screening_pb2_grpc as rpc
from services.detect import screening_store
from tests.integration.detect_rig import Rig, free_port
from tests.integration.screening_rig import know, outlet, screen, send, story
from tests.integration.test_detect_door import _await_ready

NAME = "21"
WHO = {
    "county": Actor("u1", Role.OFFICER, "130402", name="王"),
    "second": Actor("u2", Role.LEADER, "130402", name="赵"),
    "leader": Actor("u3", Role.LEADER, "130400", name="钱"),
    "far": Actor("u4", Role.OFFICER, "130500", name="孙"),
    "plant": Actor("u5", Role.ENTERPRISE, "", outlet(NAME)[:18], name="厂"),
    "operator": Actor("u7", Role.OPERATOR, "130000", name="维"),
    "platform": Actor("u8", Role.PLATFORM, "130000", name="省"),
    "police": Actor("u9", Role.POLICE, "130400", name="警"),
}
NOT_THEIRS = ("plant", "operator", "platform", "police")


class Door:
    """A running doors process, its client, and the detector whose findings it shows."""

    def __init__(self, address: str, tokens: Tokens, rig: Rig) -> None:
        self.rig = rig
        self._stub = rpc.ScreeningServiceStub(client_channel(address))
        self._tokens = tokens

    def call(self, who: str, method: str, request):
        """Call as somebody; the platform's own errors come back."""
        metadata = bearer(self._tokens.issue(WHO[who])[0])
        try:
            return getattr(self._stub, method)(request, metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            raise error_from(error) from error

    def suppress(self, who: str, **fields) -> pb.Suppression:
        """Ask for a suppression of the outlet for ten days."""
        until = to_timestamp(datetime.now(UTC) + timedelta(days=10))
        values = {
            "outlet_id": outlet(NAME),
            "reason": "同一排气筒两套登记",
            "until": until,
        } | fields
        return self.call(who, "Suppress", pb.SuppressRequest(**values)).suppression


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory):
    """The doors process over a night's screening of a plant that replays its past."""
    folder = tmp_path_factory.mktemp("door")
    url = migrated_db("detect")
    rig = Rig(url, folder)
    know(rig, NAME)
    send(rig, NAME, story(21, cheats=True))
    assert screen(rig) == 1
    key = folder / "token.jwk"
    create_token_key(key)
    address, probe = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "services.chassis.doors", "detect"],
        env={
            "DATABASE_URL": url, "FARSIGHT_TOKEN_KEY": str(key), "FARSIGHT_GRPC_BIND": address,
            "FARSIGHT_PROBE_BIND": probe, "PATH": "/usr/bin:/bin",
        },
    )  # fmt: skip
    try:
        _await_ready(probe)
        yield Door(address, Tokens(key), rig)
    finally:
        process.terminate()
        process.wait(30)
        rig.close()


def _clue(door: Door) -> str:
    clues = [e.clue for e in door.rig.events() if isinstance(e, detect_pb2.ClueChanged)]
    return next(c.clue_id for c in clues if c.outlet_id == outlet(NAME))


def _screened_states(door: Door) -> set[str]:
    with door.rig.database.transaction() as session:
        rows = screening_store.signs_since(session, [outlet(NAME)], 0)
        return {row.state for row in rows}


@pytest.mark.parametrize("who", NOT_THEIRS)
def test_neither_plants_nor_those_who_run_machines_learn_anything(door, who):
    """Not the list, not the votes, not that something is suppressed."""
    for method, request in (
        ("ListHeldBack", pb.ListHeldBackRequest()),
        ("ListSuppressions", pb.ListSuppressionsRequest()),
        ("Unsuppress", pb.UnsuppressRequest(suppression_id="x", reason="y")),
        ("ConfirmSuppression", pb.ConfirmSuppressionRequest(suppression_id="x")),
    ):
        with pytest.raises(Forbidden):
            door.call(who, method, request)
    with pytest.raises(NotFound):
        door.call(who, "ListVotes", pb.ListVotesRequest(clue_id=_clue(door)))
    with pytest.raises(Forbidden):
        door.suppress(who)


def test_the_votes_of_a_clue_name_tests_evidence_and_measured_rates(door):
    votes = door.call("county", "ListVotes", pb.ListVotesRequest(clue_id=_clue(door))).signs
    assert "exact_replay" in {vote.rule_id for vote in votes}
    for vote in votes:
        assert vote.state == pb.SIGN_STATE_RAISED
        assert vote.seen
        assert vote.silenced_by
        assert vote.per_station_year > 0
        assert vote.joint_per_station_year <= 2.0
    one = pb.ListVotesRequest(finding_id=door.rig.findings()[-1].finding_id)
    assert door.call("county", "ListVotes", one).signs
    with pytest.raises(NotFound):
        door.call("far", "ListVotes", pb.ListVotesRequest(clue_id=_clue(door)))
    with pytest.raises(InputRejected):
        door.call("county", "ListVotes", pb.ListVotesRequest())


def test_two_persons_suppress_and_one_ends_it_and_the_findings_come_and_go(door):
    """In force only when another person confirmed; listed all the while; ended, it is raised."""
    asked = door.suppress("second")
    assert not asked.in_force
    name = pb.ConfirmSuppressionRequest(suppression_id=asked.suppression_id)
    with pytest.raises(Forbidden, match="who asked"):
        door.call("second", "ConfirmSuppression", name)
    with pytest.raises(Forbidden):
        door.call("county", "ConfirmSuppression", name)  # an officer is no leader
    with pytest.raises(NotFound):
        door.call("far", "Unsuppress", pb.UnsuppressRequest(suppression_id=asked.suppression_id,
                                                            reason="x"))  # fmt: skip
    confirmed = door.call("leader", "ConfirmSuppression", name).suppression
    assert (confirmed.in_force, confirmed.confirmed_by_name) == (True, "钱")
    with pytest.raises(Conflict):
        door.call("leader", "ConfirmSuppression", name)

    assert screen(door.rig) == 1
    assert _screened_states(door) == {"suppressed"}
    held = door.call("county", "ListHeldBack", pb.ListHeldBackRequest()).signs
    assert {sign.reason for sign in held} == {asked.suppression_id}
    assert not door.call("far", "ListHeldBack", pb.ListHeldBackRequest()).signs
    states = {f.state for f in door.rig.findings() if f.rule_id == "exact_replay"}
    assert states == {detect_pb2.FINDING_STATE_CLOSED}

    end = pb.UnsuppressRequest(suppression_id=asked.suppression_id, reason="登记已更正")
    assert not door.call("county", "Unsuppress", end).suppression.in_force
    with pytest.raises(Conflict):
        door.call("county", "Unsuppress", end)
    assert screen(door.rig) == 1
    assert _screened_states(door) == {"raised"}
    told = door.call("leader", "ListSuppressions", pb.ListSuppressionsRequest(ended=True))
    (one,) = told.suppressions
    assert (one.ended_by_name, one.end_reason) == ("王", "登记已更正")
    assert not door.call("leader", "ListSuppressions", pb.ListSuppressionsRequest()).suppressions


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"reason": " "}, InputRejected),
        ({"until": to_timestamp(datetime(2020, 1, 1, tzinfo=UTC))}, InputRejected),
        ({"until": to_timestamp(datetime(2220, 1, 1, tzinfo=UTC))}, InputRejected),
        ({"rule_id": "no_such_test"}, InputRejected),
        ({"outlet_id": "nobody"}, NotFound),
    ],
)
def test_a_suppression_says_why_for_what_and_how_long(door, fields, wrong):
    with pytest.raises(wrong):
        door.suppress("county", **fields)

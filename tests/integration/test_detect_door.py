"""The door DetectService over real gRPC: who sees which findings and clues."""

import subprocess
import sys
import time
import urllib.error
import urllib.request

import grpc
import pytest

from services.chassis.errors import Forbidden, InputRejected, NotFound, Unauthenticated
from services.chassis.grpc_host import bearer, client_channel, error_from
from services.chassis.identity import Actor, Role, Tokens, create_token_key
from services.chassis.pb.detect.v1 import detect_pb2 as pb
from services.chassis.pb.detect.v1 import detect_pb2_grpc
from tests.integration.detect_rig import (
    Rig,
    batch_of,
    free_port,
    limit_record,
    outlet_record,
)
from tests.unit.detect.scene import MONDAY, NOX, SO2, honest

PLANT, OTHER = "91130402MA000DOOR1", "91130403MA000DOOR2"
OUTLET, NEIGHBOUR = f"{PLANT}-DA001", f"{OTHER}-DA001"
HOURS = 50 * 24

WHO = {
    "county": Actor("u1", Role.OFFICER, "130402", name="王"),
    "city": Actor("u2", Role.LEADER, "130400", name="赵"),
    "next": Actor("u3", Role.OFFICER, "130403", name="李"),
    "far": Actor("u4", Role.OFFICER, "130500", name="孙"),
    "plant": Actor("u5", Role.ENTERPRISE, "", PLANT, name="厂"),
    "other": Actor("u6", Role.ENTERPRISE, "", OTHER, name="别"),
    "operator": Actor("u7", Role.OPERATOR, "130000", name="维"),
    "platform": Actor("u8", Role.PLATFORM, "130000", name="省"),
    "police": Actor("u9", Role.POLICE, "130400", name="警"),
}
#: Findings each caller sees, of: open and confidential ones of the plant, one of its neighbour.
SEES = {
    "county": ("plain", "secret"),
    "city": ("plain", "secret", "neighbour"),
    "next": ("neighbour",),
    "far": (),
    "plant": ("plain",),
    "other": ("neighbour",),
    "operator": ("plain", "neighbour"),
    "platform": ("plain", "neighbour"),
}


class Door:
    """A running doors process and its client."""

    def __init__(self, address: str, tokens: Tokens) -> None:
        self._stub = detect_pb2_grpc.DetectServiceStub(client_channel(address))
        self._tokens = tokens

    def call(self, method: str, request, who: str | None):
        """Call as somebody; the platform's own errors come back."""
        metadata = bearer(self._tokens.issue(WHO[who])[0]) if who else []
        try:
            return getattr(self._stub, method)(request, metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            raise error_from(error) from error

    def findings(self, who: str, **asked: object):
        """All findings somebody is shown, over all pages."""
        found, token = [], ""
        while True:
            request = pb.ListFindingsRequest(page_token=token, **asked)
            page = self.call("ListFindings", request, who)
            found += page.findings
            token = page.next_page_token
            if not token:
                return found


def _fill(rig: Rig) -> None:
    """Fifty days with a two-day bottle on both lines, exceedances at two plants."""
    rig.know(
        [
            outlet_record(OUTLET, lines=(f"{SO2}+{NOX}",)),
            limit_record(OUTLET, SO2, 180.0),
            limit_record(OUTLET, NOX, 150.0),
            outlet_record(NEIGHBOUR, division="130403"),
            limit_record(NEIGHBOUR, SO2, 100.0),
        ]
    )
    so2, nox = honest(91, HOURS, 60), honest(92, HOURS, 45)
    so2[45 * 24 : 48 * 24], nox[45 * 24 : 48 * 24] = 57.0, 44.0
    so2[45 * 24 : 48 * 24 : 2] += 0.1
    nox[45 * 24 : 48 * 24 : 2] += 0.1
    so2[49 * 24] = 250.0
    first = MONDAY - HOURS
    frames = [
        (OUTLET, (first + h) * 3600, {SO2: (so2[h], float("nan")), NOX: (nox[h], float("nan"))})
        for h in range(HOURS)
    ]
    rig.take(batch_of(frames))
    rig.take(batch_of([(NEIGHBOUR, MONDAY * 3600, {SO2: (150.0, float("nan"))})], 1))


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory):
    """The doors process over findings that a real detector made."""
    folder = tmp_path_factory.mktemp("door")
    url = migrated_db("detect")
    rig = Rig(url, folder)
    _fill(rig)
    rig.close()
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
        yield Door(address, Tokens(key))
    finally:
        process.terminate()
        process.wait(30)


def _await_ready(probe: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://{probe}/readyz", timeout=2).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail("the doors process is not ready after 60 s")


def _named(findings) -> set[str]:
    """Which of the three sorts of findings are among them."""
    return {
        "neighbour" if f.outlet_id == NEIGHBOUR else "secret" if f.confidential else "plain"
        for f in findings
    }


@pytest.mark.parametrize("who", SEES)
def test_each_caller_sees_its_own_part_of_the_world(door, who):
    """Jurisdiction by prefix, an enterprise itself only, secrets for the authority only."""
    assert _named(door.findings(who)) == set(SEES[who])


@pytest.mark.parametrize("who", WHO)
def test_a_finding_that_is_not_shown_cannot_be_fetched_either(door, who):
    """GetFinding agrees with ListFindings for every role; what is not shown does not exist."""
    everything = door.findings("city")
    shown = {f.finding_id for f in door.findings(who)} if who in SEES else set()

    for finding in everything:
        request = pb.GetFindingRequest(finding_id=finding.finding_id)
        if finding.finding_id in shown:
            got = door.call("GetFinding", request, who).finding
            assert len(got.picture.time_s) == len(got.picture.value)
            assert got.finding_id == finding.finding_id
        else:
            with pytest.raises(NotFound):
                door.call("GetFinding", request, who)


@pytest.mark.parametrize("who", WHO)
def test_clues_are_for_officers_and_leaders_of_the_place(door, who):
    """An enterprise, an operator, a platform and an agency are refused; a neighbour sees none."""
    request = pb.ListCluesRequest()
    if WHO[who].role not in {Role.OFFICER, Role.LEADER}:
        with pytest.raises(Forbidden):
            door.call("ListClues", request, who)
        return

    clues = door.call("ListClues", request, who).clues

    assert {c.outlet_id for c in clues} == ({OUTLET} if who in {"county", "city"} else set())


def test_a_short_history_is_said_to_be_not_evaluated(door):
    """Fifty days are enough, a single hour is not; only the authority is told."""

    def days(outlet: str, who: str) -> dict[tuple[str, str], tuple[int, int]]:
        request = pb.GetEvaluationsRequest(outlet_id=outlet)
        found = door.call("GetEvaluations", request, who).evaluations
        return {(one.factor, one.rule_id): (one.known_days, one.needed_days) for one in found}

    known = days(OUTLET, "county")
    assert set(known) == {
        (factor, rule) for factor in (SO2, NOX)
        for rule in ("constant_value", "low_variance_part_of_day")
    }  # fmt: skip
    assert all(have >= needed == 30 for have, needed in known.values())
    assert set(days(NEIGHBOUR, "next").values()) == {(0, 30)}
    assert days(OUTLET, "next") == {}
    with pytest.raises(Forbidden):
        days(OUTLET, "plant")


def test_lists_carry_no_picture_and_pages_add_up(door):
    """Pages of one give each finding once, newest first, as one big page does."""
    whole = door.findings("city")

    paged = door.findings("city", page_size=1)

    assert paged == whole
    assert len(whole) >= 4
    assert all(not f.HasField("picture") for f in whole)
    starts = [f.start.seconds for f in whole]
    assert starts == sorted(starts, reverse=True)


def test_filters_narrow_the_list(door):
    """By outlet, rule, state and time."""
    everything = door.findings("city")
    over = door.findings("city", rule_id="hourly_exceedance", outlet_id=OUTLET)
    opened = door.findings("city", state=pb.FINDING_STATE_OPEN)
    closed = door.findings("city", state=pb.FINDING_STATE_CLOSED)
    day = pb.ListFindingsRequest()
    day.start.seconds, day.end.seconds = MONDAY * 3600, (MONDAY + 24) * 3600
    of_day = door.call("ListFindings", day, "city").findings

    assert [f.rule_id for f in over] == ["hourly_exceedance"]
    assert {f.state for f in opened} == {pb.FINDING_STATE_OPEN}
    assert len(opened) + len(closed) == len(everything)
    assert {f.outlet_id for f in of_day} == {NEIGHBOUR}


def test_bad_requests_have_typed_answers(door):
    """Nobody signed in, a torn page token, a jurisdiction that is not ours, an unknown state."""
    with pytest.raises(Unauthenticated):
        door.call("ListFindings", pb.ListFindingsRequest(), None)
    with pytest.raises(InputRejected):
        door.call("ListFindings", pb.ListFindingsRequest(page_token="torn"), "city")
    with pytest.raises(Forbidden):
        door.call("ListFindings", pb.ListFindingsRequest(division="130500"), "city")
    with pytest.raises(InputRejected):
        door.call("ListFindings", pb.ListFindingsRequest(state=7), "city")
    with pytest.raises(Forbidden):
        door.call("ListFindings", pb.ListFindingsRequest(), "police")

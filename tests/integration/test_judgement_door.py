"""The door JudgementService over real gRPC: who sees which day, and the day computed again."""

import subprocess
import sys

import grpc
import pytest

from services.chassis.errors import Forbidden, InputRejected, NotFound
from services.chassis.grpc_host import bearer, client_channel, error_from
from services.chassis.identity import Tokens, create_token_key
from services.chassis.pb.detect.v1 import judgement_pb2 as pb
from services.chassis.pb.detect.v1 import judgement_pb2_grpc
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import apply_records
from tests.integration.detect_rig import Rig, free_port
from tests.integration.test_detect_door import OUTLET, WHO, _await_ready
from tests.integration.test_detect_judgement import DAY, _hours, _records, mark
from tests.integration.test_detect_recompute import Stored

#: Who sees the day of a plant of 130402.
SEES = {"county", "city", "plant", "operator", "platform"}
THEN, NOW = pb.RECOMPUTE_AS_KNOWN_THEN, pb.RECOMPUTE_AS_KNOWN_NOW


class Door:
    """A running doors process and its client."""

    def __init__(self, address: str, tokens: Tokens) -> None:
        self._stub = judgement_pb2_grpc.JudgementServiceStub(client_channel(address))
        self._tokens = tokens

    def call(self, method: str, request, who: str):
        """Call as somebody; the platform's own errors come back."""
        metadata = bearer(self._tokens.issue(WHO[who])[0])
        try:
            return getattr(self._stub, method)(request, metadata=metadata, timeout=30)
        except grpc.RpcError as error:
            raise error_from(error) from error

    def day(self, who="county", **asked):
        """GetDayJudgement of the plant's outlet."""
        request = pb.GetDayJudgementRequest(**({"outlet_id": OUTLET, "day": DAY} | asked))
        return self.call("GetDayJudgement", request, who)


def _fill(url: str, folder) -> None:
    """Two days of one outlet in ingest and detect, frozen; then a late value and a late mark."""
    stored = Stored(url, folder / "archive")
    rig = Rig(url, folder / "rings", history=stored.history)
    records = _records(OUTLET)
    rig.know(records)
    with stored.database.transaction() as session:
        apply_records(session, records, frozenset({registry_pb2.RECORD_KIND_OUTLET}))
    for hours, received_h in (([*range(3), *range(5, 36)], None), ([3, 4], 70.0)):
        batch = _hours(OUTLET, hours, 60.0, received_h=received_h)
        stored.settle(batch)
        rig.take(batch)
        rig.freeze(DAY)
        rig.work()
    rig.mark(mark(OUTLET, 8, 10, received_h=20.0))
    rig.work()
    rig.close()
    stored.database.engine.dispose()


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory):
    """Doors of detect, ingest and registry over days that a real detector judged."""
    folder = tmp_path_factory.mktemp("door")
    url = migrated_db("detect", "ingest", "registry")
    _fill(url, folder)
    key = folder / "token.jwk"
    create_token_key(key)
    address, probe = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "services.chassis.doors", "detect", "ingest", "registry"],
        env={
            "DATABASE_URL": url, "FARSIGHT_TOKEN_KEY": str(key), "FARSIGHT_GRPC_BIND": address,
            "FARSIGHT_GRPC_ADDR": address, "FARSIGHT_PROBE_BIND": probe, "PATH": "/usr/bin:/bin",
            "FARSIGHT_DATA": str(folder),
        },
    )  # fmt: skip
    try:
        _await_ready(probe)
        yield Door(address, Tokens(key))
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize("who", WHO)
def test_a_day_is_seen_by_those_whose_it_is(door, who):
    """Role x region: day, list and pools; what is not one's own does not exist."""
    request = pb.ListDayJudgementsRequest(outlet_id=OUTLET, from_day=DAY, to_day="2026-07-31")
    pools = pb.ListPoolsRequest(outlet_id=OUTLET, year=2026)

    if who in SEES:
        assert door.day(who).judgement.revision == 3
        assert [one.day for one in door.call("ListDayJudgements", request, who).days] == [DAY]
        door.call("ListPools", pools, who)
        return
    for call in (
        lambda: door.day(who),
        lambda: door.call("ListDayJudgements", request, who),
        lambda: door.call("ListPools", pools, who),
    ):
        with pytest.raises((NotFound, Forbidden)):
            call()


def test_each_revision_comes_to_the_same_as_known_then(door):
    """Late value and mark notwithstanding; the plant may compute its own day, too."""
    for who in ("county", "plant"):
        for revision in (1, 2, 3):
            answer = door.day(who, revision=revision, recompute=THEN)
            assert (answer.same, list(answer.differences)) == (True, [])
            assert answer.judgement.revision == revision
    assert [(r.revision, r.reason) for r in answer.revisions] == [
        (1, "frozen"), (2, "backfill"), (3, "mark"),
    ]  # fmt: skip
    assert not answer.revisions[0].factors


def test_now_asks_the_registry_for_limits(door):
    """A registry without any: nothing of the outlet can be judged now, though it was then."""
    with pytest.raises(NotFound, match="nothing that has a limit"):
        door.day(revision=1, recompute=NOW)


@pytest.mark.parametrize("asked", [{"day": "27.7."}, {"revision": 9}])
def test_bad_requests_have_typed_answers(door, asked):
    """A text that is no day, a revision that is none."""
    with pytest.raises((InputRejected, NotFound)):
        door.day(**asked)

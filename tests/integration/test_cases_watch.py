"""Watching goes on exactly where it ended: over a restart of the door and among late commits."""

import threading
import time

import grpc
import pytest
from sqlalchemy import text

from services.cases.app.handle_finding import handle_finding
from services.chassis.clock import utc_now
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import error_from
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.cases.v1 import cases_pb2_grpc
from tests.integration.cases_door_rig import DoorProcess, tokens_in
from tests.integration.cases_rig import MANAGER, WANG, finding, region

NOW = utc_now()
FACTORS = [f"a{number:05d}" for number in range(12)]


def seen_until(door: DoorProcess, token: str, wanted: int, who=WANG) -> tuple[list[str], str]:
    """Digests of the next changes and the token behind the last; a broken stream ends it."""
    stub = cases_pb2_grpc.CaseServiceStub(door.speaker.channel)
    call = stub.Watch(
        pb.WatchRequest(resume_token=token), metadata=door.speaker.token(who), timeout=20
    )
    seen: list[str] = []
    try:
        for answer in call:
            token = answer.resume_token
            if answer.HasField("change"):
                seen.append(answer.change.last_event.digest_sm3.hex())
            if len(seen) >= wanted:
                break
    except grpc.RpcError:
        pass
    call.cancel()
    return seen, token


def all_lines(place) -> list[str]:
    """Digests of every line there is."""
    return [event.digest.hex() for matter in place.matters() for event in matter.events]


def test_a_reader_misses_and_repeats_nothing_over_restarts_of_the_door(migrated_db, tmp_path):
    """Two writers commit all the while; the door goes away and comes back on another port."""
    tokens = tokens_in(tmp_path)
    url = migrated_db("cases")
    with region(url, NOW) as place:
        door = DoorProcess(url, tokens)
        _, token = seen_until(door, "", 0)

        def write(factors):
            for factor in factors:
                place.run(handle_finding, finding(NOW, hours=3, factors=[factor]))

        writers = [threading.Thread(target=write, args=(FACTORS[n::2],)) for n in range(2)]
        for writer in writers:
            writer.start()
        found: list[str] = []
        for part in (3, 4):
            new, token = seen_until(door, token, part)
            found += new
            door.close()
            door = DoorProcess(url, tokens)
        for writer in writers:
            writer.join(20)
        expected = all_lines(place)
        new, token = seen_until(door, token, len(expected) - len(found))
        found += new
        door.close()

    assert len(found) == len(set(found)) == len(expected)
    assert set(found) == set(expected)


def test_a_change_that_commits_late_is_not_stepped_over(migrated_db, tmp_path):
    """A long transaction began first: newer changes wait for it, then all come, each once."""
    url = migrated_db("cases")
    with region(url, NOW) as place:
        place.run(handle_finding, finding(NOW, hours=3, factors=["a21002"]))
        place.run(handle_finding, finding(NOW, hours=3, factors=["a34013"]))
        early, late = (one.matter_id for one in place.matters())
        door = DoorProcess(url, tokens_in(tmp_path))
        _, token = seen_until(door, "", 0)
        insert = text(
            "INSERT INTO matter_event (matter_id, seq, at, scripted, fields, digest, act)"
            " VALUES (CAST(:m AS text), 77, now(), false, '{}',"
            " sha256(convert_to(CAST(:m AS text), 'UTF8')), 'note_below')"
        )
        with place.database.transaction() as slow:
            slow.execute(insert, {"m": late})
            with place.database.transaction() as quick:
                quick.execute(insert, {"m": early})
            time.sleep(1.2)  # two looks of a watcher: nothing may pass the open transaction
            stub = cases_pb2_grpc.CaseServiceStub(door.speaker.channel)
            call = stub.Watch(
                pb.WatchRequest(resume_token=token), metadata=door.speaker.token(WANG), timeout=1.5
            )
            with pytest.raises(grpc.RpcError):
                assert not any(answer.HasField("change") for answer in call)
        found, _ = seen_until(door, token, 2)
        door.close()

    assert len(found) == len(set(found)) == 2


@pytest.mark.parametrize("token", ["x", "1", "1.x", "-1.2", "1.-", "9" * 40 + ".1"])
def test_a_token_that_is_not_ours_is_refused(migrated_db, tmp_path, token):
    """And not taken for the beginning."""
    url = migrated_db("cases")
    with region(url, NOW):
        door = DoorProcess(url, tokens_in(tmp_path))
        stub = cases_pb2_grpc.CaseServiceStub(door.speaker.channel)
        call = stub.Watch(
            pb.WatchRequest(resume_token=token), metadata=door.speaker.token(MANAGER), timeout=10
        )
        with pytest.raises(grpc.RpcError) as refused:
            next(iter(call))
        door.close()

    assert isinstance(error_from(refused.value), InputRejected)

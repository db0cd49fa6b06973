"""A case opened over the wire, and what the commands of work say of it on the running platform."""

import json

import pytest

from services.chassis.grpc_host import client_channel
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.cases.v1 import cases_pb2_grpc
from tests.e2e.clients import PASSWORD, Person, wait_until

pytestmark = pytest.mark.e2e

OUTLET = "91130481FARX00013L-DA002"
OFFICER, LEADER = "officer5.130481", "leader.130481"


def test_a_case_by_hand_is_queued_exported_and_its_record_verifies(
    seeded_platform, tmp_path, monkeypatch
):
    """Opened once for two requests; queue, duty, inactivity, outcomes and record know it."""
    platform = seeded_platform
    monkeypatch.setitem(platform.env, "FARSIGHT_PASSWORD", PASSWORD)
    officer = Person(platform.grpc, OFFICER)
    wish = pb.OpenMatterRequest(
        kind=pb.MATTER_KIND_CASE,
        act="accept_report",
        outlet_id=OUTLET,
        title="举报：夜间异味",
        fields={"source": "complaint", "found_on": "2026-11-20", "facts": "群众反映夜间异味"},
        request_id="e2e-1",
    )
    with client_channel(platform.grpc) as channel:
        stub = cases_pb2_grpc.CaseServiceStub(channel)
        first, again = (stub.OpenMatter(wish, metadata=officer.metadata).matter for _ in range(2))
    assert first.matter_id == again.matter_id

    def run(*arguments: str) -> str:
        return platform.run_command(*arguments, "--user", LEADER, "--data", str(platform.data))

    def queued():
        rows = json.loads(run("queue", "--json", "--search", first.number))
        return rows if len(rows.get("matters", rows)) == 1 else None

    assert wait_until(queued, 30, "the case in the queue")
    table = tmp_path / "queue.xlsx"
    assert "rows" in run("queue", "--xlsx", str(table))
    assert table.read_bytes().startswith(b"PK")
    for what in ("duty", "inactivity", "outcomes"):
        assert json.loads(run("work", what, "--json"))
    record = tmp_path / "record.zip"
    run("record", first.number, "-o", str(record))
    assert platform.run_command("record", "verify", str(record))
    broken = bytearray(record.read_bytes())
    broken[len(broken) // 2] ^= 1
    (tmp_path / "broken.zip").write_bytes(bytes(broken))
    process = platform.start_command("record", "verify", str(tmp_path / "broken.zip"))
    process.communicate(timeout=60)
    assert process.returncode == 1

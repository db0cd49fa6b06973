"""The demo's replay and dilution, from frames to confidential findings and a clue."""

import pytest

from farsight.lab.province import DEMO, read_rows
from services.chassis.pb.detect.v1 import detect_pb2 as pb
from tests.e2e.clients import Person, logger_of, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

LEADER = "leader.130000"
#: Story of the demo -> the tests that tell of it.
TOLD_BY = {"replay": {"exact_replay"}, "dilution": {"o2_dilution", "ambient_sample"}}


def test_a_replay_and_a_dilution_are_found_overnight(seeded_platform, tmp_path):
    """Ninety days of frames; the sweep looks when the queue is drained, nobody asks for it."""
    told = {row["name"]: row["outlet_id"] for row in read_rows("scenarios", DEMO)}
    only = [word for name in TOLD_BY for word in ("--only", logger_of(told[name]).mn)]
    seeded_platform.run_command(
        "simulate", "--history", "90", *only, "--state", str(tmp_path / "state.json")
    )
    leader = Person(seeded_platform.grpc, LEADER)

    for name, tests in TOLD_BY.items():
        finding = wait_until(
            lambda one=told[name], rules=tests: _finding(leader, one, rules), 240, f"the {name}"
        )
        print(name, finding.rule_id, finding.seen)
        assert finding.confidential
        assert finding.silenced_by
    asked = pb.ListCluesRequest(outlet_id=told["replay"])
    clues = leader.findings.ListClues(asked, metadata=leader.metadata, timeout=30).clues
    assert "D03" in {clue.pattern for clue in clues}


def _finding(person: Person, outlet_id: str, rules: set[str]) -> pb.Finding | None:
    mine = [one for one in person.all_findings() if one.outlet_id == outlet_id]
    return next((one for one in mine if one.rule_id in rules and one.count), None)

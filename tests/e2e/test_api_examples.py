"""The examples of docs/api.md do what they say against the running platform."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.chassis.pb.ingest.v1 import ingest_pb2
from tests.e2e.clients import LoggerClient, Person, hours_back, logger_of, wait_until
from tests.e2e.platform import RunningPlatform

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
BOILER = "91130404FARX00021Y-DA001"


def start(platform: RunningPlatform, name: str, *arguments: str) -> subprocess.Popen[str]:
    """Start an example as docs/api.md says."""
    return subprocess.Popen(
        [sys.executable, f"docs/examples/{name}.py", *arguments],
        cwd=ROOT,
        env={**platform.env, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(platform: RunningPlatform, name: str, *arguments: str) -> str:
    """Run an example to its end; its output."""
    process = start(platform, name, *arguments)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, output + errors
    return output


def test_readings_pushed_twice_are_stored_once(seeded_platform):
    """Both times every request is acknowledged as safe; history has each hour once."""
    first = run(seeded_platform, "push_readings", BOILER)
    second = run(seeded_platform, "push_readings", BOILER)

    expected = "".join(f"request {n}: 1 safe, 0 refused\n" for n in range(1, 7))
    assert (first, second) == (expected, expected)
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    request = ingest_pb2.GetReadingsRequest(
        outlet_id=BOILER, kind=ingest_pb2.READING_KIND_HOUR, with_versions=True
    )
    request.start.FromDatetime(day - timedelta(days=101))
    request.end.FromDatetime(day - timedelta(days=99))
    person = Person(seeded_platform.grpc, "platform.130000")

    def stored():
        answer = person.history.GetReadings(request, metadata=person.metadata, timeout=30)
        return {each.factor: list(each.value) for each in answer.factors}

    values = wait_until(stored, 30, "the pushed hours in history")
    assert values == {"a21026": [18.4] * 6, "a21002": [31.0 + n for n in range(6)]}


def test_a_watch_sees_an_order_and_goes_on_where_it_stopped(seeded_platform, tmp_path):
    """Two watches of one change each, with a break between, see what one watch of two sees."""
    logger = logger_of(BOILER)
    token = tmp_path / "seen.token"
    watch = start(seeded_platform, "watch_matters", str(token), "1")
    wait_until(token.exists, 60, "the watch to begin")
    beginning = tmp_path / "beginning.token"
    beginning.write_text(token.read_text())

    with LoggerClient(seeded_platform.hj212, logger.mn, logger.password, logger.st) as line:
        for number, hour in enumerate(hours_back(12)):
            nox = {"Avg": 250.0 + number, "ZsAvg": 250.0 + number, "Flag": "N"}
            values = {"a21002": nox, "a19001": {"Avg": 6.0, "Flag": "N"}}
            line.acknowledged(line.hour(hour, values))
        seen, errors = watch.communicate(timeout=60)
    listed = run(seeded_platform, "list_matters", "130404")
    resumed = run(seeded_platform, "watch_matters", str(token), "1")
    both = run(seeded_platform, "watch_matters", str(beginning), "2")

    assert watch.returncode == 0, errors
    assert seen.split()[0] in listed
    assert both == seen + resumed


def test_a_mark_walks_through_its_revisions(seeded_platform):
    """Submitted, changed, refused with an old revision, taken back."""
    lines = run(seeded_platform, "submit_mark", BOILER).splitlines()

    assert [line.partition(":")[0] for line in lines] == [
        "revision 1", "revision 2", "refused", "revision 3",
    ]  # fmt: skip
    assert lines[2] == "refused: ABORTED"

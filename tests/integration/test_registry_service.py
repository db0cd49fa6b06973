"""The registry on the bus: changes leave as events in order, and copies start from its RPC."""

import base64
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kombu import Connection, Queue
from nameko.standalone.rpc import ServiceRpcClient

from services.chassis.bus.topology import EVENTS, declare_topology
from services.chassis.db import Database
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.registry.app.change_records import Origin, change_records
from services.registry.domain.outcome import Entry
from services.registry.domain.records import Division, Team

CHANGED = pb.RecordsChanged.DESCRIPTOR.full_name
PROVINCE = Division("130000", "河北省", "", "province")


class Bus:
    """The running service, its database, and a queue that hears what it tells."""

    def __init__(self, amqp_uri: str, database_url: str) -> None:
        self.amqp_uri = amqp_uri
        self.database = Database(database_url, "registry")
        self.queue = f"test.registry.{uuid.uuid4().hex}"
        with Connection(amqp_uri) as bus:
            declare_topology(bus, 2)
            spy = Queue(self.queue, EVENTS, CHANGED, durable=False, auto_delete=False, expires=300)
            spy(bus.channel()).declare()

    def change(self, *bodies: Division | Team) -> None:
        """Keep records, as the door does."""
        entries = [Entry(number, body) for number, body in enumerate(bodies)]
        with self.database.transaction() as session:
            outcome = change_records(session, entries, Origin("test", "sync"))
        assert outcome.errors == []

    def heard(self, count: int) -> list[pb.RecordsChanged]:
        """The next events, at most twenty seconds."""
        events: list[pb.RecordsChanged] = []
        deadline = time.monotonic() + 20
        with Connection(self.amqp_uri) as bus, bus.channel() as channel:
            while len(events) < count and time.monotonic() < deadline:
                if message := channel.basic_get(self.queue, no_ack=True):
                    body = message.body
                    data = body.encode() if isinstance(body, str) else bytes(body)
                    events.append(pb.RecordsChanged.FromString(data))
                else:
                    time.sleep(0.05)
        return events

    def snapshot(self, after: int = 0, *kinds: pb.RecordKind.ValueType) -> pb.SnapshotResponse:
        """The RPC as another service calls it."""
        request = pb.SnapshotRequest(kinds=kinds, after_revision=after)
        payload = base64.b64encode(request.SerializeToString()).decode()
        with ServiceRpcClient("registry", uri=self.amqp_uri, timeout=20) as client:
            return pb.SnapshotResponse.FromString(base64.b64decode(client.snapshot(payload)))


@pytest.fixture(scope="module")
def bus(
    amqp_uri: str, migrated_db: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bus]:
    """The nameko process of the registry."""
    url = migrated_db("registry")
    running = Bus(amqp_uri, url)
    folder: Path = tmp_path_factory.mktemp("registry-bus")
    settings = {"AMQP_URI": amqp_uri, "DATABASE_URL": url, "FARSIGHT_PROBE_BIND": "127.0.0.1:0"}
    command = [sys.executable, "-m", "services.chassis.host", "registry"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=log)
    try:
        yield running
    finally:
        process.terminate()
        process.wait(20)


def test_changes_leave_as_events_of_at_most_five_hundred_records(bus: Bus) -> None:
    """1,201 new records are three events, each record once, revisions growing."""
    teams = [Team(f"t{number}", "队", "130000") for number in range(1200)]

    bus.change(PROVINCE, *teams)

    events = bus.heard(3)
    revisions = [record.revision for event in events for record in event.records]
    assert [len(event.records) for event in events] == [500, 500, 201]
    assert revisions == sorted(set(revisions))
    bus.change(PROVINCE, *teams)  # unchanged: nothing is told
    bus.change(Team("t1", "新名", "130000"))
    (event,) = bus.heard(1)
    assert [(r.key, r.team.name) for r in event.records] == [("t1", "新名")]


def test_a_copy_is_read_page_by_page_and_then_only_what_is_new(bus: Bus) -> None:
    """Pages of 500 by revision until an empty one; kinds are filtered."""
    bus.change(PROVINCE, *(Team(f"s{number}", "队", "130000") for number in range(600)))
    keys: list[str] = []
    after = 0

    while page := bus.snapshot(after, pb.RECORD_KIND_TEAM).records:
        assert len(page) <= 500
        keys += [record.key for record in page]
        after = page[-1].revision
    bus.change(Team("s-last", "队", "130000"))

    assert len(set(keys)) == len(keys) >= 600
    assert {record.kind for record in bus.snapshot(0, pb.RECORD_KIND_DIVISION).records} == {
        pb.RECORD_KIND_DIVISION
    }
    assert [record.key for record in bus.snapshot(after).records] == ["s-last"]

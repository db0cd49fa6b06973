"""The chassis on real servers: once, never lost, in order, and dead letters that can be seen."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kombu.connection import Connection
from sqlalchemy import create_engine, text

from services.chassis.bus import topology
from services.chassis.bus.publish import Publisher
from services.chassis.db import Database, role_of, sqlalchemy_url
from services.chassis.due import record_due
from services.chassis.metrics import OUTBOX
from services.chassis.migrate import prepare_schema
from services.chassis.outbox import record_event
from services.chassis.pb.cases.v1.cases_pb2 import NoticeRequested
from services.chassis.pb.ingest.v1.ingest_pb2 import ReadingBatch
from services.chassis.providers import tidy
from services.chassis.tables import create_chassis_tables_v1

SAMPLE = Path(__file__).with_name("sample_service.py")


def prepared(url: str, name: str) -> Database:
    """Give a schema with the chassis tables and a table `seen` for what handlers did."""
    engine = create_engine(sqlalchemy_url(url))
    with engine.begin() as connection:
        prepare_schema(connection, name)
        connection.execute(text(f"SET search_path TO {name}"))
        create_chassis_tables_v1(connection)
        connection.execute(text("CREATE TABLE seen (n bigserial, kind text, key text)"))
        connection.execute(text("CREATE SEQUENCE tries"))
        connection.execute(
            text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {name} TO {role_of(name)}")
        )
    engine.dispose()
    return Database(url, name)


@contextmanager
def sample(name: str, url: str, amqp_uri: str):
    """Run the sample service as a process."""
    env = {
        **os.environ,
        "DATABASE_URL": url,
        "AMQP_URI": amqp_uri,
        "FARSIGHT_PROBE_BIND": "127.0.0.1:0",
        "FARSIGHT_PARTITIONS": "2",
    }
    process = subprocess.Popen(
        [sys.executable, str(SAMPLE), name], env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        for line in process.stdout:
            if "service_ready" in line:
                break
        else:
            pytest.fail(f"sample service ended: {process.wait()}")
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def seen(database: Database) -> list[tuple[str, str]]:
    with database.transaction() as session:
        rows = session.execute(text("SELECT kind, key FROM seen ORDER BY n"))
        return [(row.kind, row.key) for row in rows]


def wait_until(check, seconds: float = 20):
    """Poll until `check` gives something true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = check()
        if value:
            return value
        time.sleep(0.05)
    pytest.fail(f"not within {seconds} s")


@pytest.fixture
def bus(amqp_uri):
    """A broker with the topology, its queues empty."""
    with Connection(amqp_uri) as connection:
        topology.declare_topology(connection, 2)
        with connection.channel() as channel:
            for spec in topology.all_queues(2):
                channel.queue_purge(spec.name)
    return amqp_uri


def depth(amqp_uri: str, queue: str) -> int:
    with Connection(amqp_uri) as connection, connection.channel() as channel:
        return channel.queue_declare(queue, passive=True).message_count


def test_an_event_takes_effect_once_however_often_it_comes(database, bus):
    """The same message id three times: one row, one outgoing event."""
    view = prepared(database, "notify")
    publisher = Publisher(bus)
    event = NoticeRequested(cause_id="c1")
    name = event.DESCRIPTOR.full_name

    with sample("notify", database, bus):
        for _ in range(3):
            publisher.publish(
                event.SerializeToString(),
                exchange="farsight.events",
                routing_key=name,
                properties={"message_id": "m1", "type": name},
                headers={},
            )
        wait_until(lambda: seen(view))
        wait_until(lambda: depth(bus, "notify.events") == 0)
        wait_until(lambda: depth(bus, "cases.events") == 1)

    assert seen(view) == [("notice", "c1")]


def test_a_failing_handler_leaves_nothing_behind_and_comes_back(database, bus):
    """The first try raises after writing: its write is rolled back, the second try counts."""
    view = prepared(database, "notify")

    with sample("notify", database, bus):
        Publisher(bus).publish_event(NoticeRequested(cause_id="c2", template="once"))
        wait_until(lambda: seen(view))

    assert seen(view) == [("notice", "c2")]


def test_a_hopeless_message_is_a_dead_letter_at_once(database, bus):
    """InputRejected is not retried; the letter is visible with its error."""
    view = prepared(database, "notify")

    with sample("notify", database, bus):
        Publisher(bus).publish_event(NoticeRequested(cause_id="c3", template="poison"))
        wait_until(lambda: depth(bus, "notify.dead") == 1)

    assert seen(view) == []


def test_an_outbox_row_of_a_killed_process_still_leaves(database, bus):
    """A row that nobody published goes out when the service is back."""
    view = prepared(database, "notify")
    with view.transaction() as session:
        record_event(session, NoticeRequested(cause_id="c4"))

    with sample("notify", database, bus):
        wait_until(lambda: ("notice", "c4") in seen(view))


def test_the_inbox_forgets_what_no_redelivery_can_bring(database):
    """A row of 61 days goes, one of 59 stays; the gauge tells what waits in the outbox."""
    view = prepared(database, "notify")
    with view.transaction() as session:
        for name, days in (("old", 61), ("young", 59)):
            session.execute(
                text("INSERT INTO inbox VALUES ('q', :m, now() - make_interval(days => :d))"),
                {"m": name, "d": days},
            )
        record_event(session, NoticeRequested(cause_id="c5"))

    tidy(view, "notify")

    with view.transaction() as session:
        assert session.scalars(text("SELECT message_id FROM inbox")).all() == ["young"]
    assert OUTBOX.labels("notify")._value.get() == 1


def test_a_due_row_fires_once_with_two_replicas(database, bus):
    """Fifty rows, two processes: fifty effects."""
    view = prepared(database, "notify")

    with sample("notify", database, bus), sample("notify", database, bus):
        with view.transaction() as session:
            for n in range(50):
                record_due(session, "wake", str(n), datetime.now(UTC) - timedelta(seconds=1))
        wait_until(lambda: len(seen(view)) >= 50)
        time.sleep(1)  # a second firing would come with the next looks

    assert sorted(int(key) for _, key in seen(view)) == list(range(50))


def test_batches_of_a_partition_stay_in_order_when_a_replica_is_killed(database, bus):
    """Two replicas, the active one killed: every batch arrives, each partition in order."""
    view = prepared(database, "ingest")
    publisher = Publisher(bus)

    with sample("ingest", database, bus) as first, sample("ingest", database, bus):
        for n in range(40):
            if n == 20:
                first.kill()
            key = f"p{n % 2}"
            publisher.publish(
                ReadingBatch(batch_id=f"{n:03}").SerializeToString(),
                exchange="farsight.readings",
                routing_key=key,
                properties={"message_id": f"{n}", "type": "b"},
                headers={},
            )
        wait_until(lambda: len(seen(view)) >= 40)

    for partition in (0, 1):
        queue = topology.reading_queue("ingest", partition)
        keys = [key for kind, key in seen(view) if kind == queue]
        assert keys == sorted(keys)
        assert len(keys) == 20


def test_probes_answer():
    """Unready until said; live at once; metrics are there."""
    from services.chassis.errors import Unavailable
    from services.chassis.probes import Probes

    broken = []
    probes = Probes(("127.0.0.1", 0), [lambda: broken and (_ for _ in ()).throw(Unavailable("db"))])

    def get(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{probes.port}{path}") as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert (get("/livez"), get("/readyz")) == (200, 503)
    probes.ready()
    assert (get("/readyz"), get("/metrics"), get("/x")) == (200, 200, 404)
    broken.append(True)
    assert (get("/readyz"), get("/livez")) == (503, 200)


def test_a_service_that_dies_while_it_starts_ends_its_process(database, amqp_uri):
    """A process that stays and does nothing would never be started again."""
    prepared(database, "notify")
    env = {
        **os.environ,
        "DATABASE_URL": database,
        "AMQP_URI": amqp_uri,
        "FARSIGHT_PROBE_BIND": "127.0.0.1:0",
    }
    program = Path(__file__).with_name("dying_service.py")
    done = subprocess.run(
        [sys.executable, str(program)], env=env, capture_output=True, text=True, timeout=40,
        check=False,
    )  # fmt: skip

    assert done.returncode == 1, done.stderr
    assert "service_died" in done.stdout + done.stderr

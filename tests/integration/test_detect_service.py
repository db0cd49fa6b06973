"""The detect process on RabbitMQ and PostgreSQL, killed while batches arrive."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from kombu.connection import Connection
from sqlalchemy import func, select

from services.chassis.bus import topology
from services.chassis.bus.publish import Publisher
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.tables import InboxRow
from tests.integration.detect_rig import Facts, Rig, batch_of, limit_record, outlet_record
from tests.unit.detect.scene import MONDAY, NOX, SO2, honest

PARTITIONS = 2
HOURS = 50 * 24
FIRST = MONDAY - HOURS


class Process:
    """`python -m services.chassis.host detect`, started and killed at will."""

    def __init__(self, url: str, amqp_uri: str, folder) -> None:
        self._env = {
            **os.environ, "DATABASE_URL": url, "AMQP_URI": amqp_uri, "FARSIGHT_DATA": str(folder),
            "FARSIGHT_PARTITIONS": str(PARTITIONS), "FARSIGHT_PROBE_BIND": "127.0.0.1:0",
        }  # fmt: skip
        self._log = (folder / "detect.log").open("a")
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Start; the queues do the waiting."""
        command = [sys.executable, "-m", "services.chassis.host", "detect"]
        self._process = subprocess.Popen(command, env=self._env, stdout=self._log, stderr=self._log)

    def kill(self) -> None:
        """kill -9."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM; gives the exit code."""
        self._process.terminate()
        self._process.wait(60)
        self._log.close()


@pytest.fixture
def bus(amqp_uri):
    """A broker whose detect queues are empty."""
    with Connection(amqp_uri) as connection:
        topology.declare_topology(connection, PARTITIONS)
        with connection.channel() as channel:
            for spec in topology.all_queues(PARTITIONS):
                channel.queue_purge(spec.name)
    return amqp_uri


def _outlets() -> list[str]:
    return [f"91130402MA00000SV{n}-DA001" for n in range(4)]


def _records(outlets):
    return [
        record
        for outlet in outlets
        for record in (
            outlet_record(outlet, lines=(f"{SO2}+{NOX}",)),
            limit_record(outlet, SO2, 95.0),
            limit_record(outlet, NOX, 75.0),
        )
    ]


def _batches(outlets):
    """Fifty days of four outlets, each with a bottle and a gap, in batches of 300 frames."""
    frames: dict[int, list] = {0: [], 1: []}
    for number, outlet in enumerate(outlets):
        so2, nox = honest(number, HOURS, 60), honest(number + 50, HOURS, 45)
        rng = np.random.default_rng(number)
        bottle = slice(44 * 24, 47 * 24)
        so2[bottle] = np.round(55 * (1 + rng.normal(0, 0.015, 72)), 1)
        nox[bottle] = np.round(44 * (1 + rng.normal(0, 0.015, 72)), 1)
        frames[number % PARTITIONS] += [
            (outlet, (FIRST + h) * 3600, {SO2: (so2[h], float("nan")), NOX: (nox[h], float("nan"))})
            for h in range(HOURS)
            if not 1000 <= h < 1005 + number
        ]
    for entries in frames.values():
        entries.sort(key=lambda frame: frame[1])
    return [
        batch_of(entries[at : at + 300], partition)
        for partition, entries in frames.items()
        for at in range(0, len(entries), 300)
    ]


def _publish(publisher: Publisher, batch) -> None:
    publisher.publish(
        batch.SerializeToString(), exchange=topology.READINGS.name,
        routing_key=f"p{batch.partition}", headers={},
        properties={"message_id": batch.batch_id, "type": batch.DESCRIPTOR.full_name},
    )  # fmt: skip


def _taken(rig: Rig) -> int:
    """Batches whose effect is committed."""
    with rig.database.transaction() as session:
        query = select(func.count()).select_from(InboxRow)
        return session.scalar(query.where(InboxRow.consumer.like("detect.readings.%"))) or 0


def _wait(check, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return
        time.sleep(0.05)
    pytest.fail(f"not within {seconds} s")


@pytest.mark.fault
def test_findings_after_four_kills_are_those_of_a_calm_run(migrated_db, bus, tmp_path):
    """kill -9 while batches are worked off: the same findings, each batch's effect once."""
    outlets = _outlets()
    url = migrated_db("detect")
    rig = Rig(url, tmp_path / "unused")
    publisher = Publisher(bus)
    process = Process(url, bus, tmp_path)
    process.start()
    records = _records(outlets)
    for revision, record in enumerate(records, 1):
        record.revision = revision
    publisher.publish_event(registry_pb2.RecordsChanged(records=records))
    _wait(lambda: _knows(rig, outlets))
    batches = _batches(outlets)

    for batch in batches:
        _publish(publisher, batch)
    for part in (1, 2, 3, 4):
        _wait(lambda part=part: _taken(rig) >= part * len(batches) // 5)
        process.kill()
        process.start()
    _wait(lambda: _taken(rig) == len(batches))
    process.stop()

    wild = [Facts.of(f) for f in rig.findings() if f.count]
    rules = {fact.rule_id for fact in wild}
    assert rules >= {"hourly_exceedance", "low_variance_part_of_day", "silence"}
    assert wild == _calm_findings(migrated_db, tmp_path, batches, outlets)
    assert _dead(bus) == 0
    rig.close()


def _knows(rig: Rig, outlets) -> bool:
    directory = rig.detector.known.directory
    with rig.database.transaction() as session:
        directory.refresh(session)
    return all(directory.outlet(outlet) for outlet in outlets)


def _dead(amqp_uri: str) -> int:
    with Connection(amqp_uri) as connection, connection.channel() as channel:
        name = topology.dead_queue("detect")
        return channel.queue_declare(name, passive=True).message_count


def _calm_findings(migrated_db, tmp_path, batches, outlets) -> list[Facts]:
    """The same batches through a detector that nobody kills, on a database of its own."""
    rig = Rig(migrated_db("detect", "notify"), tmp_path / "calm")
    rig.know(_records(outlets))
    for batch in batches:
        rig.take(batch)
    facts = [Facts.of(f) for f in rig.findings() if f.count]
    rig.close()
    return facts

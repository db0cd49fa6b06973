"""A notify service, an SMS centre and a bus, each a real process, for the notify tests."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import httpx
import psycopg
import pytest
from kombu import Connection
from psycopg.rows import dict_row

from services.chassis import grpc_host
from services.chassis.bus import topology
from services.chassis.bus.publish import Publisher
from services.chassis.clock import to_timestamp
from services.chassis.identity import Actor, Tokens, create_token_key
from services.chassis.pb.cases.v1.cases_pb2 import NoticeRequested, Recipient
from services.chassis.pb.registry.v1 import registry_pb2 as registry_pb

OUTLET = "91130400MA000T014P-DA001"
PARAMETERS = {
    "plant": "示范热电", "outlet": "1号炉", "factor": "二氧化硫", "item": "小时均值超标",
    "time": "22日08时", "value": "41.2", "limit": "35", "due": "23日10时", "number": "督1",
    "action": "核查",
}  # fmt: skip


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(check: Callable[[], Any], seconds: float = 60) -> Any:
    """Poll until `check` gives something true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = check()
        if value:
            return value
        time.sleep(0.05)
    return pytest.fail(f"not within {seconds} s")


@dataclass
class Rig:
    """Everything a notify test touches."""

    database_url: str
    amqp_uri: str
    folder: Path
    smpp_port: int = field(default_factory=free_port)
    page_port: int = field(default_factory=free_port)
    grpc_port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """Settings of the processes: short waits, no night."""
        return {
            **os.environ,
            "DATABASE_URL": self.database_url,
            "AMQP_URI": self.amqp_uri,
            "FARSIGHT_DATA": str(self.folder),
            "FARSIGHT_PARTITIONS": "2",
            "FARSIGHT_PROBE_BIND": "127.0.0.1:0",
            "FARSIGHT_QUIET_HOURS": "none",
            "FARSIGHT_SMPP_URI": f"smpp://farsight:secret@127.0.0.1:{self.smpp_port}",
            "FARSIGHT_SMPP_BIND": f"127.0.0.1:{self.smpp_port}",
            "FARSIGHT_HANDSET_BIND": f"127.0.0.1:{self.page_port}",
            "FARSIGHT_SMPP_ANSWER_TIMEOUT_S": "2",
            "FARSIGHT_SMPP_LEASE_S": "3",
            "FARSIGHT_TOKEN_KEY": str(self.folder / "keys" / "token.jwk"),
            "FARSIGHT_GRPC_BIND": f"127.0.0.1:{self.grpc_port}",
        }

    def start(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start `python -m words...`; its output goes to a log in the folder."""
        log = self.folder / f"{words[-1].lstrip('-')}-{len(self.processes)}.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", *words],
                env=self.environment(), stdout=sink, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.processes.append(process)
        wait_until(lambda: process.poll() is not None or _is_up(log.read_bytes()), 60)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        return process

    def notify(self) -> "subprocess.Popen[bytes]":
        """Start a replica of notify."""
        return self.start("services.chassis.host", "notify")

    def doors(self, *services: str) -> grpc.Channel:
        """Start the gRPC doors of these services; gives a channel to them."""
        create_token_key(self.folder / "keys" / "token.jwk")
        self.start("services.chassis.doors", *services)
        return grpc_host.client_channel(f"127.0.0.1:{self.grpc_port}")

    def token(self, actor: Actor) -> list[tuple[str, str]]:
        """Call metadata that says who calls."""
        tokens = Tokens(self.folder / "keys" / "token.jwk")
        return grpc_host.bearer(tokens.issue(actor)[0])

    def handset(self) -> "subprocess.Popen[bytes]":
        """Start the SMS centre."""
        return self.start("farsight", "handset", "--test-knobs")

    def turn(self, **knobs: object) -> None:
        """Make the SMS centre misbehave."""
        url = f"http://127.0.0.1:{self.page_port}/knobs"
        wait_until(lambda: _answers(url))
        httpx.post(url, json=knobs).raise_for_status()

    def texts(self) -> list[dict[str, Any]]:
        """What the phones show, oldest first."""
        page = httpx.get(f"http://127.0.0.1:{self.page_port}/messages.json", timeout=10)
        return list(reversed(page.json()["messages"]))

    def rows(self, query: str = "SELECT * FROM notify.sendings ORDER BY sending_id") -> list[Any]:
        """Rows of notify's own tables."""
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()  # type: ignore[arg-type]

    def states(self) -> dict[str, str]:
        """Cause to state, for tests with one person a cause."""
        return {row["cause_id"]: row["state"] for row in self.rows()}

    def publish(self, event: Any, message_id: str = "") -> None:
        """Put an event on the bus as another service would."""
        name = event.DESCRIPTOR.full_name
        Publisher(self.amqp_uri).publish(
            event.SerializeToString(),
            exchange="farsight.events", routing_key=name,
            properties={"message_id": message_id or str(uuid.uuid4()), "type": name}, headers={},
        )  # fmt: skip

    def end(self) -> None:
        """Kill what was started here, paused or not."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(20)


def _is_up(log: bytes) -> bool:
    return any(word in log for word in (b"service_ready", b"handset_ready", b"doors_open"))


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code > 0
    except httpx.TransportError:
        return False


@contextmanager
def rig(database_url: str, amqp_uri: str, folder: Path) -> Iterator[Rig]:
    """A rig with the topology declared, empty queues and the people known."""
    with Connection(amqp_uri) as connection:
        topology.declare_topology(connection, 2)
        with connection.channel() as channel:
            for spec in topology.all_queues(2):
                channel.queue_purge(spec.name)
    made = Rig(database_url, amqp_uri, folder)
    try:
        yield made
    finally:
        made.end()


def people() -> registry_pb.RecordsChanged:
    """One plant with a manager, two officers of its county, a leader."""
    officers = [("o1", "officer", "19900000011"), ("o2", "officer", "19900000012")]
    officers.append(("l1", "leader", "19900000013"))
    records = [
        registry_pb.Record(
            kind=registry_pb.RECORD_KIND_CONTACT,
            key="c1",
            revision=1,
            contact=registry_pb.Contact(
                contact_id="c1", credit_code=OUTLET[:18], name="甲", phone="19900000001",
                duty="environment_manager",
            ),
        )
    ]  # fmt: skip
    records += [
        registry_pb.Record(
            kind=registry_pb.RECORD_KIND_OFFICER,
            key=key,
            revision=2,
            officer=registry_pb.Officer(
                officer_id=key, name=key, division="130402", role=role, phone=phone
            ),
        )
        for key, role, phone in officers
    ]
    return registry_pb.RecordsChanged(records=records)


def notice(cause: str, *to: Recipient, level: int = 2, age_h: float = 0, **parameters: str):
    """A notice as cases sends it; by default to the plant."""
    return NoticeRequested(
        cause_id=cause,
        template="order_issued",
        parameters={**PARAMETERS, **parameters},
        recipients=to or (Recipient(kind="enterprise", key=OUTLET[:18]),),
        level=level,
        event_time=to_timestamp(datetime.now(UTC) - timedelta(hours=age_h)),
        matter_id="m1",
        division="130402",
        outlet_id=OUTLET,
        correlation_id=f"corr-{cause}",
    )

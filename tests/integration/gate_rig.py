"""Doors, registry, ingest and gate as real processes, and a logger that speaks HJ 212 to them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from kombu import Connection, Queue

from services.chassis import grpc_host
from services.chassis.bus.topology import (
    READING_GROUPS,
    READINGS,
    declare_topology,
    reading_queue,
)
from services.chassis.identity import Actor, Role, Tokens, create_token_key
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.pb.registry.v1 import registry_pb2_grpc as registry_rpc
from services.ingest.hj212.encode import Values, encode_upload, request_number

PARTITIONS = 2
CREDIT = "91130402MA0GATE12L"  # synthetic, with right check signs
PASSWORD = "123456"
SPY = "gate-test.readings"  # sees every batch; the store's own queues allow no basic.get
OPERATOR = Actor("gate-test", Role.OPERATOR, division="000000")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(check: Callable[[], Any], seconds: float = 30) -> Any:
    """Poll until `check` gives something true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = check()
        if value:
            return value
        time.sleep(0.05)
    return pytest.fail(f"not within {seconds} s")


def mn_of(number: int) -> str:
    """MN of the test's logger `number`."""
    return f"{number:024X}"


class Logger:
    """A data logger: one TCP connection to the gate."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._received = b""

    def send(self, data: bytes) -> None:
        """Put bytes on the wire."""
        self.socket.sendall(data)

    def replies(self, count: int, seconds: float = 15) -> list[bytes]:
        """The next `count` replies; fewer when they do not come in time."""
        deadline = time.monotonic() + seconds
        while self._received.count(b"\r\n") < count and time.monotonic() < deadline:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                break
            if not data:
                break
            self._received += data
        lines = self._received.split(b"\r\n")
        found, self._received = lines[:-1][:count], b"\r\n".join(lines[:-1][count:] + lines[-1:])
        return found

    def closed_by_peer(self, seconds: float = 10) -> bool:
        """Whether the gate ends the connection in time."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


@dataclass
class House:
    """The running processes with their addresses."""

    environment: dict[str, str]
    tokens: Tokens
    outlets: list[str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def start(self, name: str, *command: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start a process and wait until it is ready; its log goes to the data folder."""
        probe = free_port()
        environment = {
            **self.environment,
            "FARSIGHT_PROBE_BIND": f"127.0.0.1:{probe}",
            **settings,
        }
        log = Path(environment["FARSIGHT_DATA"]) / f"{name}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], env=environment, stdout=out, stderr=out
            )
        self.processes[name], self.ports[name] = process, probe
        wait_until(lambda: self.is_ready(name) or self._fail_if_dead(name, log), 60)
        return process

    def start_gate(self, name: str = "gate", **settings: str) -> int:
        """Start a gate; gives its HJ 212 port."""
        port = free_port()
        self.environment["FARSIGHT_GATE_GRPC_ADDR"] = f"127.0.0.1:{free_port()}"
        self.start(
            name,
            "services.ingest.gate",
            FARSIGHT_HJ212_BIND=f"127.0.0.1:{port}",
            FARSIGHT_GATE_GRPC_BIND=self.environment["FARSIGHT_GATE_GRPC_ADDR"],
            **settings,
        )
        return port

    def is_ready(self, name: str) -> bool:
        """Whether /readyz says so."""
        try:
            url = f"http://127.0.0.1:{self.ports[name]}/readyz"
            return httpx.get(url, timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

    def metric(self, name: str, line: str) -> float:
        """The value of a metric's line of a process; 0 when it has none yet."""
        text = httpx.get(f"http://127.0.0.1:{self.ports[name]}/metrics", timeout=5).text
        values = [row.rpartition(" ")[2] for row in text.splitlines() if row.startswith(line + " ")]
        return float(values[0]) if values else 0.0

    def stop(self, name: str, number: int = signal.SIGTERM) -> int:
        """End a process and wait; gives its exit code."""
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(30)

    def sync(self, *records: registry.Record) -> None:
        """Keep records in the registry."""
        with grpc_host.client_channel(self.environment["FARSIGHT_GRPC_ADDR"]) as channel:
            stub = registry_rpc.RegistryServiceStub(channel)
            request = registry.SyncRequest(records=records)
            answer = stub.Sync(iter([request]), metadata=self.bearer(OPERATOR))
        assert not answer.errors, answer.errors

    def bearer(self, actor: Actor) -> list[tuple[str, str]]:
        """Metadata that carries a fresh token of an actor."""
        return grpc_host.bearer(self.tokens.issue(actor)[0])

    def batches(self) -> list[pb.ReadingBatch]:
        """The batches that the bus took since the last look."""
        found = []
        with Connection(self.environment["AMQP_URI"]) as bus, bus.channel() as channel:
            while message := channel.basic_get(SPY, no_ack=True):
                body = message.body
                data = body.encode() if isinstance(body, str) else bytes(body)
                found.append(pb.ReadingBatch.FromString(data))
        return found

    def frames(self, count: int, seconds: float = 15) -> list[pb.Frame]:
        """The next `count` frames that reach the bus."""
        found: list[pb.Frame] = []

        def enough() -> bool:
            found.extend(frame for batch in self.batches() for frame in batch.frames)
            return len(found) >= count

        wait_until(enough, seconds)
        return found

    def upload(
        self,
        number: int = 1,
        values: Values | None = None,
        moment: datetime | None = None,
        **fields: Any,
    ) -> bytes:
        """A correct hour frame of logger `number`; `fields` go to `encode_upload`."""
        now = datetime.now(UTC)
        arguments: dict[str, Any] = {
            "cn": "2061",
            "mn": mn_of(number),
            "password": PASSWORD,
            "st": "31",
            "qn": request_number(now),
            "data_time": moment or now.replace(minute=0, second=0, microsecond=0),
            "values": values or {"a21026": {"Avg": 31.5, "Flag": "N"}},
        }
        return encode_upload(**{**arguments, **fields})

    def _fail_if_dead(self, name: str, log: Path) -> bool:
        if self.processes[name].poll() is not None:
            pytest.fail(f"{name} ended: {log.read_text()[-3000:]}")
        return False


def records(outlets: list[str]) -> list[registry.Record]:
    """Divisions, one enterprise, its outlets and a logger each."""
    credit = outlets[0].partition("-")[0]
    return [
        *(
            registry.Record(kind=registry.RECORD_KIND_DIVISION, key=code, division=division)
            for code, division in {
                "130000": registry.Division(code="130000", name="河北省", level="province"),
                "130400": registry.Division(
                    code="130400", name="邯郸市", parent="130000", level="city"
                ),
                "130402": registry.Division(
                    code="130402", name="邯山区", parent="130400", level="county"
                ),
            }.items()
        ),
        registry.Record(
            kind=registry.RECORD_KIND_ENTERPRISE,
            key=credit,
            enterprise=registry.Enterprise(
                credit_code=credit, name="示范热电", division="130402", industry="4411"
            ),
        ),
        *(outlet_record(outlet) for outlet in outlets),
        *(logger_record(number, outlet) for number, outlet in enumerate(outlets, 1)),
    ]


def outlet_record(outlet_id: str) -> registry.Record:
    """A stack with three factors."""
    credit, _, code = outlet_id.partition("-")
    return registry.Record(
        kind=registry.RECORD_KIND_OUTLET,
        key=outlet_id,
        outlet=registry.Outlet(
            outlet_id=outlet_id,
            credit_code=credit,
            code=code,
            name=f"{code}号排放口",
            medium="air",
            process="coal boiler",
            factors=["a21026", "a21002", "a19001"],
            division="130402",
        ),
    )


def logger_record(number: int, outlet_id: str, *, enabled: bool = True) -> registry.Record:
    """The logger `number` at an outlet."""
    return registry.Record(
        kind=registry.RECORD_KIND_LOGGER,
        key=mn_of(number),
        logger=registry.Logger(
            mn=mn_of(number),
            outlet_id=outlet_id,
            password=PASSWORD,
            st="31",
            realtime_interval_s=30,
            minute_interval_min=10,
            enabled=enabled,
        ),
    )


def forget_readings(bus: Connection) -> None:
    """Empty the readings queues of the shared bus: other tests' outlets are not ours."""
    with bus.channel() as channel:
        for number in range(PARTITIONS):
            for group in READING_GROUPS:
                channel.queue_purge(reading_queue(group, number))


@contextmanager
def house(database_url: str, amqp_uri: str, folder: Path, redis_url: str = "") -> Iterator[House]:
    """Doors of registry and ingest, and the registry's service, with three loggers known."""
    create_token_key(folder / "keys" / "token.jwk")
    grpc_addr = f"127.0.0.1:{free_port()}"
    with Connection(amqp_uri) as bus:
        declare_topology(bus, PARTITIONS)
        spy = Queue(SPY, durable=True, channel=bus.channel())
        spy.queue_declare()
        for number in range(PARTITIONS):
            spy.bind_to(READINGS.name, routing_key=f"p{number}")
        forget_readings(bus)
    made = House(
        environment={
            **os.environ,
            "DATABASE_URL": database_url,
            "AMQP_URI": amqp_uri,
            "REDIS_URL": redis_url,
            "FARSIGHT_DATA": str(folder),
            "FARSIGHT_PARTITIONS": str(PARTITIONS),
            "FARSIGHT_GRPC_BIND": grpc_addr,
            "FARSIGHT_GRPC_ADDR": grpc_addr,
            "PYTHONUNBUFFERED": "1",
        },
        tokens=Tokens(folder / "keys" / "token.jwk"),
        outlets=[f"{CREDIT}-DA{number:03d}" for number in range(1, 4)],
    )
    made.batches()  # what an earlier test left on the shared bus
    try:
        made.start("doors", "services.chassis.doors", "registry", "ingest")
        made.start("registry", "services.chassis.host", "registry")
        made.sync(*records(made.outlets))
        yield made
    finally:
        for name in list(made.processes):
            made.processes[name].terminate()
        for process in made.processes.values():
            process.wait(30)
        with Connection(amqp_uri) as bus:
            forget_readings(bus)


def outcomes(frames: list[pb.Frame]) -> Counter[str]:
    """Frames by outcome, refused ones by reason."""
    names = {pb.OUTCOME_ACCEPTED: "accepted", pb.OUTCOME_DUPLICATE: "duplicate"}
    return Counter(frame.reason or names[frame.outcome] for frame in frames)
